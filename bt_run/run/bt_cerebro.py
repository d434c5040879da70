"""Run one strategy over one file of bars in a stock Backtrader Cerebro."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from brokers.bt_backtest import BacktestBroker
from brokers.bt_costs import StakeSizer, set_costs
from brokers.bt_replay import ReplayBroker
from bt_run.core.clock import iso_utc
from bt_run.core.errors import BtRunError, StrategyError
from bt_run.core.results import Outcome
from feeds.bt_feed import ArrayFeed
from strategies.base import SignalStrategy
from strategies.bt_talib_live import mend_talib
from strategies.loader import user_traceback

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.market import BarFile, FloatArray
    from bt_run.core.settings import BacktestSettings
    from strategies.base import BoolArray
    from strategies.loader import LoadedStrategy

__all__ = ["ReplayTerms", "curves_of", "run_cerebro", "run_with"]


@dataclass(frozen=True, slots=True, eq=False)
class ReplayTerms:
    """
    Under what a live run is replayed.

    `tradable` of shape (n,): on the other bars the strategy decides, and what it orders is refused. `opening`
    is (size, price) of what is held before the first bar. `missed_exits`: see `brokers.bt_replay`.
    """

    tradable: BoolArray
    opening: tuple[float, float] = (0.0, 0.0)
    missed_exits: bool = False


def run_cerebro(
    strategy: LoadedStrategy,
    data: BarFile,
    settings: BacktestSettings,
    *,
    progress: Callable[[int], None] | None = None,
    replay: ReplayTerms | None = None,
) -> Outcome:
    """
    Run any Backtrader strategy, ours or hand-written, unchanged.

    Only the observers are left out: nobody looks at them here and they take a third of the time. The
    arrays are shorter than the bars where the strategy stopped the run early. `progress` is called with
    the number of bars done. `replay` are the conditions of a live run.

    Raises:
        StrategyError: the strategy raised; the story is its traceback, the text names the bar.
    """
    told: dict[str, Any] = {"bars": data.bars, "protection": settings.protection, "progress": progress}
    if replay is None:
        broker = BacktestBroker(**told)
    else:
        broker = ReplayBroker(
            **told, tradable=replay.tradable, opening=replay.opening, missed_exits=replay.missed_exits
        )
    return run_with(bt.Cerebro(stdstats=False), broker, strategy, data, settings)


def run_with(
    cerebro: Any, broker: BacktestBroker, strategy: LoadedStrategy, data: BarFile, settings: BacktestSettings
) -> Outcome:
    """
    Run a strategy in a new Cerebro with a new broker, which only now are told of bars and costs.

    Raises:
        StrategyError: as `run_cerebro`.
    """
    cerebro.setbroker(broker)
    set_costs(broker, settings)
    feed = ArrayFeed(data.bars, interval=data.interval)
    if isinstance(broker, ReplayBroker):
        feed.tradable = broker.p.tradable
    cerebro.adddata(feed, name=data.symbol)
    cerebro.addsizer(StakeSizer, stake=settings.stake, lot_step=settings.lot_step)
    cerebro.addstrategy(strategy.cls, **_params_of(strategy, settings))
    try:
        with mend_talib():  # filters, and strategies that resample, make Backtrader run bar by bar
            ran = cerebro.run()
    except BtRunError:
        raise
    except (Exception, SystemExit) as error:  # a strategy that calls sys.exit() has failed as well
        blamed = _blame(error, strategy, data, broker.bars_done)
        if blamed is None:
            raise
        raise blamed from error
    if not ran:
        raise StrategyError(
            f"{strategy.name} raised StrategySkipError before the first bar, so nothing was run."
        )
    panels, overlays = curves_of(ran[0], bars=len(data.bars))
    orders = broker.placed if isinstance(broker, ReplayBroker) else ()
    return Outcome(broker.curve, broker.fills, broker.rejected, panels, overlays, orders)


def _params_of(strategy: LoadedStrategy, settings: BacktestSettings) -> dict[str, Any]:
    if issubclass(strategy.cls, SignalStrategy):
        return {**strategy.params, "allow_short": settings.allow_short}
    return dict(strategy.params)


def _blame(
    error: BaseException, strategy: LoadedStrategy, data: BarFile, bars_done: int
) -> StrategyError | None:
    """Say that the strategy raised, and where; None for an error that never passed through its file: ours."""
    story = user_traceback(error, strategy.source)
    if not story and not bars_done and _is_short_of_bars(error):
        return StrategyError(
            f"An indicator of {strategy.name} needs more than the {len(data.bars):,} bars that there are. "
            f"Give more data, or shorter periods."
        )
    if not story:
        return None
    when = "before the first bar"
    if bars_done:
        when = f"at bar {bars_done - 1}, {iso_utc(int(data.bars.open_time[bars_done - 1]))}"
    return StrategyError(
        f"{strategy.name} raised {type(error).__name__} {when}. The traceback above ends where it happened.",
        story=story,
    )


def _is_short_of_bars(error: BaseException) -> bool:
    """Tell Backtrader's own answer to an indicator that is longer than the data: it writes past its array."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    raised_in = "" if frame is None else str(frame.tb_frame.f_globals.get("__name__"))
    return isinstance(error, IndexError) and raised_in.startswith("backtrader.")


def curves_of(ran: Any, *, bars: int) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Take panels and overlays from the signals, or from the indicators of a hand-written strategy."""
    if isinstance(ran, SignalStrategy):
        found = ran.computed
        return (dict(found.panels), dict(found.overlays)) if found is not None else ({}, {})
    panels: dict[str, FloatArray] = {}
    overlays: dict[str, FloatArray] = {}
    for indicator in ran.getindicators_lines():  # leaves out line arithmetic, which has neither names nor plots
        if not indicator.plotinfo.plot:
            continue
        basis = _indicator_below(indicator)
        into = panels if indicator.plotinfo.subplot or basis is not None else overlays
        name = indicator.plotlabel()
        if basis is not None and not indicator.plotinfo.subplot:
            name = f"{basis.plotlabel()} {name}"  # into the panel of what it is made of, not over the price
        aliases = indicator.getlinealiases()
        for alias, line in zip(aliases, indicator.lines, strict=False):
            curve = np.array(line.array, dtype=np.float64)
            if curve.shape == (bars,):
                into[f"{name}: {alias}" if len(aliases) > 1 else name] = curve
    return panels, overlays


def _indicator_below(indicator: Any) -> Any:
    """Give the indicator that this one is made of; None where it is made of the bars."""
    below = indicator.datas[0] if indicator.datas else None
    if not isinstance(below, bt.Indicator):
        below = getattr(below, "_owner", None)
    return below if isinstance(below, bt.Indicator) else None
