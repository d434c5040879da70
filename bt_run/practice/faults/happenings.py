"""Faults that happen by themselves: sockets that drop, shutdowns, the monthly reset, maintenance, restarts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError
from bt_run.practice.faults.fault import Happening

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from bt_run.practice.faults.stage import Stage

__all__ = [
    "DropSockets",
    "EndUserStreams",
    "Maintenance",
    "RefuseConnections",
    "Restart",
    "ServerShutdown",
    "Wipe",
]

_MAX_REASON = 123
"""Bytes in a close frame beside the code (RFC 6455, 5.5)."""

Happened = tuple[str, "Awaitable[None] | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropSockets(Happening):
    """
    Open WebSockets end: with the close `code` and `reason`, or with 1006 without a word.

    `path` chooses them by a part of path and query: ``/ws-api``, ``kline``; "" are all.
    """

    kind: ClassVar[str] = "drop_sockets"

    code: int = 1006
    reason: str = ""
    path: str = ""

    def __post_init__(self) -> None:
        Happening.__post_init__(self)
        if not (1000 <= self.code <= 1014 or 3000 <= self.code <= 4999):
            raise ConfigError(f"Fault {self.kind}: code is {self.code}; give 1000 to 1014 or 3000 to 4999.")
        size = len(self.reason.encode())
        if size > _MAX_REASON:
            raise ConfigError(
                f"Fault {self.kind}: the reason has {size} bytes; at most {_MAX_REASON} can be sent."
            )

    def happen(self, stage: Stage) -> Happened:
        """Drop them."""
        return f"{stage.drop(self.code, self.reason, self.path)} connections dropped with {self.code}", None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerShutdown(Happening):
    """All connections get `serverShutdown`; they are closed (1001) `then_s` real seconds later, None: never."""

    kind: ClassVar[str] = "server_shutdown"

    then_s: float | None = 10.0

    def happen(self, stage: Stage) -> Happened:
        """Announce it."""
        told = f"{stage.announce_shutdown()} connections told"
        return told, None if self.then_s is None else stage.close_after(self.then_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndUserStreams(Happening):
    """All subscriptions to the account's events end with `eventStreamTerminated`; connections stay open."""

    kind: ClassVar[str] = "end_user_streams"

    def happen(self, stage: Stage) -> Happened:
        """End them."""
        return f"{stage.end_user_streams()} subscriptions ended", None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wipe(Happening):
    """All orders are gone and the balances are those of the start: the testnet's monthly reset. Keys stay."""

    kind: ClassVar[str] = "wipe"

    def happen(self, stage: Stage) -> Happened:
        """Wipe."""
        stage.exchange.trading.wipe()
        return "orders gone, balances reset", None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance(Happening):
    """
    The market is closed for `bars` bars of the first symbol's data, from the end of the running bar on.

    The data lose the bars of all symbols in that time: there is a gap, as Binance's own data have them.
    Orders and cancellations are refused meanwhile ("Market is closed."), unless `refuses` is False.
    """

    kind: ClassVar[str] = "maintenance"

    bars: int = 3
    refuses: bool = True

    def __post_init__(self) -> None:
        Happening.__post_init__(self)
        if self.bars < 1:
            raise ConfigError(f"Fault {self.kind}: bars is {self.bars}; it must be 1 or more.")

    def happen(self, stage: Stage) -> Happened:
        """Take the bars away."""
        begin, end, lost = stage.close_market(self.bars, refuses=self.refuses)
        return f"{lost} bars lost from {iso_utc(begin)} to before {iso_utc(end)}", None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseConnections(Happening):
    """For `down_s` real seconds nobody listens on the port; connections that are open stay."""

    kind: ClassVar[str] = "refuse_connections"

    down_s: float = 5.0

    def happen(self, stage: Stage) -> Happened:
        """Stop listening."""
        return f"no new connection for {self.down_s:g} s", stage.refuse_connections(self.down_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart(Happening):
    """
    The server restarts: every connection is cut, and for `down_s` real seconds nobody listens.

    Orders, balances and the market stay as they are; the clock stands still meanwhile.
    """

    kind: ClassVar[str] = "restart"

    down_s: float = 3.0

    def happen(self, stage: Stage) -> Happened:
        """Restart."""
        return f"down for {self.down_s:g} s", stage.restart(self.down_s)
