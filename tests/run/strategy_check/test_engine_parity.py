"""Engines that differ are found, and those that do not cover a strategy say why."""

from __future__ import annotations

import dataclasses

import pytest

from bt_run.core.errors import NotCovered
from bt_run.run.bt_cerebro import run_cerebro
from bt_run.run.engines import Engine
from bt_run.run.strategy_check import engine_parity
from bt_run.run.strategy_check.engine_parity import check_engines

CODE = """
class Mine(SignalStrategy):
    @staticmethod
    def signals(bars, p):
        fast, slow = ma(bars.close, 3), ma(bars.close, 10)
        return Signals(fast > slow, fast < slow, short_entry=fast < slow, short_exit=fast > slow)
"""


@pytest.fixture
def with_engine(monkeypatch):
    """Give a function that puts another engine before Backtrader's."""

    def put(change=lambda outcome: outcome, *, why_not=None, name="other"):
        def run(strategy, data, settings, *, progress=None):
            return change(run_cerebro(strategy, data, settings))

        other = Engine(name, run, lambda *_: why_not, lambda _: True)
        stock = Engine("backtrader", run_cerebro, lambda *_: None, lambda _: True)
        monkeypatch.setattr(engine_parity, "ENGINES", (lambda: other, lambda: stock))

    return put


def test_an_equal_engine_is_compared_three_times(subject_of, with_engine):
    """As told, with stops, and with shorts."""
    with_engine()
    finding = check_engines(subject_of(CODE))

    assert "ok" == finding.status
    assert "other (3 runs)" in finding.text


def _dearer(outcome):
    fills = list(outcome.fills)
    fills[4] = dataclasses.replace(fills[4], price=fills[4].price * 1.000001)
    return dataclasses.replace(outcome, fills=tuple(fills))


def _richer(outcome):
    equity = outcome.curve.equity.copy()
    equity[200:] *= 1.0000001
    return dataclasses.replace(outcome, curve=dataclasses.replace(outcome.curve, equity=equity))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_dearer, "fill 5, bar "),
        (lambda outcome: dataclasses.replace(outcome, fills=outcome.fills[:-1]), "fills and not"),
        (_richer, "equity differs first at bar 200"),
    ],
)
def test_an_engine_that_differs_fails_and_says_where(subject_of, with_engine, change, words):
    """A price by a millionth, a fill too few, equity by a ten-millionth."""
    with_engine(change)
    finding = check_engines(subject_of(CODE))

    assert "failed" == finding.status
    assert words in finding.text


def test_an_engine_that_does_not_cover_it_says_why(subject_of, with_engine):
    """Known before the run, only in it, or after Backtrader had to take over."""
    with_engine(why_not="it has a next of its own")

    assert "it has a next of its own" in check_engines(subject_of(CODE)).text

    def refuse(outcome):
        raise NotCovered("other", "it asked for a timer")

    with_engine(lambda outcome: dataclasses.replace(outcome, fallback="it asked for a timer"))

    assert "it asked for a timer" in check_engines(subject_of(CODE)).text
    with_engine(refuse)
    finding = check_engines(subject_of(CODE))

    assert "left out" == finding.status
    assert "it asked for a timer" in finding.text
