"""Is it there, which version, how is it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from bt_run import __version__

__all__ = ["router"]

router = APIRouter(tags=["system"])


class Ping(BaseModel):
    """The answer to a ping."""

    ping: str = "pong"


class Version(BaseModel):
    """Which program answers."""

    name: str = "bt-run"
    version: str = __version__


class Health(BaseModel):
    """How the desk is: its venue, how many browsers look at it, how many messages they were too slow for."""

    status: str
    venue: str
    note: str
    browsers: int
    dropped: int


class Page(BaseModel):
    """What the page needs to begin: CSRF token, venue, whether there is a journal, what to show first."""

    csrf: str
    venue: str
    note: str
    symbol: str
    interval: str
    has_journal: bool
    version: str = __version__


@router.get("/ping")
def ping() -> Ping:
    """Answer."""
    return Ping()


@router.get("/version")
def version() -> Version:
    """Tell name and version."""
    return Version()


@router.get("/health")
def health(request: Request) -> Health:
    """Tell how the desk is."""
    desk = request.app.state.desk
    dropped = sum(visitor.outgoing.dropped for visitor in desk.visitors)
    return Health(
        status="ok", venue=desk.venue.name, note=desk.note, browsers=len(desk.visitors), dropped=dropped
    )


@router.get("/page")
def page(request: Request) -> Page:
    """Tell the page what it needs to begin."""
    desk = request.app.state.desk
    session: Any = request.scope["state"]["session"]
    return Page(
        csrf=session.csrf if session is not None else "",
        venue=desk.venue.name,
        note=desk.note,
        symbol=desk.symbols[0] if desk.symbols else "BTCUSDT",
        interval=desk.interval,
        has_journal=bool(desk.journal),
    )
