"""What a fault is: which requests, frames or moments it chooses, how often, how likely."""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from math import inf
from typing import TYPE_CHECKING, ClassVar

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from bt_run.practice.fault_points import FrameInfo, RequestInfo, Response
    from bt_run.practice.faults.stage import Stage

__all__ = ["Fault", "FrameFault", "Happening", "RequestFault", "Timed", "check_status"]

Timed = tuple[float, str]
"""After how many seconds a text is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    One fault, as data.

    Of what it chooses the first `skip` pass, then each is hit with `probability` (0 to 1, drawn from `seed`),
    until it was hit `count` times (None: without end) or `lasts_s` real seconds have passed since it was put
    on the board (None: until it is taken off).

    Raises:
        ConfigError: a number out of its range.
    """

    kind: ClassVar[str]
    """Its name on the control endpoint, in logs and in counts."""

    count: int | None = None
    lasts_s: float | None = None
    probability: float = 1.0
    skip: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        least: dict[str, float] = {"count": 1, "skip": 0}
        least |= {field.name: 0 for field in fields(self) if field.name.endswith("_s")}
        for name, bound in least.items():
            value = getattr(self, name)
            if value is not None and not bound <= value < inf:
                raise ConfigError(f"Fault {self.kind}: {name} is {value}; it must be {bound} or more.")
        if not 0 <= self.probability <= 1:
            raise ConfigError(f"Fault {self.kind}: probability is {self.probability}; give 0 to 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFault(Fault):
    """
    A fault of requests, of REST and of the WebSocket API.

    It chooses by `method`, the WebSocket API's name on both (a pattern: ``order.*``), by a part of the `path`,
    by `channel` (``rest``, ``ws-api``, "" for both) and by `symbol` ("" for all).

    `executed` tells when it acts: True after the exchange has done what was asked, and then on what was not
    refused only; False before, and the exchange does nothing of it unless `answer` gives None.
    """

    prepares: ClassVar[bool] = False
    """Whether `prepare` must be called before what it is about to hit is executed."""

    method: str = "order.place"
    path: str = ""
    channel: str = ""
    symbol: str = ""
    executed: bool = True

    def chooses(self, request: RequestInfo, stage: Stage) -> bool:
        """Tell whether it concerns a request."""
        return (
            request.channel != "handshake"
            and self.channel in ("", request.channel)
            and self.path in request.path
            and self.symbol in ("", request.params.get("symbol", ""))
            and fnmatchcase(request.method, self.method)
        )

    def prepare(self, request: RequestInfo, stage: Stage) -> None:
        """Set the stage for a request; nothing is awaited from here to its execution."""

    async def answer(self, request: RequestInfo, response: Response | None, stage: Stage) -> Response | None:
        """
        Give what is answered; None leaves it alone.

        `response` is the true answer where the request has been executed, None before that.
        """
        raise NotImplementedError


def check_status(fault: RequestFault, status: int, least: int = 400) -> None:
    """Raise ConfigError where an HTTP status is no error, or below `least`."""
    if not least <= status <= 599:
        raise ConfigError(f"Fault {fault.kind}: status is {status}; give {least} to 599.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFault(Fault):
    """
    A fault of frames: of market streams, and of the account's events.

    It chooses by `stream`, a pattern for the stream's or the event's name (``btcusdt@kline_*``,
    ``executionReport``), and by `family` (``spot``, ``futures``, ``user``, "" for all); of those every
    `every`-th.
    """

    stream: str = "*"
    family: str = ""
    every: int = 1

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.every < 1:
            raise ConfigError(f"Fault {self.kind}: every is {self.every}; it must be 1 or more.")

    def chooses(self, frame: FrameInfo) -> bool:
        """Tell whether it concerns a frame."""
        return self.family in ("", frame.family) and fnmatchcase(frame.name, self.stream)

    def change(self, frames: Sequence[Timed], stage: Stage) -> Sequence[Timed]:
        """Give what is sent instead of these frames."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening(Fault):
    """
    A fault that happens by itself: at once, or with `every_s` again and again.

    The pauses are drawn between half of `every_s` (real seconds) and one and a half times as much; the first
    comes before the first time.
    """

    every_s: float | None = None

    def __post_init__(self) -> None:
        Fault.__post_init__(self)
        if self.every_s is not None and not self.every_s > 0:
            raise ConfigError(f"Fault {self.kind}: every_s is {self.every_s}; it must be above 0.")

    def happen(self, stage: Stage) -> tuple[str, Awaitable[None] | None]:
        """Do it; gives in words what happened, and what of it takes its time."""
        raise NotImplementedError
