"""Journals as live runs write them, made from a backtest: equal to it, until a test changes something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, BarFile, Bars
from bt_run.core.settings import BacktestSettings
from bt_run.journal import schema
from bt_run.journal.journal import Journal
from bt_run.journal.records import (
    BarRecord,
    ConnectionRecord,
    EquityRecord,
    FillRecord,
    OrderEvent,
    OrderRecord,
    SignalRecord,
    SymbolRecord,
)
from bt_run.run.bt_cerebro import ReplayTerms, run_cerebro
from strategies.base import SignalStrategy
from strategies.loader import LoadedStrategy

__all__ = ["Done", "LiveRun", "play", "write_run"]

SYMBOL = "BTCUSDT"
TAG = "0k3m9x2p7c"
D = Decimal


def exact(value: float) -> Decimal:
    """Give a float as the decimal that it is written as."""
    return Decimal(repr(float(value)))


@dataclass
class Done:
    """One order of the live run; a test changes what it likes. `bar` is the bar of the decision."""

    bar: int
    side: str
    quantity: Decimal
    fills: list[tuple[Decimal, Decimal, Decimal, str, int]]  # quantity, price, fee, its asset, time
    type: str = "MARKET"
    purpose: str = "entry"
    state: str = "FILLED"
    reason: str = ""
    created_ms: int = 0
    client_id: str = ""
    is_of_bar: bool = True
    trailing_delta: int | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None

    def move(self, *, price: float | None = None, later_ms: int = 0) -> None:
        """Give all fills another price, with the fee that belongs to it, or a later time."""
        factor = 1 if price is None else exact(price) / self.fills[0][1]
        self.fills = [
            (size, old if price is None else exact(price), fee * factor, asset, time + later_ms)
            for size, old, fee, asset, time in self.fills
        ]


@dataclass
class LiveRun:
    """What a live run saw and did, before it is written down."""

    bars: Bars
    interval: Interval
    strategy: LoadedStrategy
    settings: BacktestSettings
    tradable: np.ndarray
    orders: list[Done]
    cash: Decimal
    signals: dict[int, tuple[tuple[str, ...], dict[str, Any]]]
    refused: list[tuple[int, str, str]] = field(default_factory=list)  # time, order, reason
    told: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    outcome: str | None = "stopped"
    mode: str = "live"
    names_bars: bool = False
    shift: dict[int, tuple[Decimal, Decimal]] = field(default_factory=dict)  # bar: cash, coins from outside

    def closed_ms(self, bar: int) -> int:
        """Give the time at which a bar closes."""
        return int(self.bars.open_time[bar]) + (self.interval.milliseconds or 0)

    def cut(self, first: int, last: int, **changes: Any) -> LiveRun:
        """Give the part that a run does that knows the bars up to `last` and is live from `first` on."""
        tradable = self.tradable.copy()
        tradable[:first] = False
        live = replace(
            self,
            tradable=tradable[: last + 1],
            bars=self.bars[: last + 1],
            orders=[done for done in self.orders if first <= done.bar <= last],
            signals={bar: told for bar, told in self.signals.items() if first <= bar <= last},
        )
        return replace(live, **changes)


def play(
    bars: Bars,
    strategy: LoadedStrategy,
    settings: BacktestSettings,
    *,
    interval: str = "1d",
    history: int = 0,
    tradable: np.ndarray | None = None,
) -> LiveRun:
    """Run a backtest, and tell of it as a live run would; the first `history` bars are not tradable."""
    length = Interval.parse(interval)
    if tradable is None:
        tradable = np.arange(len(bars)) >= history
    data = BarFile(Path("x"), SYMBOL, length, bars, sha256="")
    outcome = run_cerebro(strategy, data, settings, replay=ReplayTerms(tradable))
    made = LiveRun(bars, length, strategy, settings, tradable, [], exact(settings.cash), {})
    for order in outcome.orders:
        if order.fills and (tradable[order.bar] or order.tag):
            fills = [outcome.fills[place] for place in order.fills]
            made.orders.append(_done(made, order, fills))
    if issubclass(strategy.cls, SignalStrategy):
        found = strategy.cls.compute(bars, **strategy.params)
        for bar in np.flatnonzero(tradable):
            names = ("long_entry", "long_exit", "short_entry", "short_exit")
            decisions = tuple(name for name in names if getattr(found, name)[bar])
            curves = {**found.panels, **found.overlays}
            made.signals[int(bar)] = decisions, {name: float(curve[bar]) for name, curve in curves.items()}
    return made


def _done(run: LiveRun, order: Any, fills: list[Any]) -> Done:
    protects = order.tag in ("stop_loss", "take_profit", "trailing_stop")
    inside = run.interval.milliseconds // 2 if protects or order.kind != "market" else 300
    done = Done(
        bar=order.bar,
        side=order.side.upper(),
        quantity=exact(order.size),
        fills=[(exact(abs(f.size)), exact(f.price), exact(f.fee), "USDT", f.time_ms + inside) for f in fills],
        type={"limit": "LIMIT", "stop": "STOP_LOSS"}.get(order.kind, "MARKET"),
        purpose="entry" if order.side == "buy" else "exit",
        created_ms=run.closed_ms(order.bar) + 50,
    )
    if protects:
        done.purpose = "take_profit" if order.tag == "take_profit" else "stop_loss"
        done.trailing_delta = 500 if order.tag == "trailing_stop" else None
        done.created_ms = int(run.bars.open_time[order.bar]) + 400  # when the entry had filled
    return done


def write_run(journal: Journal, run: LiveRun, *, resumes: int | None = None) -> int:
    """Write a run down as the live run does; give its number."""
    guard = run.settings.protection
    document = {
        "symbols": [SYMBOL],
        "stake": str(run.settings.stake),
        "stop_loss_pct": guard.stop_loss_pct,
        "take_profit_pct": guard.take_profit_pct,
        "trailing_stop_pct": guard.trailing_stop_pct,
        "cash": None,
        **run.told,
    }
    began = run.closed_ms(int(np.argmax(run.tradable)) if run.tradable.any() else 0) - 10_000
    number = journal.begin_run(
        venue="practice", mode=run.mode, symbol=SYMBOL, interval=str(run.interval),
        strategy=run.strategy.name, started_ms=began, params=run.strategy.params, settings=document,
        resumes=resumes,
    ).run  # fmt: skip
    for key, value in run.state.items():
        journal.write_state(number, key, value)
    step = exact(run.settings.lot_step)
    journal.write_symbol(SymbolRecord(number, SYMBOL, "BTC", "USDT", D("0.01"), step))
    _write_bars(journal, run, number)
    for count, done in enumerate(run.orders):
        _write_order(journal, run, number, done, count)
    for time, order, reason in run.refused:
        journal.write_connection(
            ConnectionRecord(number, time, SYMBOL, "refused", {"order": order, "reason": reason})
        )
    if run.outcome is not None:
        journal.end_run(number, ended_ms=run.closed_ms(len(run.bars) - 1) + 1000, outcome=run.outcome)
    return number


def _write_bars(journal: Journal, run: LiveRun, number: int) -> None:
    columns = [getattr(run.bars, name) for name in BAR_COLUMNS[1:]]
    first = int(np.argmax(run.tradable)) if run.tradable.any() else len(run.bars)
    accounts = list(_accounts(run))
    records: list[BarRecord] = []
    accounted: list[EquityRecord] = []
    signals: list[SignalRecord] = []
    for bar, time in enumerate(run.bars.open_time):
        row = [float(column[bar]) for column in columns]
        source = "live" if run.tradable[bar] else "backfill" if bar > first else "history"
        records.append(
            BarRecord(number, SYMBOL, str(run.interval), int(time), *row, source, bool(run.tradable[bar]))
        )
        if source == "history":
            continue
        cash, coins = accounts[bar]
        price = exact(run.bars.close[bar])
        accounted.append(EquityRecord(number, SYMBOL, int(time), cash, coins, price, cash + coins * price))
        if bar in run.signals:
            signals.append(SignalRecord(number, SYMBOL, int(time), *run.signals[bar]))
    journal.write_bars(records)
    with journal._writing(journal._quick) as connection:  # a transaction a bar would take a second
        for table, rows in ((schema.equity, accounted), (schema.signals, signals)):
            if rows:
                connection.execute(insert(table), [_columns(row) for row in rows])


def _columns(record: Any) -> dict[str, Any]:
    return {each.name: getattr(record, each.name) for each in fields(record)}


def _accounts(run: LiveRun) -> Iterable[tuple[Decimal, Decimal]]:
    """Give cash and coins at each close, as the books of a live run count them."""
    cash, coins = run.cash, D(0)
    moves = sorted((fill[4], done.side, fill) for done in run.orders for fill in done.fills)
    for bar in range(len(run.bars)):
        while moves and moves[0][0] < run.closed_ms(bar):
            _, side, (size, price, fee, asset, _) = moves.pop(0)
            sign = 1 if side == "BUY" else -1
            cash -= sign * size * price + (fee if asset == "USDT" else 0)
            coins += sign * size - (fee if asset == "BTC" else 0)
        more_cash, more_coins = run.shift.get(bar, (D(0), D(0)))
        cash, coins = cash + more_cash, coins + more_coins
        yield cash, coins


def _write_order(journal: Journal, run: LiveRun, number: int, done: Done, count: int) -> None:
    name = done.client_id or f"btr-{TAG}-{number * 10_000 + count:08d}"
    record = OrderRecord(
        number, name, SYMBOL, done.side, done.type, done.quantity, done.created_ms, done.created_ms, done.state,
        price=done.price, stop_price=done.stop_price, trailing_delta=done.trailing_delta,
        purpose=done.purpose, reason=done.reason,
    )  # fmt: skip
    named = run.names_bars and done.is_of_bar
    intent = {"bar": int(run.bars.open_time[done.bar])} if named else {}
    journal.write_order(record, OrderEvent("Intent", done.created_ms, intent))
    for place, (size, price, fee, asset, time) in enumerate(done.fills):
        trade = number * 100_000 + count * 10 + place
        journal.write_fill(
            FillRecord(number, SYMBOL, trade, name, done.side, size, price, fee, asset, time, is_maker=False)
        )
