"""Parameter values: read from text by the type of the default, and checked."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bt_run.core.errors import ParamError
from strategies.params import check_value, find_disorder, parse_value, unknown_param


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("10", 14, 10),
        ("-3", 14, -3),
        ("25", 30.0, 25.0),
        ("2.5e1", 30.0, 25.0),
        ("true", False, True),
        ("Yes", False, True),
        ("no", True, False),
        ("False", True, False),
        ("ema", "sma", "ema"),
        ("10", None, 10),
        ("1.5", None, 1.5),
        ("abc", None, "abc"),
    ],
)
def test_the_default_gives_the_type(text, default, value):
    """The same text reads differently under different defaults."""
    read = parse_value("Mine", "x", text, default=default)

    assert (value, type(value)) == (read, type(read))


@pytest.mark.parametrize(
    ("text", "default", "message"),
    [
        ("1.5", 14, "x is '1.5'; it must be a whole number"),
        ("ten", 14, "must be a whole number"),
        ("", 14, "must be a whole number"),
        ("ten", 1.0, "must be a number"),
        ("nan", 1.0, "must be a number"),
        ("inf", 1.0, "must be a number"),
        ("1", True, "write true or false"),
        ("1,2", (1, 2), "type tuple, which cannot be written as text"),
    ],
)
def test_a_text_of_another_type_is_refused(text, default, message):
    """The error names owner, parameter and what it must be."""
    with pytest.raises(ParamError, match=f"Mine: x .*{message}" if "x is" not in message else message):
        parse_value("Mine", "x", text, default=default)


def test_a_whole_default_of_a_hand_written_strategy_takes_a_fraction():
    """Hand-written strategies say ("oversold", 30) and mean a float."""
    assert 27.5 == parse_value("Mine", "oversold", "27.5", default=30, is_strict=False)
    assert 27 == parse_value("Mine", "oversold", "27", default=30, is_strict=False)
    with pytest.raises(ParamError, match="whole number"):
        parse_value("Mine", "oversold", "low", default=30, is_strict=False)


def test_limits_are_inclusive():
    """Both ends pass, what lies beyond does not."""
    for value in (2, 50):
        check_value("Mine", "x", value, default=14, limits=(2, 50))
    for value in (1, 51):
        with pytest.raises(ParamError, match=f"x is {value}; it must lie in 2 to 50"):
            check_value("Mine", "x", value, default=14, limits=(2, 50))


def test_a_choice_is_one_of_the_list():
    """The error lists the choices."""
    check_value("Mine", "kind", "ema", default="sma", choices=("sma", "ema"))
    with pytest.raises(ParamError, match="kind is 'wma'; choose one of sma, ema"):
        check_value("Mine", "kind", "wma", default="sma", choices=("sma", "ema"))


@pytest.mark.parametrize(("value", "default"), [(1, True), (True, 1), (True, 1.0), ("1", 1), (1.0, 1)])
def test_a_value_of_another_type_is_refused(value, default):
    """A bool is no number and a number no bool, whatever Python says."""
    with pytest.raises(ParamError, match="must be of type"):
        check_value("Mine", "x", value, default=default)


def test_a_default_of_none_takes_anything():
    """None says nothing about the type."""
    for value in (1, "a", 2.5, None):
        check_value("Mine", "x", value, default=None)


def test_an_unknown_name_is_met_with_the_nearest():
    """Where nothing is near, or there is nothing, the error says that."""
    assert str(unknown_param("Mine", "perod", ["period"])) == (
        "Mine has no parameter 'perod'. Did you mean 'period'? It has: period."
    )
    assert "Mine has no parameter 'x'. It has no parameters." == str(unknown_param("Mine", "x", []))


def test_disorder_is_found():
    """Equal is not less."""
    assert find_disorder(SimpleNamespace(a=1, b=2), "a", "b") is None
    assert "a is 2 and b is 2; a must be less than b." == find_disorder(SimpleNamespace(a=2, b=2), "a", "b")
