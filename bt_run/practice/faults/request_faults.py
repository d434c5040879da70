"""Faults of requests and handshakes: wrong answers, late answers, none."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from bt_run.core.errors import ConfigError
from bt_run.practice.fault_points import RequestInfo, Response
from bt_run.practice.faults.fault import RequestFault, check_status
from bt_run.practice.identity import NAME

if TYPE_CHECKING:
    from bt_run.practice.faults.stage import Stage

__all__ = [
    "BadTimestamp",
    "IpBan",
    "LateAnswer",
    "LostAnswer",
    "RefuseHandshake",
    "RefuseRequest",
    "ServerError",
    "TooManyRequests",
    "UnknownOutcome",
]

_HTML = "text/html"
_WORDS = {
    403: "403 Forbidden",
    404: "404 Not found",
    500: "500 Internal Server Error",
    502: "502 Bad Gateway",
    503: "503 Service Unavailable",
    504: "504 Gateway Time-out",
}


def _page(status: int) -> Response:
    title = _WORDS.get(status, f"{status} Error")
    page = f"<html><head><title>{NAME}</title></head><body><h1>{title}</h1></body></html>"
    return Response(status, page, content_type=_HTML)


def _error(status: int, code: int, words: str, **headers: str) -> Response:
    return Response(status, {"code": code, "msg": words}, headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerError(RequestFault):
    """The answer is an HTTP 5xx with a page of HTML; by default after executing."""

    kind: ClassVar[str] = "server_error"

    status: int = 504

    def __post_init__(self) -> None:
        RequestFault.__post_init__(self)
        check_status(self, self.status, 500)

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Answer with the page."""
        return _page(self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownOutcome(RequestFault):
    """The answer is -1007: "Send status unknown; execution status unknown.", after executing or without."""

    kind: ClassVar[str] = "unknown_outcome"

    status: int = 408

    def __post_init__(self) -> None:
        RequestFault.__post_init__(self)
        check_status(self, self.status)

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Answer -1007."""
        words = (
            "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
        )
        return _error(self.status, -1007, words)


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAnswer(RequestFault):
    """
    The answer comes `delay_s` real seconds late.

    With `executed` False the request waits first and is judged after that: a signed one whose recvWindow has
    passed by then is refused (-1021).
    """

    kind: ClassVar[str] = "late_answer"

    delay_s: float = 12.0

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Wait."""
        await asyncio.sleep(self.delay_s)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostAnswer(RequestFault):
    """The connection is cut instead of an answer, after executing or without."""

    kind: ClassVar[str] = "lost_answer"

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Cut the connection."""
        return Response(500, "", drop=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRequest(RequestFault):
    """Any refusal of Binance's: HTTP `status`, `code` and `message`."""

    kind: ClassVar[str] = "refuse_request"

    executed: bool = False
    status: int = 400
    code: int = -2010
    message: str = "Account has insufficient balance for requested action."

    def __post_init__(self) -> None:
        RequestFault.__post_init__(self)
        check_status(self, self.status)

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Refuse."""
        return _error(self.status, self.code, self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadTimestamp(RequestFault):
    """The clocks differ: -1021, by default because the client's is ahead."""

    kind: ClassVar[str] = "bad_timestamp"

    executed: bool = False
    ahead: bool = True

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Refuse with -1021."""
        if self.ahead:
            words = "Timestamp for this request was 1000ms ahead of the server's time."
        else:
            words = "Timestamp for this request is outside of the recvWindow."
        return _error(400, -1021, words)


def _too_many(request: RequestInfo, status: int, words: str, wait_s: int) -> Response:
    told: dict[str, Any] = {"code": -1003, "msg": words}
    if request.channel == "ws-api":
        now = time.time_ns() // 1_000_000
        told["data"] = {"serverTime": now, "retryAfter": now + 1000 * wait_s}
    return Response(status, told, {"Retry-After": str(wait_s)})


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyRequests(RequestFault):
    """HTTP 429 with `Retry-After: retry_after_s`, on every request."""

    kind: ClassVar[str] = "too_many_requests"

    method: str = "*"
    executed: bool = False
    retry_after_s: int = 1

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Refuse with 429."""
        words = (
            "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
        return _too_many(request, 429, words, self.retry_after_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class IpBan(RequestFault):
    """HTTP 418 with `Retry-After: retry_after_s`, on every request."""

    kind: ClassVar[str] = "ip_ban"

    method: str = "*"
    executed: bool = False
    retry_after_s: int = 120

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Refuse with 418."""
        until = time.time_ns() // 1_000_000 + 1000 * self.retry_after_s
        words = (
            f"Way too much request weight used; IP banned until {until}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
        return _too_many(request, 418, words, self.retry_after_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseHandshake(RequestFault):
    """
    A WebSocket is not opened: HTTP `status` 403 (firewall), 418, 429 or 503.

    `path` chooses by a part of the path: ``/ws-api``, ``/stream``.
    """

    kind: ClassVar[str] = "refuse_handshake"

    method: str = "*"
    executed: bool = False
    status: int = 503
    retry_after_s: int = 1

    def __post_init__(self) -> None:
        RequestFault.__post_init__(self)
        check_status(self, self.status)
        if self.executed:
            raise ConfigError("Fault refuse_handshake: a handshake cannot be refused after it was executed.")

    def chooses(self, request: RequestInfo, stage: Stage) -> bool:
        """Choose handshakes by their path."""
        return request.channel == "handshake" and self.path in request.path

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """Refuse the handshake."""
        if self.status in (418, 429):
            words = f"Way too many requests; retry after {self.retry_after_s} seconds."
            return _too_many(request, self.status, words, self.retry_after_s)
        return _page(self.status)
