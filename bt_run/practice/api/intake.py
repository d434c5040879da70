"""From the parameters of a request to a ticket: one order, complete, as `bt_run.practice.orders` words it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from bt_run.practice.api.parameters import missing, not_required, one_of_two
from bt_run.practice.orders import OrderType, Side, Ticket, TimeInForce
from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.api.client_ids import ClientIds
    from bt_run.practice.api.parameters import Parameters
    from bt_run.practice.rules import SymbolRules

__all__ = [
    "LEG_FIELDS",
    "ORDER_FIELDS",
    "ResponseType",
    "leg_name",
    "read_leg",
    "read_response_type",
    "read_ticket",
]

ResponseType = Literal["ACK", "RESULT", "FULL"]

LEG_FIELDS = (
    "timeInForce",
    "price",
    "stopPrice",
    "trailingDelta",
    "icebergQty",
    "strategyId",
    "strategyType",
    "clientOrderId",
)
"""What each leg of an order list may have of its own, before the leg's name goes in front."""

ORDER_FIELDS = (
    *("timeInForce", "quantity", "quoteOrderQty", "price", "newClientOrderId", "strategyId", "strategyType"),
    *("stopPrice", "trailingDelta", "icebergQty", "newOrderRespType", "selfTradePreventionMode"),
)
"""What a new order may have besides symbol, side and type."""

SELF_TRADE_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
MIN_STRATEGY_TYPE = 1_000_000


@dataclass(frozen=True, slots=True)
class _Needs:
    """What a type of order must have, and what it may have besides, of the fields that not all types know."""

    must: tuple[str, ...]
    may: tuple[str, ...] = ()
    is_conditional: bool = False


_LIMIT = ("timeInForce", "quantity", "price")
_NEEDS: dict[OrderType, _Needs] = {
    "LIMIT": _Needs(_LIMIT, ("icebergQty",)),
    "MARKET": _Needs((), ("quantity", "quoteOrderQty")),
    "STOP_LOSS": _Needs(("quantity",), is_conditional=True),
    "STOP_LOSS_LIMIT": _Needs(_LIMIT, ("icebergQty",), is_conditional=True),
    "TAKE_PROFIT": _Needs(("quantity",), is_conditional=True),
    "TAKE_PROFIT_LIMIT": _Needs(_LIMIT, ("icebergQty",), is_conditional=True),
    "LIMIT_MAKER": _Needs(("quantity", "price"), ("icebergQty",)),
}
_TYPED = ("timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice", "trailingDelta", "icebergQty")


def leg_name(leg: str, field: str) -> str:
    """Give the parameter's name: ``stopPrice`` of ``pendingAbove`` is ``pendingAboveStopPrice``."""
    if not leg:
        return "newClientOrderId" if field == "clientOrderId" else field
    return leg + field[0].upper() + field[1:]


def read_ticket(params: Parameters, rules: SymbolRules, ids: ClientIds) -> Ticket:
    """Read one order that stands alone; raises Refusal as Binance does."""
    return read_leg(params, rules, ids, side=read_side(params, "side"))


def read_response_type(params: Parameters, order_type: OrderType | None = None) -> ResponseType:
    """
    Read how much the answer shall tell; the default is FULL for MARKET and LIMIT, ACK for the rest.

    Without `order_type` the default is RESULT, as the answers to order lists have it.
    """
    legal: tuple[ResponseType, ...] = get_args(ResponseType)
    found = params.choice("newOrderRespType", legal)
    if found is not None:
        return cast("ResponseType", found)
    if order_type is None:
        return "RESULT"
    return "FULL" if order_type in ("MARKET", "LIMIT") else "ACK"


def read_side(params: Parameters, name: str) -> Side:
    """Read BUY or SELL; else -1117."""
    side = params.needed(name)
    if side not in get_args(Side):
        raise Refusal(-1117, "Invalid side.")
    return cast("Side", side)


def read_type(params: Parameters, name: str) -> OrderType:
    """Read a type of order; else -1116."""
    order_type = params.needed(name)
    if order_type not in _NEEDS:
        raise Refusal(-1116, "Invalid orderType.")
    return order_type


def read_leg(
    params: Parameters,
    rules: SymbolRules,
    ids: ClientIds,
    *,
    side: Side,
    leg: str = "",
    quantity_name: str = "",
) -> Ticket:
    """
    Read one order.

    Args:
        params: What was sent.
        rules: Of the symbol; its precision bounds the decimals.
        ids: Make an id where none was sent.
        side: Of the order.
        leg: What stands before the names of this order's parameters; "" for an order that stands alone.
        quantity_name: The parameter that holds the quantity, where legs share it.

    Raises:
        Refusal: -1116 type, -1102 missing, -1106 not required, -1100 and -1111 malformed, -1013 zero.
    """
    order_type = read_type(params, leg_name(leg, "type"))
    names = {field: leg_name(leg, field) for field in (*_TYPED, *LEG_FIELDS)}
    if quantity_name:
        names["quantity"] = quantity_name
    _check_fields(params, order_type, names)
    iceberg = params.number(names["icebergQty"], rules.precision)
    time_in_force = _time_in_force(params, names["timeInForce"])
    if iceberg and time_in_force != "GTC":
        raise Refusal(-1013, "Unsupported order combination")
    return Ticket(
        symbol=rules.symbol,
        side=side,
        type=order_type,
        client_order_id=params.client_id(names["clientOrderId"]) or ids.make(),
        quantity=_positive(params, names["quantity"], "quantity", rules),
        quote_quantity=_positive(params, names["quoteOrderQty"], "quoteOrderQty", rules),
        price=_positive(params, names["price"], "price", rules),
        stop_price=_positive(params, names["stopPrice"], "stopPrice", rules),
        trailing_delta=params.whole(names["trailingDelta"]),
        time_in_force=time_in_force,
        iceberg_quantity=iceberg or None,
        strategy_id=params.whole(names["strategyId"]),
        strategy_type=_strategy_type(params, names["strategyType"]),
        self_trade_prevention=read_self_trade_mode(params),
    )


def read_self_trade_mode(params: Parameters) -> str:
    """Read what to do when an order meets one of our own; the default is the symbols' EXPIRE_MAKER."""
    return params.choice("selfTradePreventionMode", SELF_TRADE_MODES) or "EXPIRE_MAKER"


def _check_fields(params: Parameters, order_type: OrderType, names: dict[str, str]) -> None:
    needs = _NEEDS[order_type]
    for field in needs.must:
        if not params.sent.get(names[field]):
            raise missing(names[field])
    if order_type == "MARKET":
        given = [name for field in needs.may if (name := names[field]) in params]
        if not given:
            raise one_of_two(names["quantity"], names["quoteOrderQty"])
        if len(given) > 1:
            raise not_required(names["quoteOrderQty"])
    triggers = ("stopPrice", "trailingDelta") if needs.is_conditional else ()
    if triggers and not any(names[field] in params for field in triggers):
        raise one_of_two(names["stopPrice"], names["trailingDelta"])
    for field in _TYPED:
        if names[field] in params and field not in (*needs.must, *needs.may, *triggers):
            raise not_required(names[field])


def _time_in_force(params: Parameters, name: str) -> TimeInForce:
    legal: tuple[TimeInForce, ...] = get_args(TimeInForce)
    found = params.choice(name, legal, Refusal(-1115, "Invalid timeInForce."))
    return cast("TimeInForce", found or "GTC")


def _positive(params: Parameters, name: str, field: str, rules: SymbolRules) -> Decimal | None:
    found = params.number(name, rules.precision)
    if found == 0:
        words = {"quoteOrderQty": "quote order qty", "stopPrice": "stop price"}
        raise Refusal(-1013, f"Invalid {words.get(field, field)}.")
    return found


def _strategy_type(params: Parameters, name: str) -> int | None:
    found = params.whole(name)
    if found is not None and found < MIN_STRATEGY_TYPE:
        raise Refusal(-1134, f"'{name}' was less than {MIN_STRATEGY_TYPE}.")
    return found
