"""A live run at one moment, as frozen plain data, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

    from feeds.live.status import LiveStatus

__all__ = ["Audience", "LiveSnapshot", "OpenOrder", "Silence", "SymbolView"]


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that is not over; `price` is its limit, `trigger` its stop price, in quote asset."""

    symbol: str
    side: str
    type: str
    purpose: str
    quantity: Decimal | None
    price: Decimal | None
    trigger: Decimal | None
    trailing: int | None
    state: str


@dataclass(frozen=True, slots=True)
class SymbolView:
    """
    One symbol. `held` in base asset, the others in quote asset; `average` and `price` are None where not known,
    `realised` where a fee's value is not. `feed` says how the bars come. `signal` is the last one of the
    strategy, (time, words); None before the first, and of strategies that give none.
    """

    symbol: str
    base_asset: str
    held: Decimal
    average: Decimal | None
    price: Decimal | None
    unrealised: Decimal | None
    realised: Decimal | None
    feed: LiveStatus
    signal: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class LiveSnapshot:
    """
    The whole run.

    `started_ms` and `now_ms` are our clock. `words` are (time, sentence), the newest last: signals, orders,
    fills, notes. `halts` say why no entry is made, empty where nothing speaks against one. `account_up`: events
    of the account come; `trouble` says what is wrong with its connections.
    """

    strategy: str
    venue: str
    mode: str
    started_ms: int
    now_ms: int
    symbols: tuple[SymbolView, ...]
    quote_asset: str
    cash: Decimal
    equity: Decimal
    start_equity: Decimal
    orders: tuple[OpenOrder, ...]
    words: tuple[tuple[int, str], ...]
    halts: tuple[str, ...]
    account_up: bool
    trouble: str
    bars: int
    fills: int


class Audience(Protocol):
    """Who follows a run; called in the thread that trades, and must not keep it waiting."""

    def say(self, sentence: str, *, time_ms: int, is_news: bool = False) -> None:
        """Take a line of the log; `is_news` lines are said in a terminal's display too."""

    def warn(self, sentence: str, *, time_ms: int) -> None:
        """Take a line that a person should see."""

    def show(self, snapshot: LiveSnapshot) -> None:
        """Take the state; about twice a second."""


class Silence:
    """Nobody follows."""

    def say(self, sentence: str, *, time_ms: int, is_news: bool = False) -> None:
        """Forget it."""

    def warn(self, sentence: str, *, time_ms: int) -> None:
        """Forget it."""

    def show(self, snapshot: LiveSnapshot) -> None:
        """Forget it."""
