"""Orders by hand and how the account stands; amounts are exact decimals as text, times ms UTC."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Header, Path, Query, Request, Response
from fastapi.responses import PlainTextResponse

from brokers.amounts import text_of
from bt_run.core.errors import ConfigError
from bt_run.run.by_hand.rows import OrderRow, short_text
from bt_run.run.by_hand.wish import wish_of
from bt_run.web.api.market import SYMBOL
from bt_run.web.api.trading_models import (
    LATEST_MS,
    AccountOrder,
    Balance,
    DraftOrder,
    OrderCheck,
    OrderFilter,
    OrderWish,
    Placed,
    Position,
    Trade,
    Trading,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from brokers.orders import Order
    from brokers.reconciling.views import ExchangeTrade
    from bt_run.run.by_hand.desk import HandDesk
    from bt_run.run.by_hand.draft import Draft
    from bt_run.run.by_hand.placing import Placed as PlacedOrders
    from bt_run.run.by_hand.positions import Position as HandPosition
    from bt_run.web.state import Desk

__all__ = ["demand_trading", "placed_of", "router"]

router = APIRouter(tags=["trading"])

_CREATED = 201

Symbol = Annotated[str, Query(pattern=SYMBOL)]
Time = Annotated[int, Query(ge=0, le=LATEST_MS)]
ClientId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:/-]{1,36}$")]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9_.:-]{8,100}$",
        description="Names this order, for instance by a UUID. The same key is the same order, sent once.",
    ),
]


@router.get("/trading")
def trading(request: Request) -> Trading:
    """Tell whether orders can be placed, and within which limits."""
    desk: Desk = request.app.state.desk
    told: dict[str, Any] = {}
    if desk.trading is not None:
        limits = desk.trading.limits
        told = {
            "max_order": _text(limits.max_order),
            "max_price_deviation_pct": _text(limits.max_price_deviation_pct),
            "max_orders_per_minute": limits.max_orders_per_minute,
        }
    return Trading(
        on=desk.trading is not None,
        why=desk.trading_off if desk.trading is None else "",
        venue=desk.venue.name,
        real_money=desk.has_real_money,
        signals=bool(desk.signal_secret),
        **told,
    )


@router.post("/orders/check")
def check(request: Request, wish: Annotated[OrderWish, Body()]) -> OrderCheck:
    """Tell what would be sent for a wish, rounded, and all that speaks against it. Sends nothing."""
    draft = demand_trading(request).check(wish_of(_asked(wish)))
    return _check_of(draft)


@router.post("/orders", status_code=_CREATED, responses={200: {"model": Placed}})
def place(request: Request, response: Response, key: Key, wish: Annotated[OrderWish, Body()]) -> Placed:
    """
    Place an order: checked, written into the journal, sent once.

    201 with the new orders; 200 with those that this key has placed before. An order whose answer did not come
    is UNKNOWN; it is asked for, and never sent again.
    """
    placed = demand_trading(request).place(wish_of(_asked(wish)), key=key)
    if placed.is_repeat:
        response.status_code = 200
    return placed_of(placed)


@router.get("/orders")
def orders(request: Request, wanted: Annotated[OrderFilter, Query()]) -> list[AccountOrder]:
    """
    List orders of the account, the newest first: those that are open, and those by hand, open and past.

    With a symbol also its newest thousand at the exchange, whoever placed them.
    """
    return [AccountOrder(**asdict(row)) for row in _filtered(request, wanted)[: wanted.limit]]


@router.get("/orders.csv")
def orders_csv(request: Request, wanted: Annotated[OrderFilter, Query()]) -> PlainTextResponse:
    """Give the same as CSV, all of them."""
    text, names = io.StringIO(), [field.name for field in fields(OrderRow)]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in _filtered(request, wanted))
    name = f"attachment; filename=orders-{request.app.state.desk.venue.name}.csv"
    return PlainTextResponse(text.getvalue(), media_type="text/csv", headers={"content-disposition": name})


@router.delete("/orders/{client_id}")
def cancel(request: Request, client_id: ClientId) -> list[AccountOrder]:
    """Cancel an order, and with it the list that it belongs to. Those of bots are left alone."""
    return [AccountOrder(**asdict(row)) for row in demand_trading(request).cancel(client_id)]


@router.delete("/orders")
def cancel_all(request: Request, symbol: Symbol) -> list[AccountOrder]:
    """Cancel all open orders by hand of a symbol; those of bots and of others are left alone."""
    return [AccountOrder(**asdict(row)) for row in demand_trading(request).cancel_all(symbol.upper())]


@router.get("/balances")
def balances(request: Request) -> list[Balance]:
    """List what the account holds."""
    return [Balance(**asdict(row)) for row in demand_trading(request).balances()]


@router.get("/positions")
def positions(request: Request) -> list[Position]:
    """List what the orders by hand of each symbol come to."""
    return [_position(held, price) for held, price in demand_trading(request).positions()]


@router.get("/trades")
def trades(
    request: Request,
    symbol: Symbol,
    start: Annotated[Time | None, Query(alias="from", description="ms UTC")] = None,
    end: Annotated[Time | None, Query(alias="to", description="ms UTC, exclusive")] = None,
) -> list[Trade]:
    """List the account's own trades of a symbol among its newest thousand, the newest first."""
    found = demand_trading(request).trades(symbol.upper())
    return [_trade(trade) for trade in reversed(found) if _is_within(trade.time_ms, start, end)]


def demand_trading(request: Request) -> HandDesk:
    """Give the desk for orders. Raises ConfigError where there is none, with what to do about it."""
    desk: Desk = request.app.state.desk
    if desk.trading is None:
        raise ConfigError(desk.trading_off)
    return desk.trading


def placed_of(placed: PlacedOrders) -> Placed:
    """Give the answer to an order."""
    return Placed(repeated=placed.is_repeat, orders=[AccountOrder(**asdict(row)) for row in placed.orders])


def _asked(wish: OrderWish) -> dict[str, Any]:
    return wish.model_dump(exclude_none=True) | {"symbol": wish.symbol.upper()}


def _filtered(request: Request, wanted: OrderFilter) -> list[OrderRow]:
    return [
        row
        for row in demand_trading(request).orders(symbol=(wanted.symbol or "").upper())
        if wanted.side in (None, row.side)
        and wanted.state in (None, row.state)
        and _is_within(row.time_ms, wanted.start, wanted.end)
    ]


def _is_within(time_ms: int, start: int | None, end: int | None) -> bool:
    return (start is None or time_ms >= start) and (end is None or time_ms < end)


def _check_of(draft: Draft) -> OrderCheck:
    return OrderCheck(
        ok=not draft.problems,
        problems=list(draft.problems),
        orders=[_draft_order(order) for order in draft.orders],
        price=text_of(draft.price),
        worth=_text(draft.worth),
        fee=_text(draft.fee),
        quote_asset=draft.quote_asset,
    )


def _draft_order(order: Order) -> DraftOrder:
    return DraftOrder(
        side=order.side,
        type=order.type,
        quantity=_text(order.quantity),
        quote_quantity=_text(order.quote_quantity),
        price=_text(order.price),
        stop_price=_text(order.stop_price),
        time_in_force=order.time_in_force,
    )


def _position(held: HandPosition, price: Decimal) -> Position:
    profit = held.profit(price)
    return Position(
        symbol=held.symbol,
        base_asset=held.base_asset,
        quote_asset=held.quote_asset,
        quantity=text_of(held.quantity),
        average=None if held.average is None else short_text(held.average),
        price=text_of(price),
        worth=short_text(held.worth(price)),
        profit=None if profit is None else short_text(profit),
    )


def _trade(trade: ExchangeTrade) -> Trade:
    return Trade(
        symbol=trade.symbol,
        trade_id=trade.trade_id,
        order_id=trade.exchange_id,
        quantity=text_of(trade.quantity),
        price=text_of(trade.price),
        fee=text_of(trade.fee),
        fee_asset=trade.fee_asset,
        time_ms=trade.time_ms,
        is_maker=trade.is_maker,
    )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else text_of(amount)
