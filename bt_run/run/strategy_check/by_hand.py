"""
Checks of strategies that act by hand, in `next`: what they ordered is compared, for there are no signals.

Each prefix is a whole run of Backtrader, so fewer are made, on fewer bars. Indicators are compared too: one
that changes when later bars come may mislead on other bars, although it has changed no order on these.
What cannot be seen: a glance ahead in `next` itself that changes no order, and what is read from a file or a
second feed.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import StrategyError
from bt_run.run.bt_cerebro import ReplayTerms, run_cerebro
from bt_run.run.doctor.finding import Finding
from bt_run.run.strategy_check.cuts import choose_cuts, choose_starts
from bt_run.run.strategy_check.warm_up import judge_settling, settling_of

if TYPE_CHECKING:
    from bt_run.core.results import Outcome, PlacedOrder
    from bt_run.run.strategy_check.subject import Subject

__all__ = ["blame_for_failing", "check_indicators", "check_orders_again", "check_orders_ahead", "run_by_hand"]

_MOST_CUTS = 24
_STARTS = 4
_REPAINTED = "A live run does not know what it will be changed to: do not decide by it."
_ADVICE = "data.close[0] is the bar that has just closed, [-1] the one before; [1] has not come yet."


def run_by_hand(subject: Subject, *, first: int = 0, bars: int | None = None) -> Outcome:
    """
    Run on the bars from `first` up to position `bars`, every order written down.

    Raises StrategyError, also where Backtrader's indicators cannot take so few bars.
    """
    data = dataclasses.replace(subject.data, bars=subject.data.bars[first:bars])
    terms = ReplayTerms(tradable=np.ones(len(data.bars), dtype=np.bool_))
    return run_cerebro(subject.strategy, data, subject.settings, replay=terms)


def check_orders_ahead(subject: Subject, whole: Outcome) -> Finding:
    """Compare the orders of runs over prefixes with the first orders of the run over all bars."""
    if not whole.orders:
        text = "It ordered nothing on these bars, so nothing could be compared."
        return Finding("Look-ahead", "warning", text, "Check it on data on which it trades.")
    decisive = np.array(sorted({order.bar for order in whole.orders}), dtype=np.intp)
    # Backtrader's indicators fail on data shorter than they are; where it has ordered they are not.
    cuts = choose_cuts(decisive, len(subject.data.bars), most=_MOST_CUTS, least=int(decisive[0]) + 1)
    repainted = ""
    for cut in cuts:
        try:
            found = run_by_hand(subject, bars=cut)
        except StrategyError as error:
            return _raises_early(cut, error)
        text = _difference(subject, whole, found, cut)
        if text:
            return Finding("Look-ahead", "failed", f"It looks ahead. {text}", _ADVICE)
        repainted = repainted or _repainted(subject, whole, found, cut)
    same = f"{len(cuts)} shorter runs place the same orders."
    if repainted:
        return Finding("Look-ahead", "warning", f"{same} {repainted}", _REPAINTED)
    seen = "Not seen: a glance ahead that changes neither an order nor an indicator; other files and feeds."
    return Finding("Look-ahead", "ok", f"{same} {seen}")


def blame_for_failing(subject: Subject, error: StrategyError) -> Finding:
    """Say why the run over all bars failed: by looking ahead, if shorter data fail at their last bar too."""
    half = max(1, len(subject.data.bars) // 2)
    try:
        run_by_hand(subject, bars=half)
    except StrategyError as again:
        is_last = all(
            f"at bar {count - 1}," in one.problem
            for count, one in ((len(subject.data.bars), error), (half, again))
        )
        if is_last:
            text = "It fails at the last bar of any data: it reaches for a bar that has not come."
            return Finding("Look-ahead", "failed", text, _ADVICE)
    return Finding("Run", "failed", error.problem, "Run bt-run backtest to see the traceback.")


def check_orders_again(subject: Subject, whole: Outcome) -> Finding:
    """Run over the same bars again."""
    again = run_by_hand(subject)
    text = _difference(subject, whole, again, len(subject.data.bars))
    if text:
        advice = "Chance, the clock and what was kept from the last run must not decide."
        return Finding("Determinism", "failed", f"The second run differs. {text}", advice)
    return Finding("Determinism", "ok", "A second run over the same bars places the same orders.")


def check_indicators(subject: Subject, whole: Outcome) -> Finding:
    """Measure when its indicators no longer depend on the start; orders depend on what is held besides."""
    curves = {**whole.panels, **whole.overlays}
    if not curves:
        return Finding("Warm-up", "left out", "It shows no indicators whose values could be compared.")
    later = []
    for start in choose_starts(len(subject.data.bars), most=_STARTS):
        try:
            found = run_by_hand(subject, first=start)
        except StrategyError as error:
            return Finding("Warm-up", "left out", f"It fails on later bars alone: {error.problem}")
        later.append((start, {**found.panels, **found.overlays}))
    settled = settling_of(curves, later)
    if settled.curves is None:
        text = "Its indicators still depend on where the data began at the end of the data."
        advice = "A live run begins with its history, so it may not decide as this backtest did."
        return Finding("Warm-up", "warning", text, advice)
    finding = judge_settling(settled, subject.history)
    words = f"Indicators no longer depend on the start after {settled.curves:,} bars."
    enough = f" The history of {subject.history:,} is enough." if finding.status == "ok" else ""
    return dataclasses.replace(finding, text=f"{words}{enough}")


def _raises_early(cut: int, error: StrategyError) -> Finding:
    text = f"It fails on the first {cut:,} bars, and not on all: {error.problem}"
    return Finding("Look-ahead", "failed", text, f"Does it reach for bars that have not come? {_ADVICE}")


def _difference(subject: Subject, whole: Outcome, found: Outcome, cut: int) -> str:
    """Say what the shorter run did otherwise; empty where it did the same."""
    expected = [_key(order) for order in whole.orders if order.bar < cut]
    got = [_key(order) for order in found.orders]
    for place in range(max(len(expected), len(got))):
        one = expected[place] if place < len(expected) else None
        other = got[place] if place < len(got) else None
        if one != other:
            bar = min(key[0] for key in (one, other) if key is not None)
            words = f"it orders {_words(other)} with {cut:,} bars, and {_words(one)} with all"
            return f"At {subject.when(bar)} {words}."
    count = min(len(found.curve.equity), cut)
    away = np.flatnonzero(found.curve.equity[:count] != whole.curve.equity[:count])
    return f"With {cut:,} bars its account differs first at {subject.when(int(away[0]))}." if len(away) else ""


def _repainted(subject: Subject, whole: Outcome, found: Outcome, cut: int) -> str:
    """Say which indicator had another value before later bars came; empty where none had."""
    before, after = ({**one.panels, **one.overlays} for one in (found, whole))
    for name in (name for name in after if name in before):
        one, other = before[name][:cut], after[name][:cut]
        away = np.flatnonzero(~((one == other) | (np.isnan(one) & np.isnan(other))))
        if len(away):
            bar = int(away[0])
            was, became = ("unknown" if np.isnan(value) else f"{value:.6g}" for value in (one[bar], other[bar]))
            words = f"{name} at {subject.when(bar)} is {was} with {cut:,} bars, and {became} with all"
            return f"But {words}: it changes when later bars come."
    return ""


def _key(order: PlacedOrder) -> tuple[Any, ...]:
    return (order.bar, order.side, order.kind, order.size, order.tag)


def _words(key: tuple[Any, ...] | None) -> str:
    return "nothing" if key is None else f"a {key[1]} of {key[3]:g}"
