"""From words such as ``period=5:30`` to the space of a search."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError, ParamError
from bt_run.run.optimize.space import Axis, Space, find_conflict, read_space
from strategies.loader import load_strategy


def space_of(spec, *words, is_stepped=True):
    return read_space(load_strategy(spec), words, is_stepped=is_stepped)


def test_whole_numbers_go_by_one_and_include_both_ends():
    """The default of period is an int, so the range needs no step."""
    axis = space_of("rsi", "period=5:8").axes[0]

    assert axis == Axis("period", (5, 6, 7, 8))


def test_a_step_of_decimals_hits_the_decimals():
    """0.1 + 2 * 0.1 would be 0.30000000000000004 in floats."""
    axis = space_of("bollinger", "width=1.1:1.5:0.1").axes[0]

    assert axis.values == (1.1, 1.2, 1.3, 1.4, 1.5)


def test_a_step_that_does_not_meet_the_end_stops_before_it():
    """20, 25, ... never 42."""
    assert space_of("rsi", "oversold=20:42:10").axes[0].values == (20.0, 30.0, 40.0)


def test_lists_single_values_and_whole_ranges():
    """A list is taken as given; a bare name takes all that the class allows."""
    space = space_of("rsi", "period=7,14", "oversold=30", "overbought", is_stepped=False)

    assert space.axes[:2] == (Axis("period", (7, 14)), Axis("oversold", (30.0,)))
    assert space.axes[2] == Axis("overbought", (), 50.0, 99.0)
    assert [axis.name for axis in space.moving] == ["period", "overbought"]
    assert space.size is None


def test_parameters_of_the_strategy_stay_fixed_unless_searched():
    """rsi:period=9,oversold=25 with an axis for period."""
    space = space_of("rsi:period=9,oversold=25", "period=5:6")

    assert space.fixed == {"oversold": 25.0}
    assert space.combination(1) == {"oversold": 25.0, "period": 6}


def test_the_last_axis_moves_fastest():
    """Combinations are made from their number."""
    space = space_of("rsi", "period=5:6", "oversold=20:40:10")

    assert space.size == 6
    assert [tuple(space.combination(number).values()) for number in range(4)] == [
        (5, 20.0), (5, 30.0), (5, 40.0), (6, 20.0),
    ]  # fmt: skip


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_every_combination_comes_once(lengths):
    """Numbers and combinations are the same thing, whatever the axes."""
    space = Space(tuple(Axis(f"p{place}", tuple(range(length))) for place, length in enumerate(lengths)), {})
    made = {tuple(space.combination(number).values()) for number in range(space.size)}

    assert len(made) == space.size


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (["perod=5:30"], ParamError, "Did you mean 'period'"),
        (["period=30:5"], ConfigError, "is empty.*Write period=5:30"),
        (["period=5:30:0"], ConfigError, "above zero"),
        (["period=5:30:-1"], ConfigError, "above zero"),
        (["period=5:30:x"], ConfigError, "not a number"),
        (["period=5:30:0.5"], ParamError, "whole number"),
        (["period=5:x"], ParamError, "whole number"),
        (["period=5:"], ParamError, "whole number"),
        (["period=1:30"], ParamError, "must lie in 2 to 200"),
        (["period=5:10:2:3"], ConfigError, "not a range"),
        (["period="], ConfigError, "has no values"),
        (["period=5,5"], ConfigError, "names a value twice"),
        (["period=5:9", "period=10"], ConfigError, "given twice"),
        (["oversold=20:40"], ConfigError, "needs a step: oversold=20:40:2"),
        (["oversold=20:40:1e-9"], ConfigError, "at most 1,000,000"),
        (["allow_short=true,false"], ParamError, "--allow-short"),
        ([], ConfigError, r"period=7:28.*period \(2 to 200\)"),
    ],
)
def test_a_wrong_axis_is_named(words, kind, message):
    """With what to write instead."""
    with pytest.raises(kind, match=message):
        space_of("rsi", *words)


def test_a_hand_written_strategy_takes_fractions_for_whole_defaults(tmp_path):
    """They write ("level", 30) and mean a float; they have no ranges of their own."""
    file = tmp_path / "own.py"
    file.write_text(
        "import backtrader as bt\n\n\nclass Own(bt.Strategy):\n"
        "    params = (('level', 30), ('kind', 'sma'), ('fast', True))\n"
    )
    space = space_of(str(file), "level=0.5:1.5:0.5", "kind=sma,ema", "fast")

    assert [axis.values for axis in space.axes] == [(0.5, 1.0, 1.5), ("sma", "ema"), (False, True)]
    with pytest.raises(ConfigError, match="gives no range for level"):
        space_of(str(file), "level")


def test_conflicts_are_found_with_the_defaults_filled_in():
    """Macd's fast must be less than slow, whose default is 26."""
    cls = load_strategy("macd").cls

    assert find_conflict(cls, {"fast": 12}) is None
    assert "fast is 30" in find_conflict(cls, {"fast": 30})
