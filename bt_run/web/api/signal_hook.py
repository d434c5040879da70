"""
Signals from elsewhere, such as an alert of TradingView's, that place an order.

Who sends them can set no header, so the secret stands in the body, and this path needs no session. Everything
else holds: host, size, rate, and all that is asked of an order by hand.
"""

from __future__ import annotations

import asyncio
import json
from hmac import compare_digest
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from brokers.amounts import exact
from bt_run.run.by_hand.wish import wish_of
from bt_run.web.api.trading import demand_trading, placed_of
from bt_run.web.api.trading_models import AMOUNT, Placed

if TYPE_CHECKING:
    from bt_run.web.state import Desk

__all__ = ["router"]

router = APIRouter(tags=["trading"])

_OFF, _FORBIDDEN, _INVALID, _TOO_MANY, _CREATED = 404, 403, 422, 429, 201
_AMOUNTS = ("quantity", "quote_quantity", "percent", "price", "stop_price", "stop_limit_price")

Number = Annotated[str, Field(pattern=AMOUNT)] | Annotated[float, Field(strict=True, gt=0, lt=1e20)]


class Signal(BaseModel):
    """
    An order as a signal says it. The same `id` is the same order, however often it comes.

    `side` may be called `action`, and `quote_quantity` `quote`; amounts are numbers or text. `symbol` may have
    an exchange before it (BINANCE:BTCUSDT).
    """

    model_config = ConfigDict(extra="forbid")

    secret: str = Field(max_length=200)
    id: str = Field(pattern=r"^[ -~]{1,90}$")
    symbol: str = Field(pattern=r"^([A-Za-z0-9_]{1,20}:)?[A-Za-z0-9]{2,30}$")
    side: Literal["buy", "sell", "BUY", "SELL"] = Field(validation_alias=AliasChoices("side", "action"))
    type: Literal["market", "limit", "stop_loss", "take_profit", "oco"] = "market"
    quantity: Number | None = None
    quote_quantity: Number | None = Field(
        default=None, validation_alias=AliasChoices("quote_quantity", "quote")
    )
    percent: Number | None = None
    price: Number | None = None
    stop_price: Number | None = None
    stop_limit_price: Number | None = None
    time_in_force: Literal["GTC", "IOC", "FOK"] | None = None
    post_only: bool = False


class Problem(BaseModel):
    """Why nothing was done."""

    detail: str


_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": Signal.model_json_schema(by_alias=False)}},
    }
}


@router.post(
    "/signal",
    status_code=_CREATED,
    response_model=Placed,
    responses={code: {"model": Problem} for code in (_FORBIDDEN, _OFF, _INVALID, _TOO_MANY)},
    openapi_extra=_BODY,
)
async def signal(request: Request, response: Response) -> Any:
    """
    Place the order of a signal, once for its id. It needs BT_RUN_SIGNAL_SECRET, in the environment or in .env.

    200 with the order that this id has placed before. At most thirty tries a minute from one address.
    """
    desk: Desk = request.app.state.desk
    client = request.client.host if request.client else ""
    if not desk.signal_secret:
        return _refuse(_OFF, "Signals are off. Set BT_RUN_SIGNAL_SECRET and start bt-run web again.")
    if not desk.access.signals.allow(client):
        return _refuse(_TOO_MANY, "Too many signals. Wait a minute.")
    told = _read(await request.body())
    given = told.get("secret")
    if not isinstance(given, str) or not compare_digest(
        given.encode("utf-8", "replace"), desk.signal_secret.encode()
    ):
        return _refuse(_FORBIDDEN, "The secret is missing or wrong.")
    try:
        wanted = Signal.model_validate(told)
    except ValidationError as error:
        return _refuse(_INVALID, _words(error))
    placed = await asyncio.to_thread(_place, request, wanted)
    if placed.repeated:
        response.status_code = 200
    return placed


def _place(request: Request, wanted: Signal) -> Placed:
    symbol = wanted.symbol.rpartition(":")[2].upper()
    document = {
        "symbol": symbol,
        "side": wanted.side.upper(),
        "kind": wanted.type,
        "post_only": wanted.post_only,
    }
    for name in _AMOUNTS:
        value = getattr(wanted, name)
        if value is not None:
            document[name] = exact(value)
    if wanted.time_in_force is not None:
        document["time_in_force"] = wanted.time_in_force
    return placed_of(demand_trading(request).place(wish_of(document), key=wanted.id, source="signal"))


def _read(body: bytes) -> dict[str, Any]:
    """Give the JSON object that a body is; an empty one for any other."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _words(error: ValidationError) -> str:
    """Say what is wrong with a signal, without what it held."""
    told = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'signal'}: {item['msg']}" for item in told[:5])


def _refuse(status: int, problem: str) -> JSONResponse:
    return JSONResponse({"detail": problem}, status_code=status)
