"""
Turn Binance's refusals and broken connections into our errors, split by what to do next. Pure.

==================================================  ===============  ==================
what came                                           error            then
==================================================  ===============  ==================
no connection, a reset, a time-out                  Disconnected     ask again
HTTP 5xx, an answer that is cut short               Disconnected     ask again
codes of `TRANSIENT_CODES`, whatever the status     Disconnected     ask again
HTTP 429                                            RateLimited      wait, ask again
HTTP 418                                            Banned           stop
anything else (400, 401, 403, 404, 451 ...)         Rejected         stop
==================================================  ===============  ==================

To ask again is safe for market data only: an order whose answer is lost may have been carried out.
Source: binance-spot-api-docs, errors.md and rest-api.md, read 2026-07-21.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import Banned, Disconnected, RateLimited, Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.errors import ExchangeError

__all__ = [
    "TRANSIENT_CODES",
    "ban_end",
    "connection_error",
    "describe_body",
    "read_body",
    "refusal",
    "retry_after_s",
]

TRANSIENT_CODES = frozenset({-1000, -1001, -1006, -1007, -1008, -1016})
"""Unknown error, disconnected, unexpected answer, time-out, overloaded, shutting down."""

_DEFAULT_WAIT_S = 60.0
_BAN_S = 120.0
_AGAIN = "The same command goes on from here."
_HINTS = {
    451: "Binance does not serve this place; --venue data asks the host for market data only.",
    403: "A firewall stands in between; wait some minutes, then ask less at once.",
    404: "Check the address of the venue.",
}
_SHOWN = 160


def refusal(what: str, *, status: int, headers: Mapping[str, str], body: str, now_ms: int) -> ExchangeError:
    """
    Make the error of an answer that is not 2xx.

    Args:
        what: What was asked for, as the message shall begin.
        status: HTTP status.
        headers: Of the answer; Retry-After (seconds) counts.
        body: JSON ``{"code":-1121,"msg":"Invalid symbol."}``, or a web page.
        now_ms: Our time, ms since 1970; the end of a ban is counted from it where the body does not tell.
    """
    code, reason = read_body(body)
    if status == 418:
        return Banned(what, until_ms=ban_end(headers, reason, now_ms))
    if status == 429:
        return RateLimited(what, wait_s=retry_after_s(headers) or _DEFAULT_WAIT_S)
    if status >= 500 or code in TRANSIENT_CODES:
        said = f"the exchange answered HTTP {status}" + (f" (code {code})" if code is not None else "")
        return Disconnected(what, reason=f"{said}: {reason}", hint=_AGAIN)
    return Rejected(what, status=status, code=code, reason=reason, hint=_HINTS.get(status, ""))


def connection_error(what: str, error: Exception, *, url: str) -> Disconnected:
    """Make the error of a connection that failed, with the reason out of the library's many words."""
    text = str(error)
    kind = type(error).__name__
    if "Timeout" in kind or "timed out" in text:
        reason = f"{url} did not answer in time"
    elif "NameResolution" in text or "name resolution" in text or "not known" in text:
        reason = f"the name in {url} could not be resolved"
    elif "CERTIFICATE" in text:
        reason = f"the certificate of {url} could not be verified"
    elif "refused" in text:
        reason = f"{url} refused the connection"
    elif "Proxy" in kind:
        reason = "the proxy of the environment (HTTPS_PROXY) could not be used"
    else:
        reason = f"the connection to {url} broke off"
    return Disconnected(what, reason=reason, hint=f"Check the network. {_AGAIN}")


def describe_body(body: str) -> str:
    """Give a body's reason in a few words: Binance's ``msg``, a page's title, or how the text begins."""
    return read_body(body)[1]


def read_body(body: str) -> tuple[int | None, str]:
    """Give Binance's code, None where the body holds none, and the reason as `describe_body` does."""
    try:
        decoded: Any = json.loads(body)
    except ValueError:
        decoded = None
    if isinstance(decoded, dict) and isinstance(decoded.get("code"), int):
        return decoded["code"], str(decoded.get("msg") or "no reason given")
    title = re.search(r"<title>(.*?)</title>", body, re.IGNORECASE | re.DOTALL)
    if title is not None:
        return None, f"a web page, {html.unescape(' '.join(title[1].split()))!r}"[:_SHOWN]
    text = " ".join(re.sub(r"<[^>]*>", " ", body[:4000]).split())
    return None, text[:_SHOWN] or "an empty answer"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Give how many seconds the exchange asks to wait; None where it does not say."""
    given = headers.get("Retry-After", "")
    return float(given) if re.fullmatch(r"\d+(\.\d+)?", given.strip()) else None


def ban_end(headers: Mapping[str, str], reason: str, now_ms: int) -> int:
    """Give when a ban ends, ms since 1970 UTC; the text of the refusal tells it best."""
    told = re.search(r"until (\d{13})", reason)
    if told is not None:
        return int(told[1])
    return now_ms + round((retry_after_s(headers) or _BAN_S) * 1000)
