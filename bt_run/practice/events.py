"""What happens on the exchange, as frozen data, in the order in which it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.orders import Balance, Fill, Order, OrderList

__all__ = [
    "BalancesChanged",
    "BarClosed",
    "Deposited",
    "Event",
    "Executed",
    "Kline",
    "ListChanged",
    "Print",
    "Printed",
    "Wiped",
]

ExecutionType = Literal["NEW", "CANCELED", "REPLACED", "REJECTED", "TRADE", "EXPIRED"]


@dataclass(frozen=True, slots=True)
class Print:
    """
    One trade of the replayed market. `trade_id` rises by one from print to print of a symbol.

    `continuous` says that the price moved from the print before it through all prices between (a path inside
    one bar); otherwise it jumped (a new bar's open, and every print of recorded trades).
    """

    symbol: str
    trade_id: int
    time: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool
    continuous: bool = False


@dataclass(frozen=True, slots=True)
class Kline:
    """
    One bar as Binance tells it, open or closed. `first_id` and `last_id` are -1 where it has no trade.

    `close_time` is the last ms of the bar. Prices in quote asset, `volume` in base asset, all >= 0.
    """

    symbol: str
    interval: str
    open_time: int
    close_time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    trades: int
    taker_buy_volume: Decimal
    taker_buy_quote_volume: Decimal
    first_id: int = -1
    last_id: int = -1


@dataclass(frozen=True, slots=True)
class Printed:
    """The replayed market traded."""

    print: Print


@dataclass(frozen=True, slots=True)
class BarClosed:
    """A bar of the data's own interval is final. Exchange time is then `kline.close_time + 1`."""

    kline: Kline


@dataclass(frozen=True, slots=True)
class Executed:
    """
    Something happened to an order of the account; `order` is its state afterwards.

    `execution_id` rises by at least one from event to event over all symbols (Binance's `I`). `fill` is given
    for TRADE. `cancel_id` is the client id of a cancellation (Binance's `c` of a CANCELED report), None else.
    `former_id` is the client order id before an amendment (Binance's `C` of a REPLACED report), None else.
    """

    execution_id: int
    kind: ExecutionType
    order: Order
    time: int
    fill: Fill | None = None
    cancel_id: str | None = None
    reject_reason: str = "NONE"
    former_id: str | None = None


@dataclass(frozen=True, slots=True)
class BalancesChanged:
    """Balances after what happened at one instant; only the assets that it touched."""

    balances: dict[str, Balance]
    time: int


@dataclass(frozen=True, slots=True)
class Deposited:
    """An amount came from outside, or left where it is < 0 (Binance's balanceUpdate)."""

    asset: str
    amount: Decimal
    time: int


@dataclass(frozen=True, slots=True)
class ListChanged:
    """An order list was accepted, updated or done; `orders` are its orders now."""

    order_list: OrderList
    orders: tuple[Order, ...]
    time: int


@dataclass(frozen=True, slots=True)
class Wiped:
    """All orders are gone and the balances are as at the start: the testnet's monthly reset."""

    time: int


Event = Printed | BarClosed | Executed | BalancesChanged | Deposited | ListChanged | Wiped
