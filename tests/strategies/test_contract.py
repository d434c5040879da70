"""The contract that every registered strategy keeps, and the template that users start from."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bt_run.core.errors import ParamError
from bt_run.core.market import BAR_COLUMNS
from strategies.description import describe
from strategies.loader import load_strategy
from strategies.registry import registered_names
from strategies.template import template

TEMPLATE = "the template"

ROUNDS = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

# Steps of whole ticks make ties, which continuous prices never have; the price of a tick spans coins.
closes = st.builds(
    lambda steps, tick: np.maximum(1, 60 + np.cumsum(np.array(steps, dtype=np.int64))) * tick,
    st.lists(st.integers(-4, 4), min_size=0, max_size=160),
    st.sampled_from([1e-8, 0.01, 500.0]),
)


@pytest.fixture(scope="module", params=[*registered_names(), TEMPLATE])
def cls(request, tmp_path_factory):
    """Give each strategy class in turn."""
    if request.param != TEMPLATE:
        return load_strategy(request.param).cls
    path = tmp_path_factory.mktemp("template") / "mine.py"
    path.write_text(template("Mine"))
    return load_strategy(str(path)).cls


def _arrays(cls, bars, **params):
    return dict(cls.compute(bars, **params).arrays())


def _entries(found):
    return found.long_entry | found.short_entry


@ROUNDS
@given(prices=closes, data=st.data())
def test_signals_of_a_prefix_are_the_prefix_of_the_signals(cls, bars_from, prices, data):
    """What was decided at a bar does not change when more bars arrive."""
    bars = bars_from(prices)
    cut = data.draw(st.integers(0, len(prices)))
    whole, prefix = _arrays(cls, bars), _arrays(cls, bars[:cut])

    assert whole.keys() == prefix.keys()
    for name, array in prefix.items():
        np.testing.assert_array_equal(whole[name][:cut], array, err_msg=name)


def test_no_prefix_of_a_long_walk_looks_ahead(cls, walk):
    """Every single prefix of a walk with many signals agrees with the whole."""
    bars = walk(seed=11, n=200)
    whole = _arrays(cls, bars)

    assert whole["long_entry"].any()
    for cut in range(len(bars)):
        for name, array in _arrays(cls, bars[:cut]).items():
            np.testing.assert_array_equal(whole[name][:cut], array, err_msg=f"{name} at {cut}")


@ROUNDS
@given(prices=closes)
def test_nothing_is_entered_until_every_curve_is_known(cls, bars_from, prices):
    """An entry needs a value of each indicator; an exit before that finds nothing to close."""
    found = cls.compute(bars_from(prices))
    curves = [*found.panels.values(), *found.overlays.values()]

    assert curves
    assert not np.any(_entries(found) & np.any([np.isnan(curve) for curve in curves], axis=0))


@ROUNDS
@given(prices=closes)
def test_the_short_side_never_wants_what_the_long_side_wants(cls, bars_from, prices):
    """No bar asks to enter both sides, nor to enter and leave the same side."""
    found = cls.compute(bars_from(prices))

    assert not np.any(found.long_entry & found.short_entry)
    assert not np.any(found.long_entry & found.long_exit)
    assert not np.any(found.short_entry & found.short_exit)


def test_the_same_bars_give_the_same_signals_and_stay_as_they_are(cls, walk):
    """Signals are a pure function: equal twice, and the bars are only read."""
    bars = walk(seed=3)
    before = {name: getattr(bars, name).copy() for name in BAR_COLUMNS}
    for name in before:
        getattr(bars, name).flags.writeable = False
    first, second = _arrays(cls, bars), _arrays(cls, bars)

    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)
    for name, array in before.items():
        np.testing.assert_array_equal(array, getattr(bars, name), err_msg=name)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_handful_of_bars_is_no_error(cls, walk, n):
    """Every array has one value a bar, and one bar alone decides nothing."""
    found = cls.compute(walk(n=2)[:n])

    for name, array in found.arrays():
        assert (n,) == np.shape(array), name
    assert not np.any(_entries(found)[:1])


@pytest.mark.parametrize("price", [3.3, 0.00001234, 64_000.1])
def test_a_price_that_stands_still_after_a_move_gives_no_new_entries(cls, bars_from, walk, price):
    """Rounding noise on a flat price is no signal: an entry there was wanted before, or never comes."""
    moved = walk(seed=5, n=300).close
    still = np.concatenate([moved * price / moved[-1], np.full(1500, price)])
    found = cls.compute(bars_from(still, wick=0.0))
    late = _entries(found)[-300:]

    assert not np.any(late[1:] & ~late[:-1])


def test_running_at_once_and_bar_by_bar_places_the_same_orders(cls, walk, run_plain):
    """Arrays computed once and arrays that grow by a bar each lead to the same fills."""
    bars = walk(seed=8, n=220)
    for allow_short in (False, True):
        at_once = run_plain(cls, bars, allow_short=allow_short)
        one_by_one = run_plain(
            cls, bars, allow_short=allow_short, cerebro_args={"runonce": False, "preload": False}
        )

        assert len(at_once.fills) >= 2
        assert at_once.fills == one_by_one.fills
        assert at_once.equity == one_by_one.equity


def test_every_parameter_has_a_range_or_choices_that_hold_its_default(cls):
    """Help, checks and grids all read the same declaration, and the defaults pass it."""
    info = describe(cls)

    assert cls.check_params({}) == SimpleNamespace(**cls.defaults())
    for param in info.params:
        assert (param.limits is not None) != bool(param.choices), param.name
        if param.limits is not None:
            assert type(param.default) is type(param.limits[0]) is type(param.limits[1]), param.name
            assert param.limits[0] <= param.default <= param.limits[1]


def test_both_ends_of_every_range_work(cls, walk):
    """The least and the largest value that a range allows are values that TA-Lib takes."""
    bars = walk(seed=2, n=120)
    for param in describe(cls).params:
        for value in param.limits or param.choices:
            if cls.find_conflict(SimpleNamespace(**{**cls.defaults(), param.name: value})) is None:
                assert 120 == len(cls.compute(bars, **{param.name: value}).long_entry)


def test_values_out_of_range_and_wrong_names_are_refused(cls):
    """The error names the parameter and its range, or the nearest name."""
    for param in describe(cls).params:
        with pytest.raises(ParamError, match=param.name):
            cls.check_params({param.name: param.limits[1] + 1 if param.limits else "no such choice"})
        with pytest.raises(ParamError, match=f"Did you mean {param.name!r}"):
            cls.check_params({param.name + "x": 1})


@pytest.mark.parametrize("name", registered_names())
def test_a_registered_strategy_says_what_it_does_and_where_it_comes_from(name):
    """The list of strategies shows a sentence, and the docstring names author, title and year."""
    info = describe(load_strategy(name).cls, name=name)

    assert name == info.name
    assert info.summary.endswith(".")
    assert any(word.strip(",;)").isdigit() and len(word.strip(",;)")) == 4 for word in info.source.split())
