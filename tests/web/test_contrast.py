"""The colours of the page can be read: contrast as WCAG 2.2 reckons it, in both themes."""

from __future__ import annotations

import re
from importlib import resources

import pytest

TEXT, PART = 4.5, 3.0
"""What level AA asks of text, and of parts of controls (success criteria 1.4.3 and 1.4.11)."""

PAIRS = [
    *((ink, page, TEXT) for ink in ("ink", "muted", "gain", "loss") for page in ("page", "card")),
    ("ink", "line", TEXT),  # a button below the pointer
    ("warn", "warn-page", TEXT),
    ("focus", "page", PART),
    ("focus", "card", PART),
]


def themes():
    """Read the custom properties of the style sheet: light, and dark where that says otherwise."""
    css = (resources.files("bt_run.web") / "static" / "desk.css").read_text(encoding="utf-8")
    found = {}
    for name, pattern in (("light", r":root \{(.*?)\}"), ("dark", r":root\[data-theme=\"dark\"\] \{(.*?)\}")):
        block = re.search(pattern, css, re.DOTALL)[1]
        found[name] = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    return {"light": found["light"], "dark": {**found["light"], **found["dark"]}}


def luminance(color):
    """Give the relative luminance of ``#rrggbb``, in [0, 1]."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Give the ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_ratio_is_that_of_the_guidelines():
    """Black on white, and the grey that is known to be just enough."""
    assert 21 == pytest.approx(contrast("#000000", "#ffffff"))
    assert 4.54 == pytest.approx(contrast("#767676", "#ffffff"), abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "page", "least"), PAIRS)
def test_what_is_written_can_be_read(theme, ink, page, least):
    """Text, small text, gains and losses, notes, and the ring of what has the focus."""
    colors = themes()[theme]

    assert contrast(colors[ink], colors[page]) >= least
