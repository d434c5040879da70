"""
The door of the web desk, in front of everything: host, origin, session, CSRF token, size and rate.

- **Host** must be one of ours: no stranger's name that points to this machine is served (DNS rebinding).
- **Origin** of a WebSocket, and of what changes something, must be the page's own.
- A request needs the cookie of a session, or ``Authorization: Bearer TOKEN``. The token in the address begins a
  session and is taken out of it at once.
- What changes something needs the session's CSRF token in ``X-CSRF-Token``; a bearer needs none, for no browser
  sends that header by itself.

Source: OWASP Cheat Sheets "Cross-Site Request Forgery Prevention" and "HTML5 Security", read 2026-11.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from bt_run.web.access import COOKIE, CSRF_HEADER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from bt_run.web.access import Access, Session

    Scope = Mapping[str, Any]
    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["HEADERS", "OPEN_PATHS", "Guard"]

MOST_BYTES = 64 * 1024
"""A request's body may not be longer."""

OPEN_PATHS = frozenset({"/login", "/static/login.css", "/api/v1/signal"})
"""Asked for by who has no session: the login page, and signals, which bear a secret of their own."""

_POLICY = b"; ".join(
    (
        b"default-src 'none'",
        b"script-src 'self'",
        b"style-src 'self'",
        b"img-src 'self' data:",
        b"connect-src 'self'",
        b"form-action 'self'",
        b"base-uri 'none'",
        b"frame-ancestors 'none'",
    )
)

HEADERS = (
    (
        b"content-security-policy",
        _POLICY,
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    problem: str


class Guard:
    """
    An ASGI application around another.

    Args:
        app: What is guarded.
        access: Token and sessions.
        hosts: Values of the Host header that are ours, such as ``127.0.0.1:8765``.
    """

    def __init__(self, app: App, *, access: Access, hosts: Collection[str]) -> None:
        self._app = app
        self._access = access
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or socket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._judge(scope, headers)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal)
            return
        if scope["type"] == "http" and (cookie := self._enters(scope)):
            await _redirect(scope, send, cookie)
            return
        session = self._session(headers)
        if session is None and not self._is_bearer(headers) and scope["path"] not in OPEN_PATHS:
            await self._ask_in(scope, receive, send)
            return
        inner = {**scope, "state": {**scope.get("state", {}), "session": session}}
        if scope["type"] == "websocket":
            await self._app(inner, receive, send)
        else:
            await self._app(inner, _bounded(receive), _with_headers(send))

    # Decisions.

    def _judge(self, scope: Scope, headers: Mapping[str, str]) -> _Refusal | None:
        """Give the first reason to refuse, None where there is none."""
        client = (scope.get("client") or ("", 0))[0]
        length = headers.get("content-length", "0")
        if headers.get("host", "").lower() not in self._hosts:
            return _Refusal(421, "This server does not answer to that name.")
        if not self._access.requests.allow(client):
            return _Refusal(429, "Too many requests. Wait some seconds.")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return _Refusal(413, f"The request is longer than {MOST_BYTES // 1024} KiB.")
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return None
        return self._judge_change(scope, headers)

    def _judge_change(self, scope: Scope, headers: Mapping[str, str]) -> _Refusal | None:
        """Look at a socket, and at what changes something: they come from our own page or a bearer."""
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        is_bearer = self._is_bearer(headers)
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return _Refusal(403, "This request comes from another page.")
        if scope["type"] == "websocket":
            is_named = origin is not None or is_bearer
            return None if is_named else _Refusal(403, "A socket must say which page it belongs to.")
        session = self._session(headers)
        if is_bearer or session is None or scope["path"] in OPEN_PATHS or _has_csrf(session, headers):
            return None
        return _Refusal(403, "The CSRF token is missing or wrong. Load the page again.")

    def _session(self, headers: Mapping[str, str]) -> Session | None:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return None
        return self._access.find(cookie.value) if cookie else None

    def _is_bearer(self, headers: Mapping[str, str]) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and self._access.is_token(token.strip())

    def _enters(self, scope: Scope) -> str:
        """Begin a session where the address has the token; gives the cookie, empty where it has not."""
        given = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))).get("token")
        if scope["method"] != "GET" or given is None or not self._access.is_token(given):
            return ""
        return self._access.begin()[0]

    async def _ask_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        wants_page = scope["type"] == "http" and not scope["path"].startswith(("/api/", "/static/"))
        if wants_page and self._access.has_password:
            await _respond(send, 303, b"", [(b"location", b"/login")])
            return
        words = "Open the address that bt-run web printed; it has the token that lets you in."
        await _refuse(scope, receive, send, _Refusal(401, words))


def _has_csrf(session: Session, headers: Mapping[str, str]) -> bool:
    return compare_digest(headers.get(CSRF_HEADER, "").encode(), session.csrf.encode())


def cookie_header(value: str) -> bytes:
    """Write the cookie of a session: not for scripts, not for other sites, for a week."""
    return f"{COOKIE}={value}; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict".encode()


async def _redirect(scope: Scope, send: Send, cookie: str) -> None:
    """Send the browser to the same address without the token, so that it stays in no history."""
    query = [
        (name, value)
        for name, value in parse_qsl(scope.get("query_string", b"").decode("latin-1"))
        if name != "token"
    ]
    where = scope["path"] + (f"?{urlencode(query)}" if query else "")
    where = "/" + where.lstrip("/\\")  # never to another host
    await _respond(send, 303, b"", [(b"location", where.encode()), (b"set-cookie", cookie_header(cookie))])


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: _Refusal) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": refusal.problem})
        return
    body = json.dumps({"detail": refusal.problem}).encode()
    await _respond(send, refusal.status, body, [(b"content-type", b"application/json")])


async def _respond(send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    every = [*headers, *HEADERS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": every})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send) -> Send:
    async def inner(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            given = {name.lower() for name, _ in message.get("headers", [])}
            more = [(name, value) for name, value in HEADERS if name not in given]
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return inner


def _bounded(receive: Receive) -> Receive:
    """Cut off a body that is longer than it may be, whatever its header says."""
    taken = 0

    async def inner() -> dict[str, Any]:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > MOST_BYTES:
            return {"type": "http.disconnect"}
        return message

    return inner
