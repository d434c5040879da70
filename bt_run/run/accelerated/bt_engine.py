"""The engine `accelerated`: any Backtrader strategy and Backtrader's broker, under our own run loop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bt_run.run.accelerated.bt_broker import AcceleratedBroker
from bt_run.run.accelerated.bt_coverage import find_own_hook
from bt_run.run.accelerated.bt_loop import AcceleratedCerebro
from bt_run.run.bt_cerebro import run_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.market import BarFile
    from bt_run.core.results import Outcome
    from bt_run.core.settings import BacktestSettings
    from strategies.loader import LoadedStrategy

__all__ = ["run_accelerated", "why_not_accelerated"]


def why_not_accelerated(strategy: LoadedStrategy, data: BarFile, settings: BacktestSettings) -> str | None:
    """
    Say why this engine cannot run a strategy, as far as that shows in its class; None where nothing does.

    What a strategy sets up in `__init__` and `start()` shows only when it runs: see `run_accelerated`.
    """
    hook = find_own_hook(strategy.cls)
    return None if hook is None else f"the strategy has a {hook}() of its own"


def run_accelerated(
    strategy: LoadedStrategy,
    data: BarFile,
    settings: BacktestSettings,
    *,
    progress: Callable[[int], None] | None = None,
) -> Outcome:
    """
    Run any Backtrader strategy, ours or hand-written, unchanged, with the numbers of `run_cerebro`.

    Where the strategy turns out, before the first bar, to need what the accelerated loop does not have, the
    same Cerebro goes on in Backtrader's own loop, and `fallback` of the outcome says why: so nothing that the
    strategy did in `__init__` happens twice. Where the settings name this engine, NotCovered is raised instead.

    Raises:
        NotCovered: as said.
        StrategyError: the strategy raised; the story is its traceback, the text names the bar.
    """
    told: dict[str, Any] = {"bars": data.bars, "protection": settings.protection, "progress": progress}
    cerebro = AcceleratedCerebro(stdstats=False, strict=settings.engine == "accelerated")
    outcome = run_with(cerebro, AcceleratedBroker(**told), strategy, data, settings)
    return replace(outcome, fallback=cerebro.fallback)
