"""Symbols, intervals and bars."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from bt_run.core.interval import BINANCE_INTERVALS, Interval
from bt_run.web.json_values import json_values

__all__ = ["router"]

router = APIRouter(tags=["market"])

SYMBOL = r"^[A-Za-z0-9]{2,30}$"
_MOST = 1_000
_LIST = 50


class Symbols(BaseModel):
    """Symbols that match, in order; `total` counts all that do."""

    symbols: list[str]
    total: int


class BarTable(BaseModel):
    """Closed bars, oldest first, one list a column; `open_time` is ms UTC."""

    symbol: str
    interval: str
    open_time: list[int]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float | None]


@router.get("/intervals")
def intervals() -> list[str]:
    """List the intervals of bars."""
    return list(BINANCE_INTERVALS)


@router.get("/symbols")
def symbols(request: Request, search: Annotated[str, Query(max_length=30)] = "") -> Symbols:
    """List symbols of the venue that begin with, then those that contain, the text; fifty at most."""
    state = request.app.state
    names = tuple(dict.fromkeys((*state.desk.symbols, *state.symbols.names())))
    wanted = search.strip().upper()
    first = [name for name in names if name.startswith(wanted)]
    rest = [name for name in names if wanted in name and not name.startswith(wanted)]
    return Symbols(symbols=[*first, *rest][:_LIST], total=len(first) + len(rest))


@router.get("/bars")
def bars(
    request: Request,
    symbol: Annotated[str, Query(pattern=SYMBOL)],
    interval: Annotated[str, Query(pattern=f"^({'|'.join(BINANCE_INTERVALS)})$")],
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 500,
    end: Annotated[
        int | None, Query(ge=0, le=4_102_444_800_000, description="Newest open time, ms UTC.")
    ] = None,
) -> BarTable:
    """Fetch closed bars from the venue, the newest `limit` up to `end`."""
    found = request.app.state.desk.market.fetch(symbol.upper(), Interval.parse(interval), limit=limit, end=end)
    columns: dict[str, Any] = {
        name: getattr(found, name).tolist() for name in ("open_time", "open", "high", "low", "close")
    }
    volume = json_values(found.volume)
    return BarTable(symbol=symbol.upper(), interval=interval, volume=volume, **columns)
