"""
The backtest of what a live run saw: its bars, its cash and rules, and orders only where it could send some.

Our own strategies decide by a pure function of the bars, and live each run decided by the bars that it had
itself, history first. So the signals of each run are computed over its own bars, and joined as the bars are;
what is replayed are these signals. A hand-written strategy is run over all bars at once.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import ConfigError
from bt_run.core.market import BarFile
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.run.bt_cerebro import ReplayTerms, run_cerebro
from bt_run.run.parity.sides import Side, SideOrder
from strategies.base import Signals, SignalStrategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bt_run.core.market import FloatArray
    from bt_run.core.results import Fill, Outcome, PlacedOrder
    from bt_run.journal.records import RunRecord
    from bt_run.run.parity.story import LiveStory
    from strategies.base import BoolArray
    from strategies.loader import LoadedStrategy

__all__ = ["Replay", "replay_story", "settings_of_story", "with_run_params"]

_DECISIONS = ("long_entry", "long_exit", "short_entry", "short_exit")
_ROLES = ("stop_loss", "take_profit", "trailing_stop")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """
    The backtest's side. `refused` are the bars at which it was refused an order because they were not tradable.

    `again` runs the same with other tradable bars and gives the final equity.
    """

    side: Side
    refused: frozenset[int]
    again: Callable[[BoolArray], float]


def settings_of_story(story: LiveStory, *, commission: float | None = None) -> BacktestSettings:
    """Make the backtest's settings from the journal's. Raises ConfigError where they cannot be."""
    told = story.run.settings
    return BacktestSettings(
        cash=story.opening.cash or 1e-9,  # all of it may be in the holding
        commission=story.rate if commission is None else commission,
        stake=Stake.parse(str(told["stake"])) if told.get("stake") else BacktestSettings().stake,
        lot_step=story.lot_step,
        protection=Protection(
            told.get("stop_loss_pct"), told.get("take_profit_pct"), told.get("trailing_stop_pct")
        ),
    )


def with_run_params(strategy: LoadedStrategy, run: RunRecord) -> LoadedStrategy:
    """Give a strategy the parameters that a run had. Raises ParamError where the class no longer takes them."""
    given = {**strategy.params, **run.params}
    if issubclass(strategy.cls, SignalStrategy):
        strategy.cls.check_params(given)
    return dataclasses.replace(strategy, params=given)


def replay_story(story: LiveStory, strategy: LoadedStrategy, settings: BacktestSettings) -> Replay:
    """
    Run the backtest.

    Args:
        story: What live saw.
        strategy: The class; of its parameters those count that the runs had.
        settings: See `settings_of_story`.

    Raises:
        StrategyError: the strategy raised.
        ConfigError: the journal's settings or parameters cannot be.
    """
    decides = issubclass(strategy.cls, SignalStrategy)
    signals = _joined_signals(story, strategy) if decides else None
    loaded = with_run_params(strategy, story.run)
    if signals is not None:
        loaded = dataclasses.replace(loaded, cls=_deciding(strategy.cls, signals))
    joined = story.joined
    data = BarFile(Path("journal"), story.symbol, joined.interval, joined.bars, sha256="")

    def run(tradable: BoolArray) -> Outcome:
        makes_up = bool(story.run.settings.get("missed_exits"))
        terms = ReplayTerms(tradable, (story.opening.size, story.opening.price), makes_up)
        return run_cerebro(loaded, data, settings, replay=terms)

    tradable = np.zeros_like(story.tradable) if story.is_signals_only else story.tradable
    outcome = run(tradable)
    if len(outcome.curve.equity) < len(joined.bars):
        raise ConfigError(
            f"The strategy stopped the replay at bar {len(outcome.curve.equity)} of {len(joined.bars)}."
        )
    decisions, values = _told_by_bar(signals, outcome, story)
    taken = [order for order in outcome.orders if tradable[order.bar] or order.tag in _ROLES]
    placed = [order for order in taken if order.bar < len(joined.bars) - 1 or order.fills]
    side = Side(
        tuple(_order(number, order, outcome.fills) for number, order in enumerate(placed)),
        outcome.curve.equity,
        outcome.curve.position,
        decisions,
        values,
    )
    refused = frozenset(order.bar for order in outcome.orders) - frozenset(order.bar for order in taken)
    return Replay(side, refused, lambda mask: float(run(mask).curve.equity[-1]))


def _order(number: int, order: PlacedOrder, fills: Sequence[Fill]) -> SideOrder:
    own = [fills[place] for place in order.fills]
    quantity = sum(abs(fill.size) for fill in own)
    role: Any = order.tag if order.tag in _ROLES else "signal"
    made = SideOrder(
        name=f"#{number + 1}",
        bar=order.bar,
        side=order.side,
        kind=order.kind,
        role=role,
        wanted=order.size,
        refusal=order.reason,
        state="not filled",
    )
    if not own:
        return made
    price = own[0].price
    if len(own) > 1:
        price = sum(abs(fill.size) * fill.price for fill in own) / quantity
    return dataclasses.replace(
        made,
        quantity=quantity,
        price=price,
        fee=sum(fill.fee for fill in own),
        first_bar=own[0].bar,
        last_bar=own[-1].bar,
        state="filled",
    )


def _joined_signals(story: LiveStory, strategy: LoadedStrategy) -> Signals:
    """Compute each run's signals over its own bars; every bar gets those of the run that it belongs to."""
    joined = story.joined
    count = len(joined.bars)
    decisions = {name: np.zeros(count, dtype=np.bool_) for name in _DECISIONS}
    curves: dict[str, FloatArray] = {}
    for number, run in enumerate(story.runs):
        bars, places = joined.seen[number], joined.places[number]
        own = joined.owner[places] == number if len(bars) else np.zeros(0, dtype=np.bool_)
        if not own.any():
            continue
        params = with_run_params(strategy, run).params
        found = strategy.cls.compute(bars, **params)
        for name in _DECISIONS:
            decisions[name][places[own]] = getattr(found, name)[own]
        for name, curve in {**found.panels, **found.overlays}.items():
            curves.setdefault(name, np.full(count, np.nan))[places[own]] = np.asarray(curve)[own]
    long_entry, long_exit, short_entry, short_exit = (decisions[name] for name in _DECISIONS)
    return Signals(long_entry, long_exit, short_entry, short_exit, panels=curves)


def _deciding(cls: type[Any], signals: Signals) -> type[Any]:
    """Derive a class that decides what was computed already, and trades as its base does."""

    def decided(bars: Any, p: Any) -> Signals:
        return signals

    made: type[Any] = type(
        cls.__name__, (cls,), {"signals": staticmethod(decided), "__module__": cls.__module__}
    )
    return made


def _told_by_bar(
    signals: Signals | None, outcome: Outcome, story: LiveStory
) -> tuple[dict[int, frozenset[str]], dict[int, Mapping[str, float | None]]]:
    """Give decisions and indicators at the bars of which live wrote them down."""
    known = story.side.decisions
    curves = dict(signals.panels) if signals is not None else {**outcome.panels, **outcome.overlays}
    values = {bar: {name: float(curve[bar]) for name, curve in curves.items()} for bar in story.side.values}
    if signals is None:
        return {}, values  # type: ignore[return-value]  # no None among them
    sides = {name: getattr(signals, name) for name in _DECISIONS}
    decisions = {bar: frozenset(name for name, side in sides.items() if side[bar]) for bar in known}
    return decisions, values  # type: ignore[return-value]
