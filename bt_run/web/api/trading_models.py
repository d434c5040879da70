"""What goes in and out of the interface for orders: exact decimals as text, times in ms UTC."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from bt_run.web.api.market import SYMBOL

__all__ = [
    "AMOUNT",
    "LATEST_MS",
    "AccountOrder",
    "Balance",
    "DraftOrder",
    "OrderCheck",
    "OrderFilter",
    "OrderWish",
    "Placed",
    "Position",
    "Trade",
    "Trading",
]

AMOUNT = r"^[0-9]{1,20}(\.[0-9]{1,18})?$"
LATEST_MS = 4_102_444_800_000

Amount = Annotated[str, Field(pattern=AMOUNT)]


class Trading(BaseModel):
    """Whether orders can be placed here, and if not, why not and what to do about it."""

    on: bool
    why: str
    venue: str
    real_money: bool
    signals: bool
    max_order: str | None = None
    max_price_deviation_pct: str | None = None
    max_orders_per_minute: int | None = None


class OrderWish(BaseModel):
    """
    What to order. How much is exactly one of `quantity` (base asset), `quote_quantity` and `percent` (of what
    is free). `market` has no price; `limit` a `price`; `stop_loss` and `take_profit` a `stop_price`, and with
    a `price` they become limit orders; `oco` a `price` and a `stop_price`, and perhaps a `stop_limit_price`.
    """

    symbol: str = Field(pattern=SYMBOL)
    side: Literal["BUY", "SELL"]
    kind: Literal["market", "limit", "stop_loss", "take_profit", "oco"]
    quantity: Amount | None = None
    quote_quantity: Amount | None = None
    percent: Amount | None = None
    price: Amount | None = None
    stop_price: Amount | None = None
    stop_limit_price: Amount | None = None
    time_in_force: Literal["GTC", "IOC", "FOK"] | None = None
    post_only: bool = False


class DraftOrder(BaseModel):
    """An order as it would be sent, rounded to the symbol's rules."""

    side: str
    type: str
    quantity: str | None
    quote_quantity: str | None
    price: str | None
    stop_price: str | None
    time_in_force: str | None


class OrderFilter(BaseModel):
    """Which orders: of a symbol, a side, a state such as FILLED, and a span of time."""

    symbol: str | None = Field(default=None, pattern=SYMBOL)
    side: Literal["BUY", "SELL"] | None = None
    state: str | None = Field(default=None, pattern="^[A-Z]{2,10}$")
    start: int | None = Field(default=None, alias="from", ge=0, le=LATEST_MS, description="ms UTC")
    end: int | None = Field(default=None, alias="to", ge=0, le=LATEST_MS, description="ms UTC, exclusive")
    limit: int = Field(default=500, ge=1, le=2000, description="CSV has all.")


class OrderCheck(BaseModel):
    """What would be sent, and every reason not to; `price`, `worth`, `fee` are estimates in `quote_asset`."""

    ok: bool
    problems: list[str]
    orders: list[DraftOrder]
    price: str
    worth: str | None
    fee: str | None
    quote_asset: str


class AccountOrder(BaseModel):
    """
    An order of the account. `whose`: placed by hand, by a signal, by a bot of bt-run, or by something else.

    `average` is null where nothing was executed, and for orders that were not placed here.
    """

    client_id: str
    time_ms: int
    symbol: str
    side: str
    type: str
    state: str
    is_open: bool
    whose: Literal["hand", "signal", "bot", "other"]
    quantity: str | None
    quote_quantity: str | None
    price: str | None
    stop_price: str | None
    time_in_force: str
    filled: str
    average: str | None
    filled_ms: int | None
    list_id: str
    reason: str


class Placed(BaseModel):
    """The orders of a wish; `repeated` where this key had come before, and nothing was sent now."""

    repeated: bool
    orders: list[AccountOrder]


class Balance(BaseModel):
    """An asset of the account; what open orders lock is not free."""

    asset: str
    free: str
    locked: str
    total: str


class Position(BaseModel):
    """
    What the orders by hand of a symbol come to: bought less sold, what a unit of it cost, what it is worth at
    the last price. Below 0 where more was sold than bought here; then there is no cost.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    quantity: str
    average: str | None
    price: str
    worth: str
    profit: str | None


class Trade(BaseModel):
    """A trade of the account's own."""

    symbol: str
    trade_id: int
    order_id: int
    quantity: str
    price: str
    fee: str
    fee_asset: str
    time_ms: int
    is_maker: bool
