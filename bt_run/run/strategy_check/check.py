"""All checks of a strategy, one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.core.errors import StrategyError
from bt_run.run.doctor.finding import Finding
from bt_run.run.strategy_check import by_hand, look_ahead, parameters, purity, warm_up
from bt_run.run.strategy_check.engine_parity import check_engines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bt_run.run.strategy_check.subject import Subject

__all__ = ["MOST_STEPS", "CheckReport", "check_strategy", "run_checks"]

SIGNAL_BARS = 20_000
RUN_BARS = 3_000
"""How many of the last bars the checks look at: signals are quick, runs of Backtrader are not."""

MOST_STEPS = 7


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What was found, in order, and on how many bars; `run_bars` is 0 where no run was made."""

    findings: tuple[Finding, ...]
    signal_bars: int
    run_bars: int

    @property
    def has_failed(self) -> bool:
        """Whether any check failed; warnings do not count."""
        return any(finding.status == "failed" for finding in self.findings)


def check_strategy(subject: Subject, *, progress: Callable[[int], None] | None = None) -> CheckReport:
    """
    Check a strategy on data: everything that can be checked of its kind.

    Args:
        subject: The strategy, its data and account.
        progress: Called with the number of checks done, at most `MOST_STEPS`.

    A strategy that raises is a finding, not an error.
    """
    findings: list[Finding] = []
    for finding in run_checks(subject):
        findings.append(finding)
        if progress is not None:
            progress(len(findings))
    bars = len(subject.data.bars)
    return CheckReport(
        tuple(findings), min(bars, SIGNAL_BARS) if subject.has_signals else 0, min(bars, RUN_BARS)
    )


def run_checks(subject: Subject) -> Iterator[Finding]:
    """Give what each check finds, as it is done; those not asked for are not run."""
    if subject.has_signals:
        yield from _signal_checks(subject.last(SIGNAL_BARS))
    if subject.acts_by_hand:
        yield from _hand_checks(subject.last(RUN_BARS), alone=not subject.has_signals)
    try:
        yield check_engines(subject.last(RUN_BARS))
    except StrategyError as error:
        yield Finding("Engines", "failed", f"A run failed: {error.problem}")


def _signal_checks(subject: Subject) -> Iterator[Finding]:
    try:
        whole = subject.arrays(subject.data.bars)
    except StrategyError as error:
        yield Finding("Signals", "failed", error.problem, "Run bt-run backtest to see the traceback.")
        return
    steady = purity.check_determinism(subject, whole)
    yield look_ahead.check_look_ahead(subject, whole) if steady.status == "ok" else _unsteady("Look-ahead")
    yield steady
    yield warm_up.check_warm_up(subject, whole) if steady.status == "ok" else _unsteady("Warm-up")
    yield purity.check_few_bars(subject)
    yield purity.check_untouched(subject)
    yield parameters.check_parameters(subject)


def _hand_checks(subject: Subject, *, alone: bool) -> Iterator[Finding]:
    try:
        whole = by_hand.run_by_hand(subject)
    except StrategyError as error:
        yield by_hand.blame_for_failing(subject, error)
        return
    steady = by_hand.check_orders_again(subject, whole)
    yield by_hand.check_orders_ahead(subject, whole) if steady.status == "ok" else _unsteady("Look-ahead")
    yield steady
    if alone:
        yield by_hand.check_indicators(subject, whole)
        text = "A hand-written strategy names no ranges, so none were tried."
        yield Finding("Parameters", "left out", text)


def _unsteady(name: str) -> Finding:
    return Finding(name, "left out", "The same bars give other results each time, so nothing can be compared.")
