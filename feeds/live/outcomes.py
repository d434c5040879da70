"""What the sequence of live bars answers, as frozen plain data. Times are ms since 1970 UTC, the exchange's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = [
    "Absence",
    "Ask",
    "Correction",
    "Delivery",
    "End",
    "Failure",
    "Forming",
    "Notice",
    "Outcome",
    "Phase",
    "Row",
    "Rules",
    "Turn",
]

Row = tuple[float, ...]
"""One bar in the order of `bt_run.core.market.BAR_COLUMNS`; its open time, the first, is an int."""


@dataclass(frozen=True, slots=True)
class Rules:
    """
    The times of a live feed, all in ms and > 0 but for `settle_ms`, which is >= 0.

    A bar whose final frame has not come `grace_ms` after its end is asked for over REST. No bar that REST gives
    earlier than `settle_ms` after its end is trusted; 0 where REST has each bar as soon as it has closed. A bar
    older than `late_ms` when it is delivered is late. REST is asked again after `again_ms`, then twice that, up
    to `longest_ms`. Bars that REST has left out between others in `hole_asks` answers in a row do not exist.
    """

    grace_ms: int = 2_000
    settle_ms: int = 2_000
    late_ms: int = 15_000
    again_ms: int = 1_000
    longest_ms: int = 30_000
    hole_asks: int = 4


class Phase(Enum):
    """How far a live feed is. In each of them closed bars may be delivered."""

    WARMUP = "warming up"
    BEHIND = "catching up"
    LIVE = "live"
    OFFLINE = "disconnected"


@dataclass(frozen=True, slots=True)
class Ask:
    """REST is wanted for the closed bars with start <= open time <= end."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    Closed bars to deliver, oldest first, at least one; each bar is in exactly one delivery.

    `live` only where it is a single bar that has just closed. `repaired` counts those that the stream should
    have brought and REST did.
    """

    rows: tuple[Row, ...]
    live: bool
    repaired: int = 0


@dataclass(frozen=True, slots=True)
class Forming:
    """The state of the bar that follows the last delivered one and is still open."""

    row: Row
    event_ms: int


@dataclass(frozen=True, slots=True)
class Turn:
    """The feed has come into another phase."""

    phase: Phase
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """The exchange has no bars with first <= open time < end, as in maintenance; the next bar follows them."""

    first: int
    end: int
    missed: int


@dataclass(frozen=True, slots=True)
class Correction:
    """The exchange now tells a bar otherwise than it was delivered; it is not delivered again."""

    delivered: Row
    told: Row


@dataclass(frozen=True, slots=True, eq=False)
class Failure:
    """Another attempt cannot mend this, or it is a bug: the error is raised where the bars are taken."""

    error: Exception


@dataclass(frozen=True, slots=True)
class End:
    """Somebody wants no more bars."""


Outcome = Ask | Delivery | Forming | Turn | Absence | Correction
Notice = Turn | Absence | Correction
