"""What a connection may do and how long it lives: Binance's limits, as data."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

__all__ = ["FUTURES", "SPOT", "WS_API", "Admission", "SocketPolicies", "SocketPolicy", "Window"]


@dataclass(frozen=True, slots=True)
class SocketPolicy:
    """
    The rules of one family of connections; all times are real seconds, whatever the exchange's speed.

    `ping_s` is the time from ping to ping, `pong_s` how long a ping may stay unanswered. `messages` counts
    pings, pongs and texts of the client within one second; 0 switches the limit off. `lifetime_s` ends the
    connection, announced `notice_s` before by serverShutdown (0: without a word). `queue` is how many frames
    may wait for a slow reader; one more ends the connection. `goodbye_s` is how long a client may take to
    answer our close.

    Source: web-socket-streams.md and web-socket-api.md of binance-spot-api-docs (read 2026-07-21); futures:
    the general page of the derivatives documentation. The length of the queue is ours.
    """

    ping_s: float = 20.0
    pong_s: float = 60.0
    messages: int = 5
    streams: int = 1024
    lifetime_s: float = 86_400.0
    notice_s: float = 0.0
    queue: int = 4000
    goodbye_s: float = 1.0


SPOT = SocketPolicy()
"""Spot market streams."""

FUTURES = SocketPolicy(ping_s=180.0, pong_s=600.0, messages=10)
"""USD-M futures market streams."""

WS_API = SocketPolicy(messages=0)
"""The WebSocket API, whose requests are limited by their weights."""


@dataclass(frozen=True, slots=True)
class SocketPolicies:
    """
    The rules of all families, and of connecting.

    One address may try to connect `attempts` times within `attempts_s` real seconds; 0 attempts switch that
    limit off. One kline stream sends `updates_per_s` updates per real second at most, besides closed bars.
    """

    spot: SocketPolicy = SPOT
    futures: SocketPolicy = FUTURES
    api: SocketPolicy = WS_API
    attempts: int = 300
    attempts_s: float = 300.0
    updates_per_s: float = 4.0


@dataclass(slots=True)
class Window:
    """Counts what happened within the last `seconds`; `limit` 0 counts nothing."""

    limit: int
    seconds: float
    _times: deque[float] = field(default_factory=deque)

    def admit(self, now: float) -> bool:
        """Count one more at `now` (s); False when that is over the limit."""
        if not self.limit:
            return True
        while self._times and self._times[0] <= now - self.seconds:
            self._times.popleft()
        self._times.append(now)
        if len(self._times) > self.limit + 1:
            self._times.popleft()  # what is over the limit need not be remembered one by one
        return len(self._times) <= self.limit


class Admission:
    """Counts attempts to connect by address."""

    def __init__(self, policies: SocketPolicies) -> None:
        self._policies = policies
        self._windows: dict[str, Window] = {}

    def admit(self, address: str, now: float) -> bool:
        """Count an attempt of an address at `now` (real seconds); False when it must be refused."""
        window = self._windows.get(address)
        if window is None:
            window = self._windows[address] = Window(self._policies.attempts, self._policies.attempts_s)
        return window.admit(now)
