"""The orders of a live story: at which bar each was made, when it was filled, what it cost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from brokers.client_ids import ClientId
from bt_run.journal import schema
from bt_run.journal.queries import Window
from bt_run.journal.records import ConnectionRecord, OrderEvent
from bt_run.run.parity.sides import SideOrder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bt_run.core.market import FloatArray
    from bt_run.journal.queries import JournalQueries
    from bt_run.journal.records import FillRecord, OrderRecord, RunRecord, SymbolRecord
    from bt_run.run.parity.bars import JoinedBars
    from bt_run.run.parity.books import Opening
    from bt_run.run.parity.sides import Role

__all__ = ["LiveOrders", "Move", "read_orders", "usual_rate"]

_KINDS = {
    "MARKET": "market",
    "LIMIT": "limit",
    "LIMIT_MAKER": "limit",
    "TAKE_PROFIT": "limit",
    "TAKE_PROFIT_LIMIT": "limit",
    "STOP_LOSS": "stop",
    "STOP_LOSS_LIMIT": "stop_limit",
}
_STATES = {"FILLED": "filled", "CANCELED": "cancelled", "EXPIRED": "expired", "REJECTED": "refused"}
_NOT_KNOWN = ("NEW", "SENT", "UNKNOWN")
_SLACK_MS = 60_000


@dataclass(frozen=True, slots=True)
class Move:
    """What one execution did at a bar: the cash and the coins that came (> 0) or went, and its fee's rate."""

    bar: int
    cash: float
    coins: float
    rate: float


@dataclass(frozen=True, slots=True)
class LiveOrders:
    """
    All orders of a story by the time they were made.

    `run_of` is each order's run, by its position in the story. `moves` are the executions in order. `acted` are
    bars of which no record says that they were live, and on which a run did order: it was killed before it
    wrote the bar down. `after_end` counts the fills after the last bar, which are left out.
    """

    orders: tuple[SideOrder, ...]
    run_of: tuple[int, ...]
    moves: tuple[Move, ...]
    acted: frozenset[int]
    after_end: int

    def curves(self, opening: Opening, joined: JoinedBars) -> tuple[FloatArray, FloatArray]:
        """Give (equity, position) at the close of each bar, arrays of shape (n,)."""
        count = len(joined.bars)
        cash, coins = np.zeros(count), np.zeros(count)
        for move in self.moves:
            cash[move.bar] += move.cash
            coins[move.bar] += move.coins
        position = opening.size + np.cumsum(coins)
        return opening.cash + np.cumsum(cash) + position * joined.bars.close, position

    def without_strangers(
        self, runs: Sequence[RunRecord], joined: JoinedBars, decisions: Mapping[int, frozenset[str]]
    ) -> LiveOrders:
        """
        Set apart the sales that a run made at its end because it was told to close, not because of a signal.

        They lie at the run's last bar, and where signals are known, none there says to leave.
        """
        found = []
        for order, run in zip(self.orders, self.run_of, strict=True):
            at_end = order.bar == joined.last_live[run] and run < len(runs) - 1
            told = runs[run].settings.get("on_stop") == "close" or "panic" in runs[run].outcome
            leaves = "long_exit" in decisions.get(order.bar, ())
            is_close = at_end and told and order.side == "sell" and order.role == "signal" and not leaves
            found.append(replace(order, role="manual") if is_close else order)
        return replace(self, orders=tuple(found))


def read_orders(
    journal: JournalQueries,
    runs: Sequence[RunRecord],
    symbol: str,
    facts: SymbolRecord | None,
    joined: JoinedBars,
    *,
    tags: frozenset[str],
) -> LiveOrders:
    """Read the orders of a symbol, those too that never left; `tags` are the runs' parts of client ids."""
    reader = _Reader(runs, symbol, facts, joined, tags)
    for number, run in enumerate(runs):
        intents = journal.find(OrderEvent, Window(run=run.run), schema.order_events.c.kind == "Intent")
        reader.intents[number] = {line.client_id: line.details.get("bar") for line in intents}
        fills: dict[str, list[FillRecord]] = defaultdict(list)
        for fill in journal.fills(run=run.run, symbol=symbol):
            fills[fill.client_id].append(fill)
        for record in journal.orders(run=run.run, symbol=symbol):
            reader.take(number, record, fills.pop(record.client_id, []))
        for event in journal.find(ConnectionRecord, Window(run=run.run)):
            if event.kind == "refused" and event.stream == symbol:
                reader.take_refusal(number, event)
    return reader.result()


def usual_rate(orders: LiveOrders) -> float:
    """Give the commission that fills paid as a rule, as a fraction; 0.001 where there is none to learn from."""
    return float(median(move.rate for move in orders.moves)) if orders.moves else 0.001


class _Reader:
    """Turns records into orders, one after the other."""

    def __init__(
        self,
        runs: Sequence[RunRecord],
        symbol: str,
        facts: SymbolRecord | None,
        joined: JoinedBars,
        tags: frozenset[str],
    ) -> None:
        self.runs = runs
        self.base = facts.base_asset if facts else ""
        self.quote = facts.quote_asset if facts else ""
        self.symbol = symbol
        self.joined = joined
        self.tags = tags
        self.found: list[tuple[int, int, SideOrder]] = []
        self.moves: list[Move] = []
        self.acted: set[int] = set()
        self.after_end = 0
        self.intents: dict[int, dict[str, Any]] = {}
        self.place: dict[Any, int] = {int(time): bar for bar, time in enumerate(joined.bars.open_time)}

    def take(self, run: int, record: OrderRecord, fills: Iterable[FillRecord]) -> None:
        """Take an order with its fills."""
        told = self.intents.get(run, {}).get(record.client_id)
        bar = self.place.get(told, -1)
        if bar < 0:
            bar = self._decided_at(run, record.created_ms, is_own=self._is_own(record))
        order = SideOrder(
            name=record.client_id,
            bar=bar,
            side=_side(record.side),
            kind="trailing_stop" if record.trailing_delta else _KINDS.get(record.type, "other"),
            role=self._role(run, record, bar),
            wanted=float(record.quantity or 0),
            refusal=(record.reason or "refused by the exchange") if record.state == "REJECTED" else "",
            state="unknown" if record.state in _NOT_KNOWN else _STATES.get(record.state, "open"),
        )
        self.found.append((record.created_ms, run, self._filled(order, fills)))

    def take_refusal(self, run: int, event: ConnectionRecord) -> None:
        """Take an order that never left: ``SELL 0.5 Market`` and why."""
        side, _, rest = str(event.details.get("order", "")).partition(" ")
        bar = self.place.get(event.details.get("bar", -1), -1)
        if bar < 0:
            bar = self._decided_at(run, event.time_ms, is_own=True)
        reason = str(event.details.get("reason", "")) or "refused"
        order = SideOrder("", bar, _side(side), "other", "signal", _amount(rest), refusal=reason)
        self.found.append((event.time_ms, run, order))

    def result(self) -> LiveOrders:
        """Give all of them by time."""
        ordered = sorted(self.found, key=lambda item: item[0])
        return LiveOrders(
            tuple(order for _, _, order in ordered),
            tuple(run for _, run, _ in ordered),
            tuple(sorted(self.moves, key=lambda move: move.bar)),
            frozenset(self.acted),
            self.after_end,
        )

    def _decided_at(self, run: int, time_ms: int, *, is_own: bool) -> int:
        """
        Find the bar at whose close an order was made, where the journal does not name it.

        The time is the exchange's as we reckon it, and early by what we err; on a practice exchange whose clock
        runs fast that is seconds. A decision comes right after a close, so a quarter of a bar is left for it.
        And an order of the run itself just before its first live bar was made at that.
        """
        joined = self.joined
        if self.runs[run].settings.get("intrabar"):
            return min(joined.bar_at(time_ms), len(joined.bars) - 1)
        slack = min(_SLACK_MS, joined.interval.approximate_ms // 4)
        bar = joined.closed_before(time_ms, slack_ms=slack)
        after = bar + 1
        if not is_own or after >= len(joined.bars) or joined.owner[after] != run or not joined.tradable[after]:
            return bar
        return bar if bar >= 0 and joined.tradable[bar] else after

    def _is_own(self, record: OrderRecord) -> bool:
        """Whether a run of the story gave the order its client id."""
        known = ClientId.parse(record.client_id)
        return not self.tags or known is None or known.run in self.tags

    def _role(self, run: int, record: OrderRecord, bar: int) -> Role:
        """Tell whose order it is; on a bar that is not live the strategy cannot order, so it was not it."""
        if record.purpose == "manual" or not self._is_own(record):
            return "manual"
        if record.purpose in ("stop_loss", "take_profit") and self._is_protected(run):
            if record.purpose == "take_profit":
                return "take_profit"
            return "trailing_stop" if record.trailing_delta else "stop_loss"
        if self._was_closed_by_hand(run, record):
            return "manual"
        if bar >= 0 and not self.joined.tradable[bar]:
            if not self._was_killed_at(run, bar):
                return "manual"
            self.acted.add(bar)
        return "signal"

    def _was_closed_by_hand(self, run: int, record: OrderRecord) -> bool:
        """Whether the order names no bar that led to it, where those of its run do: a run closed at its end."""
        told = self.intents.get(run, {})
        return told.get(record.client_id) is None and any(bar is not None for bar in told.values())

    def _is_protected(self, run: int) -> bool:
        """Whether stops are the run's own; else the strategy made them, as it makes any order."""
        told = self.runs[run].settings
        return any(
            told.get(name) is not None for name in ("stop_loss_pct", "take_profit_pct", "trailing_stop_pct")
        )

    def _was_killed_at(self, run: int, bar: int) -> bool:
        """Tell whether a kill left the order only: a bar is written down a turn after the strategy acted."""
        joined = self.joined
        return (
            self.runs[run].ended_ms is None
            and bar not in joined.places[run]
            and bar == joined.last_live[run] + 1
        )

    def _filled(self, order: SideOrder, fills: Iterable[FillRecord]) -> SideOrder:
        """Add up the fills up to the last bar; a fill counts at the bar after the decision at the earliest."""
        quantity = value = fee = base_fee = 0.0
        other: dict[str, float] = {}
        bars = []
        for fill in fills:
            bar = max(self.joined.bar_at(fill.time_ms), order.bar + 1)
            if bar >= len(self.joined.bars):
                self.after_end += 1
                continue
            bars.append(bar)
            size, price, paid = float(fill.quantity), float(fill.price), float(fill.fee)
            quantity, value = quantity + size, value + size * price
            in_base, in_quote = fill.fee_asset == self.base, fill.fee_asset == self.quote
            fee += paid if in_quote else 0.0
            base_fee += paid if in_base else 0.0
            if paid and not in_base and not in_quote:
                other[fill.fee_asset] = other.get(fill.fee_asset, 0.0) + paid
            self.moves.append(
                Move(
                    bar,
                    -order.sign * size * price - (paid if in_quote else 0.0),
                    order.sign * size - (paid if in_base else 0.0),
                    paid / (size * price) if in_quote else paid / size if in_base else 0.0,
                )
            )
        if not bars:
            return order
        prices = {float(fill.price) for fill in fills}
        return replace(
            order,
            wanted=order.wanted or quantity,
            quantity=quantity,
            price=prices.pop() if len(prices) == 1 else value / quantity,
            fee=fee,
            base_fee=base_fee,
            other_fees=other,
            first_bar=min(bars),
            last_bar=max(bars),
        )


def _side(text: str) -> Literal["buy", "sell"]:
    return "buy" if text.strip().upper() == "BUY" else "sell"


def _amount(text: str) -> float:
    try:
        return float(text.split(maxsplit=1)[0])
    except (ValueError, IndexError):
        return 0.0
