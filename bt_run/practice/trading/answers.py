"""What requests give back where an order alone is not enough."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal  # noqa: TC003 (snapshots read the fields' types)
from typing import TYPE_CHECKING, Literal

from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from bt_run.practice.orders import Order, OrderList

__all__ = ["Amended", "Amendment", "CancelReplaceRefused", "CancelReplaced", "Part"]

Part = Literal["SUCCESS", "FAILURE", "NOT_ATTEMPTED"]


@dataclass(frozen=True, slots=True)
class Amendment:
    """One change of an order's quantity, as ``GET /api/v3/order/amendments`` lists it."""

    symbol: str
    order_id: int
    execution_id: int
    former_client_order_id: str
    client_order_id: str
    former_quantity: Decimal
    quantity: Decimal
    time: int


@dataclass(frozen=True, slots=True)
class Amended:
    """An order after its amendment; `order_list` and `orders` where it belongs to a list."""

    order: Order
    amendment: Amendment
    order_list: OrderList | None = None
    orders: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelReplaced:
    """
    Both halves of a cancel-replace, each with its result and with what came of it.

    `canceled` is the whole list where the order belonged to one. A half that failed has its refusal instead.
    """

    cancel_result: Part
    order_result: Part
    canceled: Order | OrderList | None = None
    order: Order | None = None
    cancel_refusal: Refusal | None = None
    order_refusal: Refusal | None = None


class CancelReplaceRefused(Refusal):
    """
    A cancel-replace did not wholly succeed: -2022 with HTTP 400, or -2021 with HTTP 409 where one half did.

    `parts` is what Binance adds to the body under ``data``; the payload layer puts it into words.
    """

    def __init__(self, parts: CancelReplaced) -> None:
        self.parts = parts
        if "SUCCESS" in (parts.cancel_result, parts.order_result):
            super().__init__(-2021, "Order cancel-replace partially failed.", status=409)
        else:
            super().__init__(-2022, "Order cancel-replace failed.", status=400)
