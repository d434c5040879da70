"""A Cerebro for a live run: feeds that block, strategies over them, the live broker."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.bt_costs import StakeSizer
from bt_run.core.clock import iso_utc
from bt_run.core.errors import BtRunError, StrategyError
from bt_run.run.bt_cerebro import curves_of
from feeds.bt_live import LiveFeed
from feeds.live.flow import FlowListener
from feeds.live.outcomes import Rules
from strategies.bt_talib_live import mend_talib
from strategies.loader import user_traceback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bt_run.core.market import FloatArray
    from bt_run.run.live.plan import LivePlan
    from bt_run.run.live.wire import LiveWire
    from feeds.live.outcomes import Notice

__all__ = ["curves_of_run", "forget_old", "make_feeds", "prepare_cerebro", "run_cerebro_live"]

# Our own exchange has a bar everywhere as soon as it has closed, and its clock may stand there: waiting gains
# nothing, and what it has not told twice it does not have.
_OWN = Rules(grace_ms=500, settle_ms=0, again_ms=250, hole_asks=2)


_KEPT_TRADES = 100


def make_feeds(
    plan: LivePlan, wire: LiveWire, *, on_notice: Callable[[str, Notice], None]
) -> dict[str, LiveFeed]:
    """Make a feed a symbol, on one connection; by symbol."""

    rules = _OWN if plan.is_practice else Rules()

    def listener(symbol: str) -> Callable[[Notice], None]:
        return lambda notice: on_notice(symbol, notice)

    flow = _listen_to_flow(plan, wire)
    return {
        symbol: LiveFeed(
            symbol,
            plan.interval,
            history=plan.history,
            intrabar=plan.intrabar,
            background=wire.background,
            bell=wire.chime.bell(),
            hub=wire.hub,
            on_notice=listener(symbol),
            enrich=None if flow is None else partial(flow.join, symbol),
            rules=rules,
        )
        for symbol in plan.symbols
    }


def _listen_to_flow(plan: LivePlan, wire: LiveWire) -> FlowListener | None:
    """
    Listen to liquidations where signals alone are wanted of a strategy of order flow; None elsewhere.

    A run that trades does without: its journal keeps no order flow, so that parity could not replay it. The
    bars are those of spot, but a practice exchange has one market under both names.
    """
    wanted = plan.mode == "signals" and getattr(plan.strategy.cls, "uses_order_flow", False)
    if not wanted or plan.intrabar or not plan.venue.futures_stream_url:
        return None
    flow = FlowListener(plan.venue, plan.symbols, plan.interval, counts_trades=plan.is_practice)
    flow.start(wire.background, wire.bell)
    return flow


def prepare_cerebro(
    plan: LivePlan, feeds: Mapping[str, Any], broker: Any, *, lot_steps: Mapping[str, float]
) -> Any:
    """Put feeds, broker and strategies together: one strategy over all feeds, or one for each."""
    # Orders are told as soon as anything happens to them, not with the next bar, which may be an hour away.
    cerebro = bt.Cerebro(stdstats=False, preload=False, runonce=False, quicknotify=True)
    cerebro.setbroker(broker)
    for symbol, feed in feeds.items():
        cerebro.adddata(feed, name=symbol)
    strategy = plan.strategy
    if plan.one_strategy or len(feeds) == 1:
        cerebro.addstrategy(strategy.cls, **strategy.params)
        cerebro.addsizer(StakeSizer, stake=plan.stake, lot_step=min(lot_steps.values()))
        return cerebro
    for number, (symbol, feed) in enumerate(feeds.items()):
        cerebro.addstrategy(_narrowed(strategy.cls, feed), **strategy.params)
        cerebro.addsizer_byidx(number, StakeSizer, stake=plan.stake, lot_step=lot_steps[symbol])
    return cerebro


def _narrowed(cls: Any, feed: Any) -> Callable[..., Any]:
    """Give what makes a strategy that knows one feed only, and is not called for bars of the others."""
    alone = type(cls.__name__, (cls,), {"__module__": cls.__module__, "_next": _next_if_news})

    def make(*datas: Any, **params: Any) -> Any:
        made = alone(feed, **params)
        made._last_news = None
        return made

    return make


def _next_if_news(strategy: Any) -> None:
    """Take the place of ``_next``: Cerebro calls all strategies whenever any feed has a bar."""
    data = strategy.data
    news = (len(data), data.datetime[0], data.close[0], data.volume[0]) if len(data) else None
    if news is None or news == strategy._last_news:
        return
    strategy._last_news = news
    super(type(strategy), strategy)._next()


def run_cerebro_live(plan: LivePlan, cerebro: Any) -> list[Any]:
    """
    Run until the feeds end or it is stopped; `bt.talib` gives a backtest's values meanwhile.

    Raises:
        StrategyError: the strategy raised; its story is the traceback.
        BtRunError: what the run itself raises.
    """
    try:
        with mend_talib():
            return list(cerebro.run())
    except BtRunError:
        raise
    except (Exception, SystemExit) as error:  # a strategy that calls sys.exit() has failed as well
        story = user_traceback(error, plan.strategy.source)
        if not story:
            raise
        raise StrategyError(
            f"{plan.strategy.name} raised {type(error).__name__} {_when(cerebro)}. "
            f"The traceback above ends where it happened.",
            story=story,
        ) from error


def forget_old(strategies: Iterable[Any]) -> None:
    """
    Drop what Backtrader's strategies keep for ever of their orders and trades, but for the last trades.

    Each order that a strategy was ever told of is in a list that nobody reads, Backtrader neither, and each
    trade in one of which it reads the last alone. In a run of months they would be most of its memory.
    """
    for strategy in strategies:
        strategy._orders.clear()
        for by_id in strategy._trades.values():
            for trades in by_id.values():
                del trades[:-_KEPT_TRADES]


def _when(cerebro: Any) -> str:
    for feed in cerebro.datas:
        bars = feed.loaded
        if len(feed) and bars is not None:
            return f"at the bar of {iso_utc(int(bars.open_time[len(feed) - 1]))}"
    return "before the first bar"


def curves_of_run(cerebro: Any, feed: Any) -> tuple[Mapping[str, FloatArray], Mapping[str, FloatArray]]:
    """Give panels and overlays of the strategy on this feed, over all of its bars."""
    for strategy in getattr(cerebro, "runningstrats", ()):
        if strategy.datas and strategy.data is feed:
            return curves_of(strategy, bars=len(feed))
    return {}, {}
