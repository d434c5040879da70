"""The way in for other machines: a page that asks for the password."""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from fastapi import Request  # noqa: TC002  # FastAPI reads it at run time
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response

from bt_run.web.access import COOKIE
from bt_run.web.guard import cookie_header

if TYPE_CHECKING:
    from bt_run.web.access import Access

__all__ = ["login", "login_page", "logout"]

_SEE_OTHER = 303


def login_page() -> FileResponse:
    """Give the page."""
    return FileResponse(str(resources.files("bt_run.web") / "static" / "login.html"))


async def login(request: Request) -> Response:
    """Let in who knows the password; five tries a minute from one address."""
    access: Access = request.app.state.desk.access
    client = request.client.host if request.client else ""
    if not access.logins.allow(client):
        return JSONResponse({"detail": "Too many tries. Wait a minute."}, status_code=429)
    given = parse_qs((await request.body()).decode("utf-8", "replace")).get("password", [""])[0]
    if not await asyncio.to_thread(access.is_password, given):
        return RedirectResponse("/login?wrong", status_code=_SEE_OTHER)
    answer = RedirectResponse("/", status_code=_SEE_OTHER)
    answer.raw_headers.append((b"set-cookie", cookie_header(access.begin()[0])))
    return answer


def logout(request: Request) -> Response:
    """End the session of this browser."""
    access: Access = request.app.state.desk.access
    access.end(request.cookies.get(COOKIE, ""))
    return JSONResponse({"detail": "You are out."})
