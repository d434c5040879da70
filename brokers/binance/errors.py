"""
What a failed request means. Pure.

Decided by Binance's code first, then by the class of the HTTP status. For requests that place or cancel:

=====================================================  =========  ==============================================
what came                                              verdict    then
=====================================================  =========  ==============================================
the connection could not be opened                     UNSENT     nothing was sent: refused
no answer, a reset, a time-out after sending           UNKNOWN    never send again; ask by client order id
-1000 -1001 -1006 -1007 -1008, whatever the status     UNKNOWN    the same
HTTP 5xx, 3xx or 408 without a code that says more     UNKNOWN    the same
HTTP 2xx that is no JSON, or not this order's answer   UNKNOWN    the same
-2010 "Duplicate order sent."                          UNKNOWN    an order of this id is open: ask for it
-1021                                                  CLOCK      never executed: set the clock, send once more
HTTP 429, HTTP 418, -1003, -1034                       LIMITED    refused; nothing leaves before Retry-After
-1015                                                  ORDERS     refused; no new order before Retry-After
HTTP 403 without a code                                FIREWALL   refused; nothing leaves for a minute
-1002 -1022 -2014 -2015, HTTP 401                      KEY        refused; with this key nothing will work
-2013 -2026                                            MISSING    the exchange does not know the order
anything else                                          REFUSED    refused
=====================================================  =========  ==============================================

Source: binance-spot-api-docs, errors.md and rest-api.md, read 2026-07-21.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from brokers.order_events import CancelRefused, Rejected, TimedOut
from bt_run.core import errors

if TYPE_CHECKING:
    from brokers.order_events import Event

__all__ = [
    "FIREWALL_PAUSE_S",
    "KEY_CODES",
    "MISSING_CODES",
    "Failure",
    "RequestFailed",
    "Verdict",
    "failed_cancel",
    "failed_order",
    "judge",
    "to_error",
]

FIREWALL_PAUSE_S = 60.0
"""How long nothing is asked after HTTP 403: the firewall's own window is not documented."""

MISSING_CODES = frozenset({-2013, -2026})
_UNKNOWN_CODES = frozenset({-1000, -1001, -1006, -1007, -1008})
_LIMIT_CODES = frozenset({-1003, -1034})
KEY_CODES = frozenset({-1002, -1022, -2014, -2015})
_CLOCK = -1021
_ORDERS = -1015
_ENGINE = -2010
_DUPLICATE = "Duplicate order"
_NOT_EXECUTED = frozenset({-1013, -1014, -1015, -1016, -1020, *range(-2039, -2009), *range(-1199, -1099)})
"""Codes that say so even where a server's error (5xx) carries them."""


class Verdict(Enum):
    """What a failure means; see the table above."""

    UNSENT = "it was not sent"
    UNKNOWN = "nobody knows whether it was executed"
    CLOCK = "the clocks differ"
    LIMITED = "too much was asked"
    ORDERS = "too many orders were placed"
    FIREWALL = "a firewall refused it"
    KEY = "the key is not accepted"
    MISSING = "the order is not known"
    REFUSED = "it was refused"


@dataclass(frozen=True, slots=True)
class Failure:
    """
    How a request failed.

    `kind`: ``unsent`` the connection was never open, ``silent`` no answer came, ``garbled`` one came that says
    nothing (2xx without sense, 3xx), ``refused`` an answer with an error, ``held`` we did not ask because a
    pause is on. `status` is HTTP's, `code` Binance's. `wait_s` is how long the exchange asks to wait;
    `until_ms` when a ban ends (ms since 1970 UTC).
    """

    kind: Literal["unsent", "silent", "garbled", "refused", "held"]
    reason: str
    status: int = 0
    code: int | None = None
    wait_s: float | None = None
    until_ms: int | None = None

    @property
    def words(self) -> str:
        """Say it in a few words, with the code."""
        where = f"HTTP {self.status}, " if self.status else ""
        code = f" ({where}code {self.code})" if self.code is not None else f" (HTTP {self.status})"
        return self.reason.rstrip(".") + (code if self.status or self.code is not None else "")


class RequestFailed(Exception):
    """A request failed; holds how."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.words)


def judge(failure: Failure) -> Verdict:
    """Tell what a failure means."""
    match failure.kind:
        case "refused":
            return _by_code(failure) or _by_status(failure)
        case "held":
            return Verdict.LIMITED
        case "unsent":
            return Verdict.UNSENT
        case _:
            return Verdict.UNKNOWN


def failed_order(failure: Failure) -> tuple[Event, ...]:
    """Give what follows for an order whose placing failed."""
    verdict = judge(failure)
    if verdict is Verdict.UNKNOWN:
        return (TimedOut(failure.words),)
    return (Rejected(failure.code, _refusal(verdict, failure)),)


def failed_cancel(failure: Failure) -> tuple[Event, ...]:
    """Give what follows for an order whose cancelling failed."""
    verdict = judge(failure)
    if verdict is Verdict.UNKNOWN:
        return (TimedOut(f"the cancel: {failure.words}"),)
    return (CancelRefused(_refusal(verdict, failure)),)


def to_error(failure: Failure, what: str, *, now_ms: int) -> errors.ExchangeError:
    """
    Make the error of a question that was not answered.

    Args:
        failure: How it failed.
        what: Begins the message.
        now_ms: Our time, ms since 1970 UTC, from which pauses are counted.
    """
    verdict = judge(failure)
    if verdict in (Verdict.UNSENT, Verdict.UNKNOWN):
        return errors.Disconnected(what, reason=failure.words)
    if failure.until_ms is not None or failure.status == 418:
        until = failure.until_ms or now_ms + round((failure.wait_s or 120.0) * 1000)
        return errors.Banned(what, until_ms=until)
    if verdict in (Verdict.LIMITED, Verdict.ORDERS):
        return errors.RateLimited(what, wait_s=failure.wait_s or 60.0)
    return errors.Rejected(
        what, status=failure.status, code=failure.code, reason=failure.reason, hint=_HINTS.get(verdict, "")
    )


_HINTS = {
    Verdict.CLOCK: "The clock of this machine does not run evenly; let NTP set it.",
    Verdict.KEY: "Check that the key belongs to this venue, may trade, and is allowed from this address.",
    Verdict.FIREWALL: "A firewall stands in between; wait some minutes, then ask less at once.",
}


def _by_code(failure: Failure) -> Verdict | None:
    """Judge by Binance's code; None where it says nothing."""
    code = failure.code
    duplicate = code == _ENGINE and failure.reason.startswith(_DUPLICATE)
    rows = (
        (code in _UNKNOWN_CODES or duplicate, Verdict.UNKNOWN),
        (code == _CLOCK, Verdict.CLOCK),
        (code in _LIMIT_CODES, Verdict.LIMITED),
        (code == _ORDERS, Verdict.ORDERS),
        (code in KEY_CODES, Verdict.KEY),
        (code in MISSING_CODES, Verdict.MISSING),
        (code in _NOT_EXECUTED, Verdict.REFUSED),
    )
    return next((verdict for holds, verdict in rows if holds), None)


def _by_status(failure: Failure) -> Verdict:
    """Judge by the class of the HTTP status."""
    status = failure.status
    rows = (
        (status in (418, 429), Verdict.LIMITED),
        (status == 401, Verdict.KEY),
        (status >= 500 or status == 408, Verdict.UNKNOWN),
        (status == 403 and failure.code is None, Verdict.FIREWALL),
    )
    return next((verdict for holds, verdict in rows if holds), Verdict.REFUSED)


def _refusal(verdict: Verdict, failure: Failure) -> str:
    if failure.kind == "held":
        return f"not sent: {failure.reason}"
    if verdict is Verdict.UNSENT:
        return f"not sent: {failure.words}"
    hint = _HINTS.get(verdict)
    return f"{failure.words}. {hint}" if hint else failure.words
