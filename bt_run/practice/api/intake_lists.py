"""From the parameters of a request to the ticket of an order list: OCO, OTO and OTOCO."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.practice.api.intake import LEG_FIELDS, leg_name, read_leg, read_side, read_type
from bt_run.practice.api.parameters import Parameters
from bt_run.practice.orders import ListTicket
from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from bt_run.practice.api.client_ids import ClientIds
    from bt_run.practice.orders import Side, Ticket
    from bt_run.practice.rules import SymbolRules

__all__ = [
    "OCO_NAMES",
    "OLD_OCO_NAMES",
    "OTOCO_NAMES",
    "OTO_NAMES",
    "read_oco",
    "read_old_oco",
    "read_oto",
    "read_otoco",
]

_COMMON = ("listClientOrderId", "newOrderRespType", "selfTradePreventionMode")


def _of(leg: str, *without: str) -> tuple[str, ...]:
    return tuple(leg_name(leg, field) for field in LEG_FIELDS if field not in without)


OCO_NAMES = (
    ("symbol", "side", "quantity", "aboveType", "belowType"),
    (*_COMMON, *_of("above"), *_of("below")),
)
"""Mandatory and optional parameters of POST /api/v3/orderList/oco."""

OTO_NAMES = (
    (
        *("symbol", "workingType", "workingSide", "workingPrice", "workingQuantity"),
        *("pendingType", "pendingSide", "pendingQuantity"),
    ),
    (*_COMMON, *_of("working", "price", "stopPrice", "trailingDelta"), *_of("pending")),
)
"""Mandatory and optional parameters of POST /api/v3/orderList/oto."""

OTOCO_NAMES = (
    (
        *("symbol", "workingType", "workingSide", "workingPrice", "workingQuantity"),
        *("pendingSide", "pendingQuantity", "pendingAboveType", "pendingBelowType"),
    ),
    (
        *_COMMON,
        *_of("working", "price", "stopPrice", "trailingDelta"),
        *_of("pendingAbove"),
        *_of("pendingBelow"),
    ),
)
"""Mandatory and optional parameters of POST /api/v3/orderList/otoco."""

OLD_OCO_NAMES = (
    ("symbol", "side", "quantity", "price", "stopPrice"),
    (
        *_COMMON,
        *("limitClientOrderId", "limitIcebergQty", "limitStrategyId", "limitStrategyType"),
        *("stopClientOrderId", "stopIcebergQty", "stopStrategyId", "stopStrategyType"),
        *("trailingDelta", "stopLimitPrice", "stopLimitTimeInForce"),
    ),
)
"""Mandatory and optional parameters of POST /api/v3/order/oco, deprecated since 2024-04-02."""

_TAKES = ("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
_STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT")


def read_oco(params: Parameters, rules: SymbolRules, ids: ClientIds) -> ListTicket:
    """Read an OCO: two legs of one side and quantity, above and below the market."""
    side = read_side(params, "side")
    legs = _pair(params, rules, ids, side=side, legs=("above", "below"), quantity_name="quantity")
    return ListTicket("OCO", _list_id(params, ids), legs)


def read_oto(params: Parameters, rules: SymbolRules, ids: ClientIds) -> ListTicket:
    """Read an OTO: an order that works now, and one that is placed when it is filled."""
    working = _working(params, rules, ids)
    side = read_side(params, "pendingSide")
    pending = read_leg(params, rules, ids, side=side, leg="pending")
    return ListTicket("OTO", _list_id(params, ids), (pending,), working)


def read_otoco(params: Parameters, rules: SymbolRules, ids: ClientIds) -> ListTicket:
    """Read an OTOCO: an order that works now, and an OCO that is placed when it is filled."""
    working = _working(params, rules, ids)
    side = read_side(params, "pendingSide")
    names = ("pendingAbove", "pendingBelow")
    legs = _pair(params, rules, ids, side=side, legs=names, quantity_name="pendingQuantity")
    return ListTicket("OTOCO", _list_id(params, ids), legs, working)


def read_old_oco(params: Parameters, rules: SymbolRules, ids: ClientIds) -> ListTicket:
    """Read an OCO in the words of before 2024-04-02: a LIMIT_MAKER and a stop loss."""
    limit, stop = ("above", "below") if read_side(params, "side") == "SELL" else ("below", "above")
    words = {
        "price": f"{limit}Price",
        "stopPrice": f"{stop}StopPrice",
        "trailingDelta": f"{stop}TrailingDelta",
        "stopLimitPrice": f"{stop}Price",
        "stopLimitTimeInForce": f"{stop}TimeInForce",
    }
    for field in ("ClientOrderId", "IcebergQty", "StrategyId", "StrategyType"):
        words |= {f"limit{field}": limit + field, f"stop{field}": stop + field}
    sent = {words.get(name, name): value for name, value in params.sent.items()}
    sent[f"{limit}Type"] = "LIMIT_MAKER"
    sent[f"{stop}Type"] = "STOP_LOSS_LIMIT" if "stopLimitPrice" in params else "STOP_LOSS"
    return read_oco(Parameters(sent), rules, ids)


def _list_id(params: Parameters, ids: ClientIds) -> str:
    return params.client_id("listClientOrderId") or ids.make()


def _working(params: Parameters, rules: SymbolRules, ids: ClientIds) -> Ticket:
    if read_type(params, "workingType") not in ("LIMIT", "LIMIT_MAKER"):
        raise Refusal(-1116, "Invalid orderType.")
    return read_leg(params, rules, ids, side=read_side(params, "workingSide"), leg="working")


def _pair(
    params: Parameters,
    rules: SymbolRules,
    ids: ClientIds,
    *,
    side: Side,
    legs: tuple[str, str],
    quantity_name: str,
) -> tuple[Ticket, Ticket]:
    """Read the legs above and below the market; each type has its place (-1158 to -1199)."""
    above, below = (read_type(params, leg_name(leg, "type")) for leg in legs)
    for order_type in (above, below):
        if order_type not in (*_TAKES, *_STOPS):
            raise Refusal(-1158, "Order type not supported in OCO.")
    if (above, below) == ("LIMIT_MAKER", "LIMIT_MAKER"):
        raise Refusal(-1168, "At least one OCO order must be contingent.")
    _check_places(side, above, below)
    for leg in legs:
        _check_iceberg(params, leg)
    first, second = (
        read_leg(params, rules, ids, side=side, leg=leg, quantity_name=quantity_name) for leg in legs
    )
    return first, second


def _check_places(side: Side, above: str, below: str) -> None:
    if side == "BUY":
        if above == "LIMIT_MAKER":
            raise Refusal(-1165, "A limit order in a buy OCO must be below.")
        if above in _TAKES:
            raise Refusal(-1198, "A take profit order in a buy OCO must be below.")
        if below in _STOPS:
            raise Refusal(-1196, "A stop loss order in a buy OCO must be above.")
        return
    if below == "LIMIT_MAKER":
        raise Refusal(-1166, "A limit order in a sell OCO must be above.")
    if below in _TAKES:
        raise Refusal(-1199, "A take profit order in a sell OCO must be above.")
    if above in _STOPS:
        raise Refusal(-1197, "A stop loss order in a sell OCO must be below.")


def _check_iceberg(params: Parameters, leg: str) -> None:
    iceberg, time_in_force = leg_name(leg, "icebergQty"), leg_name(leg, "timeInForce")
    if iceberg in params and params.sent.get(time_in_force, "GTC") != "GTC":
        raise Refusal(-1160, f"Parameter '{iceberg}' is not supported if '{time_in_force}' is not GTC.")
