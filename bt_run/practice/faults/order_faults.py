"""Faults in the life of an order: filled too early, filled in part, not to be found."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, ClassVar

from bt_run.core.errors import ConfigError
from bt_run.practice.fault_points import RequestInfo, Response
from bt_run.practice.faults.fault import RequestFault
from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from bt_run.practice.faults.stage import Stage

__all__ = ["FillBeforeReply", "HiddenOrder", "PartialFillThenCancel"]


def _placed(response: Response | None) -> tuple[str, int] | None:
    """Find symbol and id of the order that an answer is about."""
    body = None if response is None else response.body
    if isinstance(body, dict) and isinstance(body.get("orderId"), int):
        return str(body["symbol"]), body["orderId"]
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillBeforeReply(RequestFault):
    """
    The account's events overtake the answer: an order is filled before its placement is answered.

    An order that rests on the book is filled whole at its own price. The answer is what it was at
    acceptance; it goes out `hold_s` real seconds after the events are written.
    """

    kind: ClassVar[str] = "fill_before_reply"

    hold_s: float = 0.2

    def __post_init__(self) -> None:
        RequestFault.__post_init__(self)
        _check_executed(self)

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Fill, tell, wait."""
        found = _placed(response)
        if found is not None:
            stage.fill(*found, share=Decimal(1))
        await stage.drained()
        await asyncio.sleep(self.hold_s)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialFillThenCancel(RequestFault):
    """
    Only `share` (0 to 1) of an order is filled; the rest is cancelled.

    An order that takes meets a book that holds no more: a market or IOC order then expires, as on a thin
    market. What rests on the book is filled in part at its own price, and cancelled `later_s` real seconds
    after the answer (0: before it). Stop orders that wait are left alone.
    """

    kind: ClassVar[str] = "partial_fill_then_cancel"
    prepares: ClassVar[bool] = True

    share: float = 0.5
    later_s: float = 0.05

    def __post_init__(self) -> None:
        RequestFault.__post_init__(self)
        _check_executed(self)
        if not 0 < self.share < 1:
            raise ConfigError(f"Fault {self.kind}: share is {self.share}; it must lie between 0 and 1.")

    def prepare(self, request: RequestInfo, stage: Stage) -> None:
        """Make the book thin for this one request."""
        symbol = request.params.get("symbol", "")
        try:
            quantity = Decimal(request.params.get("quantity", ""))
        except InvalidOperation:
            quantity = _worth(request, stage)
        stage.thin(symbol, quantity * Decimal(str(self.share)))

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Fill in part and cancel what is still open."""
        found = _placed(response)
        if found is None:
            return None

        def end() -> None:
            stage.fill(*found, share=Decimal(str(self.share)), only_new=True)
            stage.cancel(*found)

        if self.later_s > 0:
            asyncio.get_running_loop().call_later(self.later_s, end)
        else:
            end()
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenOrder(RequestFault):
    """
    Asking for an order is answered -2013 within `hidden_s` real seconds of its acceptance.

    It ends sooner where a minute has passed by the exchange's clock.
    """

    kind: ClassVar[str] = "hidden_order"

    method: str = "order.status"
    executed: bool = False
    hidden_s: float = 1.0

    def chooses(self, request: RequestInfo, stage: Stage) -> bool:
        """Choose questions for orders that are that young."""
        if not RequestFault.chooses(self, request, stage):
            return False
        params = request.params
        age = stage.age_of(params.get("symbol", ""), params.get("orderId"), params.get("origClientOrderId"))
        return age is not None and age < self.hidden_s

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Deny that there is such an order."""
        return Response(400, {"code": -2013, "msg": "Order does not exist."})


def _check_executed(fault: RequestFault) -> None:
    if not fault.executed:
        raise ConfigError(f"Fault {fault.kind}: it is about an order that was placed; executed must be true.")


def _worth(request: RequestInfo, stage: Stage) -> Decimal:
    """Give about what a quote quantity buys; 0 where the request makes no sense."""
    try:
        quote = Decimal(request.params.get("quoteOrderQty", ""))
        return quote / stage.exchange.market(request.params.get("symbol", "")).last_price
    except (InvalidOperation, Refusal):
        return Decimal(0)
