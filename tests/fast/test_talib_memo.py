"""Runs of a sweep share indicators, and nobody else notices."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import talib

from bt_run.fast.talib_memo import TalibMemo, sharing_indicators


@pytest.fixture
def close():
    """Give random prices."""
    return 100.0 + np.cumsum(np.random.default_rng(3).normal(size=200))


def test_the_same_call_gives_the_same_array_once(close):
    """Positional or by name counts as another call, with the same values."""
    with sharing_indicators([close]):
        first, again, named = talib.RSI(close, 14), talib.RSI(close, 14), talib.RSI(close, timeperiod=14)
        other = talib.RSI(close, 15)

    assert first is again
    np.testing.assert_array_equal(first, named)
    assert not np.array_equal(first, other, equal_nan=True)
    np.testing.assert_array_equal(first, talib.RSI(close, 14))


def test_indicators_of_indicators_are_shared_too(close):
    """What the memo gave out is known to it; functions of several results keep them all."""
    with sharing_indicators([close]):
        bands = [talib.BBANDS(talib.RSI(close, 5), 10) for _ in range(2)]

    assert all(first is second for first, second in zip(*bands, strict=True))
    assert len(bands[0]) == 3


def test_other_arrays_are_computed_as_always(close):
    """An equal array is not the same array; its result belongs to whoever asked and may be written to."""
    copy = close.copy()
    with sharing_indicators([close]):
        first, second = talib.RSI(copy, 14), talib.RSI(copy, 14)

    assert first is not second
    assert first.flags.writeable


def test_shared_results_cannot_be_written_to(close):
    """One run must not change what another sees."""
    with sharing_indicators([close]), pytest.raises(ValueError, match="read-only"):
        talib.RSI(close, 14)[0] = 1.0


def test_talib_is_put_back(close):
    """Also after an error, and only when the last of several sweeps has ended."""
    before = talib.RSI
    with pytest.raises(KeyError), sharing_indicators([close]):
        with sharing_indicators([close.copy()]):
            pass
        assert talib.RSI is not before
        raise KeyError

    assert talib.RSI is before


def test_functions_imported_by_name_share_too(close):
    """Under whatever name; each is put back when the last sweep ends, and nothing else is touched."""
    rsi, mine = talib.RSI, {"strength": talib.RSI, "talib": talib, "RSI": len}
    with sharing_indicators([close], names=mine), sharing_indicators([close.copy()], names=mine):
        first, again = mine["strength"](close, 14), talib.RSI(close, 14)

    assert first is again
    assert {"strength": rsi, "talib": talib, "RSI": len} == mine


def test_memory_is_bounded_and_forgotten_arrays_are_unknown(close):
    """The results not asked for longest go, and their ids may come again for other arrays."""
    calls = []

    def double(array, factor):
        calls.append(factor)
        return array * factor

    def ask(factor, array=close):
        key = memo.key_of(double, (array, factor), {})
        return memo.call(key, double, (array, factor), {})

    memo = TalibMemo([close], most_bytes=2 * close.nbytes)
    for factor in (1, 2, 1, 3, 1, 2):
        ask(factor)

    assert calls == [1, 2, 3, 2]
    assert memo.key_of(double, (np.ones(3), 1), {}) is None
    assert memo.key_of(double, (1, 2), {}) is None


def test_threads_may_ask_at_once(close):
    """All get the right values."""
    wanted = {period: talib.RSI(close, period) for period in range(2, 40)}
    wrong = []

    def work():
        for period, values in wanted.items():
            if not np.array_equal(talib.RSI(close, period), values, equal_nan=True):
                wrong.append(period)

    with sharing_indicators([close]):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert not wrong
