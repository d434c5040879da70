"""Texts fit and mean what they say, whatever the user's settings are."""

from __future__ import annotations

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from bt_run.reports.style import clean_text, drawing, fit_text, text_width


def test_the_style_holds_inside_and_is_gone_after():
    """The user's own settings are neither used nor changed."""
    with matplotlib.rc_context({"text.usetex": False, "font.size": 33.0, "figure.dpi": 50}):
        with drawing():
            inside = Figure()

        assert (100, 33.0, 50) == (
            inside.dpi,
            matplotlib.rcParams["font.size"],
            matplotlib.rcParams["figure.dpi"],
        )


def test_dollars_are_dollars():
    """A text made in our style is never read as mathematics."""
    with drawing():
        text = Figure().text(0, 0, "$x_1$")

    assert not text.get_parse_math()


@pytest.mark.parametrize(("text", "clean"), [(" a \n\t b ", "a b"), ("x\x00y", "x y"), ("ÄÖ 策略", "ÄÖ 策略")])
def test_names_come_on_one_line(text, clean):
    """White space and control characters become one space."""
    assert clean == clean_text(text)


@given(text=st.text(alphabet=st.characters(codec="latin-1"), max_size=80), width=st.floats(0.3, 3.0))
def test_a_fitted_text_fits(text, width):
    """What is too long is cut and ends with an ellipsis; what fits is left alone."""
    with drawing():
        fitted = fit_text(text, 10.0, width)

        assert text_width(fitted, 10.0) <= width
        assert fitted == clean_text(text) or fitted.endswith("…")
