"""
How a stream stays alive: what passes and what does not, how long to wait, when to change. Pure.

==============================================  ===============  =========================
what came                                       error            then
==============================================  ===============  =========================
no network, a reset, a time-out, garbage        Disconnected     connect again, later
HTTP 5xx; 2xx or 3xx of somebody in between     Disconnected     connect again, later
the exchange or a dead line closed it           Disconnected     connect again
HTTP 429                                        RateLimited      wait as told, then again
HTTP 418                                        Banned           stop
anything else (400, 403, 404, 451 ...)          Rejected         stop
==============================================  ===============  =========================

Any other exception is a bug of ours and must not lead to another attempt.
Source: web-socket-streams.md, read 2026-07-21: a connection lives 24 hours at most; 300 attempts in
5 minutes and address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from bt_run.core.binance_errors import connection_error, refusal
from bt_run.core.errors import ConfigError, Disconnected

if TYPE_CHECKING:
    from bt_run.core.errors import BtRunError

__all__ = ["StreamPolicy", "close_reason", "explain", "needs_proxy", "pause_s"]

_DAY_S = 86_400.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_MOST_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class StreamPolicy:
    """
    The times of a stream, all in seconds and > 0.

    `floor_s` is the least time between two attempts to connect, `longest_s` the longest pause. A
    connection that lived `healthy_s` forgets the failures before it. `stale_s` without a frame means a dead
    connection. After `max_age_s` the next one is opened, before Binance cuts the old one at 24 hours; both
    are read for `overlap_s`. `open_s` bounds one attempt, `close_s` the wait for the other side's goodbye.
    """

    floor_s: float = 1.0
    longest_s: float = 60.0
    healthy_s: float = 60.0
    stale_s: float = 60.0
    max_age_s: float = _DAY_S - 900.0
    overlap_s: float = 10.0
    open_s: float = 10.0
    close_s: float = 2.0


def pause_s(policy: StreamPolicy, *, failures: int, since_attempt_s: float, jitter: float) -> float:
    """
    Tell how long to wait before the next attempt, in seconds >= 0.

    After a healthy connection there is no pause. After `failures` attempts in a row that failed, or whose
    connection did not live `healthy_s`, it doubles from the floor up to the longest. A server that accepts
    and drops is so asked ten times in five minutes.

    Args:
        policy: The times.
        failures: Attempts in a row that came to nothing, >= 0.
        since_attempt_s: How long ago the last attempt began; the floor holds from there.
        jitter: In [0, 1), from a random source; adds up to half of the pause.
    """
    rest_s = max(0.0, policy.floor_s - since_attempt_s)
    if failures == 0:
        return rest_s
    doubled = min(policy.longest_s, policy.floor_s * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
    return max(rest_s, doubled * (1.0 + jitter / 2.0))


def needs_proxy(url: str) -> bool:
    """Tell whether the proxy of the environment counts: not for this machine itself."""
    return urlsplit(url).hostname not in _LOOPBACK


def explain(error: Exception, *, url: str, now_ms: int, what: str = "The market stream") -> BtRunError | None:
    """
    Turn what an attempt to connect raised into one of our errors; see the table above.

    None where the exception is not on the list, and so must be raised as it is. `now_ms` is our time, from
    which the end of a ban is counted where the exchange does not tell it. `what` begins the message.
    """
    what = f"{what} at {url}"
    if isinstance(error, InvalidStatus):
        return _refused(what, error, now_ms=now_ms)
    if isinstance(error, InvalidURI):
        return ConfigError(f"{url} is no address of a stream. Check the venue's URLs.")
    if isinstance(error, OSError) and not isinstance(error, ConnectionRefusedError):
        return connection_error(what, error, url=url)
    reason = _transient_reason(error)
    return None if reason is None else Disconnected(what, reason=reason, hint="Check the network.")


def close_reason(error: ConnectionClosed) -> str:
    """Say in a few words by whom a connection was closed, and why."""
    if error.rcvd is None and error.sent is None:
        return "the connection broke off"
    by_us = error.rcvd is None or (error.sent is not None and error.rcvd_then_sent is False)
    frame = error.sent if by_us else error.rcvd
    if frame is None:
        return "the connection broke off"
    if by_us and "keepalive" in frame.reason:
        return "the exchange did not answer a ping"
    said = f"{frame.code} {frame.reason}".strip()
    return f"closed by {'us' if by_us else 'the exchange'} ({said})"


def _transient_reason(error: Exception) -> str | None:
    if isinstance(error, ConnectionRefusedError):
        return "the other side refused the connection"
    if isinstance(error, ConnectionClosed):
        return close_reason(error)
    if isinstance(error, InvalidHandshake | EOFError):
        return f"the other side does not speak WebSocket ({error})"
    return None


def _refused(what: str, error: InvalidStatus, *, now_ms: int) -> BtRunError:
    response = error.response
    body = (response.body or b"").decode("utf-8", errors="replace")
    status = response.status_code
    if status < 400:
        return Disconnected(what, reason=f"somebody in between answered HTTP {status} with a page")
    return refusal(what, status=status, headers=response.headers, body=body, now_ms=now_ms)
