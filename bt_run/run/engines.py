"""
Which engine runs a backtest: the quickest that covers it, or the one that was asked for.

An engine is one row of `ENGINES`, the quickest first. Two things can rule it out: `why_not` before the run, and
`NotCovered` raised by `run` before the first bar, where only the strategy's own code shows what it needs. One
that is built on Backtrader can also go on as stock Backtrader, and says so in `fallback` of its outcome.
Stock Backtrader is the last row, covers everything, and is what the others are tested against.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bt_run.core.errors import NotCovered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bt_run.core.market import BarFile
    from bt_run.core.results import Outcome
    from bt_run.core.settings import BacktestSettings
    from strategies.loader import LoadedStrategy

__all__ = ["ENGINES", "Engine", "Ran", "run_engine"]


class _Run(Protocol):
    def __call__(
        self,
        strategy: LoadedStrategy,
        data: BarFile,
        settings: BacktestSettings,
        *,
        progress: Callable[[int], None] | None = None,
    ) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """
    One way to run a strategy.

    `why_not` says in a sentence without a full stop why this run is not covered, None where it is; it must be
    quick. `is_meant_for` tells whether the user would expect this engine: where it would not be expected, that
    another one ran needs no word.
    """

    name: str
    run: _Run
    why_not: Callable[[LoadedStrategy, BarFile, BacktestSettings], str | None]
    is_meant_for: Callable[[LoadedStrategy], bool]


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run, the engine that made it, and why it was not the expected one (empty where it was)."""

    outcome: Outcome
    engine: str
    note: str = ""


def _fast() -> Engine:
    from bt_run.fast.engine import run_fast, why_not_fast  # noqa: PLC0415  # as every engine: where it is used

    return Engine("fast", run_fast, why_not_fast, _has_signals)


def _backtrader() -> Engine:
    from bt_run.run.bt_cerebro import run_cerebro  # noqa: PLC0415

    return Engine("backtrader", run_cerebro, lambda *_: None, lambda _: True)


def _accelerated() -> Engine:
    from bt_run.run.accelerated.bt_engine import run_accelerated, why_not_accelerated  # noqa: PLC0415

    return Engine(
        "accelerated", run_accelerated, why_not_accelerated, lambda strategy: not _has_signals(strategy)
    )


def _has_signals(strategy: LoadedStrategy) -> bool:
    from strategies.base import SignalStrategy  # noqa: PLC0415  # it brings Backtrader

    return issubclass(strategy.cls, SignalStrategy)


ENGINES: tuple[Callable[[], Engine], ...] = (_fast, _accelerated, _backtrader)
"""Makers of the engines, the quickest first; each imports its engine when it is called."""


def run_engine(
    strategy: LoadedStrategy,
    data: BarFile,
    settings: BacktestSettings,
    *,
    progress: Callable[[int], None] | None = None,
) -> Ran:
    """
    Run on the engine that the settings name; for ``auto`` on the quickest that covers the run.

    Raises:
        NotCovered: the engine was asked for by name and cannot run this.
        StrategyError, ParamError: what the engine raises.
    """
    note = ""
    for engine in _candidates(settings.engine):
        reason = engine.why_not(strategy, data, settings)
        if reason is None:
            try:
                outcome = engine.run(strategy, data, settings, progress=progress)
            except NotCovered as refusal:
                reason = refusal.reason
            else:
                if outcome.fallback:
                    return Ran(outcome, "backtrader", _note(engine.name, outcome.fallback))
                return Ran(outcome, engine.name, note)
        if settings.engine != "auto":
            raise NotCovered(engine.name, reason)
        if engine.is_meant_for(strategy):
            note = _note(engine.name, reason)
    raise NotCovered(settings.engine, "this version does not have it")


def _note(engine: str, reason: str) -> str:
    return f"not the {engine} engine, because {reason}."


def _candidates(name: str) -> Iterator[Engine]:
    for make in ENGINES:
        engine = make()
        if name in ("auto", engine.name):
            yield engine
