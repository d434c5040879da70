"""What a live run remembers of itself, for its display and for the report at its end."""

from __future__ import annotations

from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from brokers.amounts import ZERO, minus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from brokers.order_events import Filled
    from brokers.orders import Order

__all__ = ["BarSeen", "FillSeen", "Refusal", "RunLog", "SymbolLog", "tag_of"]

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class BarSeen:
    """
    A closed bar that was delivered: `row` is open to taker_buy_quote_volume, in the order of BAR_COLUMNS.

    `source`: ``history`` before the run, ``backfill`` a bar that came too late, ``live``; only on the last one
    is traded.
    """

    symbol: str
    open_time: int
    row: tuple[float, ...]
    source: Literal["history", "backfill", "live"]

    @property
    def is_live(self) -> bool:
        """Whether orders may be sent on it."""
        return self.source == "live"


@dataclass(frozen=True, slots=True)
class FillSeen:
    """
    A trade of ours.

    `size` is by how much it changed what can be sold, signed, and `position` what can be sold after it, so that
    a trade ends where nothing is left to sell. `fee` is in quote asset, 0 where its value is not known.
    """

    time_ms: int
    size: float
    price: float
    fee: float
    position: float
    tag: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """An order that was refused, by us or by the exchange; `size` 0 where it was given by quote amount."""

    time_ms: int
    side: Literal["buy", "sell"]
    size: float
    reason: str


@dataclass(slots=True)
class SymbolLog:
    """
    One symbol: at each bar of the run its open time, cash, equity and what can be sold; fills and refusals.

    `opening` is (quantity that can be sold, average price) at the run's start.
    """

    opening: tuple[Decimal, Decimal] = (ZERO, ZERO)
    visible: Decimal = ZERO
    times: array[int] = field(default_factory=lambda: array("q"))
    equity: array[float] = field(default_factory=lambda: array("d"))
    cash: array[float] = field(default_factory=lambda: array("d"))
    position: array[float] = field(default_factory=lambda: array("d"))
    fills: list[FillSeen] = field(default_factory=list)
    marked_fills: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    def mark(self, open_time: int, *, equity: float, cash: float, position: float, fills: int) -> None:
        """Write down the account at the close of a bar, before which `fills` trades were made."""
        self.times.append(open_time)
        self.equity.append(equity)
        self.cash.append(cash)
        self.position.append(position)
        self.marked_fills = fills

    @property
    def has_traded_since(self) -> bool:
        """Whether anything was traded since the last bar that was written down."""
        return bool(self.times) and len(self.fills) > self.marked_fills

    def mark_end(self, *, equity: float, cash: float, position: float) -> None:
        """Put the account as the run leaves it at the last bar: to that its last trades are counted too."""
        self.equity[-1], self.cash[-1], self.position[-1] = equity, cash, position

    def take_fill(self, order: Order, fill: Filled, *, fee: Decimal, visible: Decimal) -> None:
        """Write down a trade that was booked; `visible` is what can be sold after it."""
        change, self.visible = minus(visible, self.visible), visible
        if change:
            self.fills.append(
                FillSeen(
                    fill.time_ms, float(change), float(fill.price), float(fee), float(visible), tag_of(order)
                )
            )


class RunLog:
    """
    All symbols of a run, and the last words for the display.

    `openings` are (quantity that can be sold, average price) by symbol, as the run begins.
    """

    def __init__(self, openings: Mapping[str, tuple[Decimal, Decimal]]) -> None:
        self.symbols = {symbol: SymbolLog(opening, opening[0]) for symbol, opening in openings.items()}
        self.words: deque[tuple[int, str]] = deque(maxlen=_SHOWN)
        self.signals: dict[str, tuple[int, str]] = {}
        """The last signal of each symbol: when it was given, and its words."""
        self.bars = 0

    @property
    def fills(self) -> int:
        """Count the trades."""
        return sum(len(log.fills) for log in self.symbols.values())

    def say(self, time_ms: int, sentence: str) -> None:
        """Remember something that a person should see."""
        self.words.append((time_ms, sentence))


def tag_of(order: Order) -> str:
    """Give the word of results for what an order was for."""
    if order.purpose == "stop_loss":
        return "stop_loss" if order.trailing_delta is None else "trailing_stop"
    return "take_profit" if order.purpose == "take_profit" else "signal"
