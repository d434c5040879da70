"""Faults of frames and of open connections: lost, late, twice, out of order, silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bt_run.practice.faults.fault import Fault, FrameFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.practice.fault_points import FrameInfo
    from bt_run.practice.faults.fault import Timed
    from bt_run.practice.faults.stage import Stage

__all__ = [
    "CutAtFrame",
    "DelayFrames",
    "DuplicateFrames",
    "DuplicateReport",
    "LoseFrames",
    "ReorderBalances",
    "ReorderFrames",
    "Silence",
    "WithholdClose",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DelayFrames(FrameFault):
    """Frames come `delay_s` real seconds late, in their order."""

    kind: ClassVar[str] = "delay_frames"

    delay_s: float = 1.0

    def change(self, frames: Sequence[Timed], stage: Stage) -> Sequence[Timed]:
        """Add the delay."""
        return [(delay + self.delay_s, text) for delay, text in frames]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReorderFrames(FrameFault):
    """Every second frame is held back for `delay_s` real seconds: those behind overtake it."""

    kind: ClassVar[str] = "reorder_frames"

    every: int = 2
    delay_s: float = 0.3

    def change(self, frames: Sequence[Timed], stage: Stage) -> Sequence[Timed]:
        """Hold back."""
        return [(delay + self.delay_s, text) for delay, text in frames]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReorderBalances(ReorderFrames):
    """The account's balances come out of order."""

    kind: ClassVar[str] = "reorder_balances"

    stream: str = "outboundAccountPosition"
    family: str = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFrames(FrameFault):
    """Frames come twice, the second `delay_s` real seconds after the first."""

    kind: ClassVar[str] = "duplicate_frames"

    delay_s: float = 0.0

    def change(self, frames: Sequence[Timed], stage: Stage) -> Sequence[Timed]:
        """Add the copies."""
        return [*frames, *((delay + self.delay_s, text) for delay, text in frames)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateReport(DuplicateFrames):
    """Execution reports come twice."""

    kind: ClassVar[str] = "duplicate_report"

    stream: str = "executionReport"
    family: str = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseFrames(FrameFault):
    """Frames do not come at all."""

    kind: ClassVar[str] = "lose_frames"

    def change(self, frames: Sequence[Timed], stage: Stage) -> Sequence[Timed]:
        """Send nothing."""
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class WithholdClose(LoseFrames):
    """The frame that says that a bar is final (``x:true``) does not come."""

    kind: ClassVar[str] = "withhold_close"

    stream: str = "*@kline_*"

    def chooses(self, frame: FrameInfo) -> bool:
        """Choose the last frame of each bar."""
        return frame.closes_bar and FrameFault.chooses(self, frame)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutAtFrame(LoseFrames):
    """
    When a frame would go out, the connections are cut instead, and it is lost: a fill that nobody hears of.

    `path` chooses the connections by a part of path and query; "" are all that are open.
    """

    kind: ClassVar[str] = "cut_at_frame"

    stream: str = "executionReport"
    path: str = ""

    def change(self, frames: Sequence[Timed], stage: Stage) -> Sequence[Timed]:
        """Cut."""
        stage.drop(1006, "", self.path)
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence(Fault):
    """
    Connections stay open and get no frame; pings and answers still come.

    `path` chooses them by a part of path and query; "" are all.
    """

    kind: ClassVar[str] = "silence"

    path: str = ""
