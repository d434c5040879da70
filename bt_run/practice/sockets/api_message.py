"""Requests and answers of the WebSocket API as text. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ApiRequest", "BadMessage", "answer_text", "error_body", "read_request"]

RequestId = int | str | None

_ID_FORM = "^[a-zA-Z0-9-_]{1,36}$"
_MISSING = object()


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request; numbers with a point in `params` are text as they were sent, for the signature's sake."""

    id: RequestId
    method: str
    params: Mapping[str, Any]


class BadMessage(Exception):
    """A message that is no request; `id` is the request's where it could be read, else None."""

    def __init__(self, reason: str, number: RequestId = None) -> None:
        super().__init__(reason)
        self.id = number
        self.refusal = Refusal(-1135, reason)


def read_request(text: str) -> ApiRequest:
    """
    Read a request.

    Raises:
        BadMessage: -1135, in the words that clients have published; those about JSON and `method` are ours.
    """
    try:
        message = json.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        raise BadMessage("Invalid JSON Request") from None
    if not isinstance(message, dict):
        raise BadMessage("Invalid JSON Request")
    number = _read_id(message.get("id", _MISSING))
    method, params = message.get("method"), message.get("params", {})
    if not isinstance(method, str):
        raise BadMessage("Invalid 'method' in JSON request; expected a string.", number)
    if not isinstance(params, dict):
        raise BadMessage("Invalid 'params' in JSON request; expected an object.", number)
    return ApiRequest(number, method.removeprefix("v3/"), params)


def _read_id(value: Any) -> RequestId:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and re.fullmatch(r"[a-zA-Z0-9\-_]{1,36}", value):
        return value
    raise BadMessage(
        f"Invalid 'id' in JSON request; expected an integer, a string matching '{_ID_FORM}', or null."
    )


def error_body(refusal: Refusal, *, wall_ms: int) -> dict[str, Any]:
    """Give `error` of an answer; `retryAfter` is a moment in real ms here, not seconds as over REST."""
    body: dict[str, Any] = {"code": refusal.code, "msg": refusal.reason}
    if refusal.data is not None:
        body["data"] = refusal.data
    elif refusal.retry_after is not None:
        body["data"] = {"serverTime": wall_ms, "retryAfter": wall_ms + refusal.retry_after * 1000}
    return body


def answer_text(number: RequestId, status: int, body: Any, rate_limits: list[dict[str, Any]] | None) -> str:
    """Write an answer; below 300 `body` is the result, above it the error."""
    answer: dict[str, Any] = {"id": number, "status": status, "result" if status < 300 else "error": body}
    if rate_limits is not None:
        answer["rateLimits"] = rate_limits
    return json.dumps(answer, separators=(",", ":"), ensure_ascii=False)
