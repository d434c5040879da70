"""What Binance's market streams say, as frozen plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "AggTrade",
    "Answer",
    "BookTicker",
    "KlineFrame",
    "Liquidation",
    "Message",
    "MiniTicker",
    "Other",
    "ServerShutdown",
    "Trade",
]


@dataclass(frozen=True, slots=True)
class KlineFrame:
    """
    One state of a bar; final where `closed`, which Binance sends once a bar and never again.

    Times are ms since 1970 UTC, prices > 0 in quote currency, volumes >= 0. `close_time` is the last ms of
    the bar. `first_id` and `last_id` are trade ids, -1 while the bar has no trade and where REST gave it.
    `contract` is the contract type of a continuous kline (``PERPETUAL``), whose `symbol` is the pair; empty
    otherwise. `event_ms` is when the exchange sent it, None for a bar that REST gave.
    """

    symbol: str
    interval: str
    open_time: int
    close_time: int
    first_id: int
    last_id: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    trades: int
    taker_buy_volume: float
    taker_buy_quote_volume: float
    closed: bool
    contract: str = ""
    event_ms: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Trade:
    """
    One trade. `price` > 0, `quantity` > 0 in base asset, `time_ms` ms since 1970 UTC.

    `trade_id` rises by one from trade to trade of a symbol. Where `buyer_is_maker`, the taker sold.
    """

    symbol: str
    trade_id: int
    price: float
    quantity: float
    time_ms: int
    buyer_is_maker: bool
    event_ms: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class AggTrade:
    """
    The trades of one taker order at one price: ids `first_id` to `last_id`, both included.

    `agg_id` rises by one from one to the next of a symbol. `normal_quantity` is what was traded without
    retail price improvement orders, which `quantity` includes (USD-M since 2025-12-31); None elsewhere.
    `coin_m` is true for a contract settled in coin, which the merged futures streams send too.
    """

    symbol: str
    agg_id: int
    price: float
    quantity: float
    first_id: int
    last_id: int
    time_ms: int
    buyer_is_maker: bool
    normal_quantity: float | None = None
    coin_m: bool = False
    event_ms: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Liquidation:
    """
    A liquidation order of the futures market. `side` ``SELL`` means that a long position was liquidated.

    Binance shows at most one a symbol and second, so sums are a lower bound. `price` is the order's limit,
    `average_price` what it got, `filled` <= `quantity` how much of it is done, all in base asset or contracts.
    """

    symbol: str
    side: Literal["BUY", "SELL"]
    quantity: float
    price: float
    average_price: float
    filled: float
    status: str
    time_ms: int
    coin_m: bool = False
    event_ms: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class BookTicker:
    """The best bid and ask; a price and quantity of 0 mean an empty side. Spot sends no `event_ms`."""

    symbol: str
    update_id: int
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    event_ms: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class MiniTicker:
    """The last 24 hours of a symbol, rolling; `close` is the last price."""

    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    event_ms: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ServerShutdown:
    """The server is about to close the connection: connect again at once."""

    event_ms: int


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer to SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS or SET_PROPERTY.

    `streams` are the names that LIST_SUBSCRIPTIONS gives, empty otherwise. `code` is None where it went
    well; else Binance's code, with its words in `error`.
    """

    request_id: int | str | None
    streams: tuple[str, ...] = ()
    code: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """Something that is no market data of ours (depth, user data, index prices); `kind` is its event type."""

    kind: str
    event_ms: int | None = field(default=None, compare=False)


Message = (
    KlineFrame | Trade | AggTrade | Liquidation | BookTicker | MiniTicker | ServerShutdown | Answer | Other
)
