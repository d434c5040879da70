"""
The journal of a live run: what the broker tells, the bars, the signals, the account at each bar.

An order's intent is written before its request leaves; where it cannot be, only what protects a holding leaves,
and the run ends. The disk is waited for when the answer is written, because with the power at most one request
is lost here, of which the next start asks the exchange by the ids that follow (`unheard`). From the first order
that could not be written on, no other is, so that the journal's stories have no gaps; the exchange tells the
next start of what followed, and of orders that the journal does not have: their ids are the run's. `Submitted`
says nothing beyond that, and a trade is told twice (as a change of its order, then as booked), so those lines
wait for the next one and go with it; a kill in between costs nothing that the exchange does not tell at the
next start.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from brokers.amounts import ZERO, minus
from brokers.order_events import Filled, Submitted
from bt_run.core.errors import JournalError
from bt_run.core.market import BAR_COLUMNS
from bt_run.journal.records import (
    BalanceRecord,
    BarRecord,
    ConnectionRecord,
    EquityRecord,
    SignalRecord,
    SymbolRecord,
)
from bt_run.run.live.story import FEE_VALUE, fill_record, intent_line, line_of, order_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.gateway import BalancesSeen, StreamChanged
    from brokers.holdings import Ledger
    from brokers.order_events import Event
    from brokers.orders import Order
    from bt_run.journal.journal import Journal
    from bt_run.journal.records import OrderEvent, OrderRecord
    from bt_run.run.live.log import BarSeen

__all__ = ["ACCOUNT_STREAM", "HISTORY_REASON", "JournalRecorder"]

_COLUMNS = BAR_COLUMNS[1:]
_PROTECTIVE = ("stop_loss", "take_profit")

ACCOUNT_STREAM = "account"
"""The name of the account's stream among the connections."""

HISTORY_REASON = "this bar is history"
"""How the broker begins to refuse orders on bars that are not live; that is no news."""


class JournalRecorder:
    """
    Implements `brokers.recorder.Recorder`; for the thread that trades, which owns the journal.

    Args:
        journal: Open to write.
        run: The run's number.
        owners: The runs that made the orders of earlier runs, by client id.
        now_ms: Gives the exchange's time.
        on_order: Told of each change of an order, after it was written.
        on_fill: Told of each trade after it was booked and written, with its fee in quote asset and the books.
        on_refused: Told of each order that never left: symbol, wish, reason.
        on_note: Told of each sentence for a person.
    """

    def __init__(
        self,
        journal: Journal,
        run: int,
        *,
        owners: Mapping[str, int] | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        on_order: Callable[[Order, Event], object] = lambda order, event: None,
        on_fill: Callable[[Order, Filled, Decimal, Ledger], object] = lambda order, fill, fee, ledger: None,
        on_note: Callable[[str], object] = lambda sentence: None,
        on_refused: Callable[[str, str, str], object] = lambda symbol, wish, reason: None,
    ) -> None:
        self._journal = journal
        self._run = run
        self._owners = dict(owners or {})
        self._now_ms = now_ms
        self._on_order = on_order
        self._on_fill = on_fill
        self._on_note = on_note
        self._on_refused = on_refused
        self._later: list[tuple[OrderRecord, OrderEvent]] = []
        self._failure: JournalError | None = None
        self._is_told = False
        self._balances: dict[str, tuple[Decimal, Decimal]] = {}
        self._fees: dict[str, Decimal] = {}
        self.bar_of: Callable[[str], int | None] = lambda symbol: None
        """Gives the open time of a symbol's bar that is acted on; None where none is."""

    def begin(self, ledger: Ledger) -> None:
        """Take the books with which the run begins."""
        self._fees = {symbol: holding.fee_value for symbol, holding in ledger.holdings.items()}

    # Of the broker.

    def intent(self, *orders: Order) -> None:
        """
        Write down the orders of one request before it is sent; they outlive this process when this returns.

        Raises JournalError where that fails, but for orders that protect a holding.
        """
        now = self._now_ms()
        bar = self.bar_of(orders[0].symbol)
        with self._keeping():
            self._write(
                *((self._record(order, now), intent_line(order, time_ms=now, bar=bar)) for order in orders),
                write=self._journal.write_intents,
            )
        if self._failure is not None and any(order.purpose not in _PROTECTIVE for order in orders):
            raise self._failure

    def changed(self, order: Order, event: Event) -> None:
        """Write down what happened to an order."""
        now = self._now_ms()
        change = (self._record(order, now), line_of(event, time_ms=now))
        if isinstance(event, Submitted | Filled):
            self._later.append(change)
        else:
            with self._keeping():
                self._write(change)
        with self._keeping():
            self._on_order(order, event)

    def adopted(self, order: Order) -> None:
        """Write down an order of ours that the journal had lost."""
        now = self._now_ms()
        self._write((self._record(order, now), intent_line(order, time_ms=now)))

    def fill(self, order: Order, fill: Filled, ledger: Ledger) -> None:
        """Write down a trade that was booked, with the change of its order where that waits."""
        worth = self._fee_worth(ledger, order.symbol)
        with self._keeping():
            self._write_fill(order, fill, worth, ledger)
        with self._keeping():
            self._on_fill(order, fill, worth, ledger)

    def _write_fill(self, order: Order, fill: Filled, worth: Decimal, ledger: Ledger) -> None:
        record = fill_record(order, fill, run=self._owner(order))
        last = self._later.pop() if self._later and self._is_of(self._later[-1], order, fill) else None
        self._write()
        if last is not None and fill.fee_asset not in _assets_of(ledger, order.symbol) and worth:
            # What a fee in a third asset is worth is known only now.
            last = (last[0], replace(last[1], details={**last[1].details, FEE_VALUE: worth}))
        if last is None:
            self._journal.write_fill(record)
        elif not self._journal.write_fill(record, *last):
            self._write(last)

    def balances(self, seen: BalancesSeen) -> None:
        """Write down the balances that are news."""
        news = {
            asset: (balance.free, balance.locked)
            for asset, balance in seen.balances.items()
            if self._balances.get(asset) != (balance.free, balance.locked)
        }
        self._balances |= news
        with self._keeping():
            self._journal.write_balances(
                [
                    BalanceRecord(self._run, seen.time_ms, asset, free, locked)
                    for asset, (free, locked) in news.items()
                ]
            )

    def stream(self, change: StreamChanged) -> None:
        """Write down that the account's stream came up or went down."""
        with self._keeping():
            self.connection(ACCOUNT_STREAM, change.state, change.time_ms, reason=change.reason)

    def refused(self, symbol: str, wish: str, reason: str) -> None:
        """Write down an order that never left; those on bars of the past are no news."""
        if reason.startswith(HISTORY_REASON):
            return
        bar = self.bar_of(symbol)
        at = {} if bar is None else {"bar": bar}
        with self._keeping():
            self.connection(symbol, "refused", self._now_ms(), order=wish, reason=reason, **at)
        self._on_refused(symbol, wish, reason)

    def note(self, sentence: str) -> None:
        """Write down what a person should know."""
        with self._keeping():
            self.connection("run", "note", self._now_ms(), text=sentence)
        self._on_note(sentence)

    def check(self) -> None:
        """Raise, once, why something of the broker's could not be written."""
        if self._failure is not None and not self._is_told:
            self._is_told = True
            raise self._failure

    def flush(self) -> None:
        """Write what waits, at the end of each turn. Raises JournalError, also for what failed before."""
        with self._keeping():
            self._write()
        if self._failure is not None:
            raise self._failure

    def stay_ready(self) -> None:
        """Do for the next order what it would else wait for; called where nobody waits."""
        self._journal.stay_ready(self._run)

    # Of the run.

    def connection(self, stream: str, kind: str, time_ms: int, **details: Any) -> None:
        """Write down what befell a connection, or another thing of which a person may want to know."""
        self._journal.write_connection(ConnectionRecord(self._run, time_ms, stream, kind, details))

    def state(self, key: str, value: Any) -> None:
        """Keep a fact for the next start; on the disk when this returns."""
        self._journal.write_state(self._run, key, value)

    def symbol(self, filters: SymbolFilters) -> None:
        """Write down the rules of a symbol."""
        least = [item.minimum for item in filters.notional if item.minimum]
        self._journal.write_symbol(
            SymbolRecord(
                self._run,
                filters.symbol,
                filters.base_asset,
                filters.quote_asset,
                filters.price.step if filters.price and filters.price.step else None,
                filters.step_of("MARKET"),
                max(least, default=None),
            )
        )

    def bars(self, bars: Iterable[BarSeen], *, interval: str) -> None:
        """Write down bars that the strategy saw."""
        self._journal.write_bars(
            [
                BarRecord(
                    run=self._run,
                    symbol=bar.symbol,
                    interval=interval,
                    open_time=bar.open_time,
                    **dict(zip(_COLUMNS, bar.row, strict=True)),
                    source=bar.source,
                    tradable=bar.is_live,
                )
                for bar in bars
            ]
        )

    def signal(
        self, symbol: str, open_time: int, decisions: tuple[str, ...], values: Mapping[str, Any]
    ) -> None:
        """Write down what the strategy decided at a bar."""
        self._journal.write_signal(SignalRecord(self._run, symbol, open_time, decisions, values))

    def equity(
        self,
        symbol: str,
        open_time: int,
        *,
        cash: Decimal,
        position: Decimal,
        price: Decimal,
        value: Decimal,
    ) -> None:
        """Write down the account at the close of a bar."""
        self._journal.write_equity(EquityRecord(self._run, symbol, open_time, cash, position, price, value))

    # How.

    def _write(
        self,
        *changes: tuple[OrderRecord, OrderEvent],
        write: Callable[[Sequence[tuple[OrderRecord, OrderEvent]]], None] | None = None,
    ) -> None:
        """Write what waits, and these changes; after a failure nothing more."""
        if self._failure is not None:
            raise self._failure
        later, self._later = self._later, []
        if later or changes:
            (write or self._journal.write_orders)([*later, *changes])

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        """Keep the first error of the journal's, for `check` and `flush`."""
        try:
            yield
        except JournalError as error:
            self._failure = self._failure or error

    def _record(self, order: Order, now_ms: int) -> OrderRecord:
        return order_record(order, run=self._owner(order), updated_ms=now_ms)

    def _owner(self, order: Order) -> int:
        return self._owners.get(order.client_id, self._run)

    def _fee_worth(self, ledger: Ledger, symbol: str) -> Decimal:
        """Give what the fees of a symbol grew by since the last trade, quote asset."""
        before, after = self._fees.get(symbol, ZERO), ledger.holding(symbol).fee_value
        self._fees[symbol] = after
        return minus(after, before)

    @staticmethod
    def _is_of(waiting: tuple[OrderRecord, OrderEvent], order: Order, fill: Filled) -> bool:
        record, line = waiting
        return record.client_id == order.client_id and line.details.get("trade_id") == fill.trade_id


def _assets_of(ledger: Ledger, symbol: str) -> tuple[str, str]:
    holding = ledger.holding(symbol)
    return holding.base_asset, holding.quote_asset
