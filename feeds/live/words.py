"""Say in a line for people what a live feed noticed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.core.clock import iso_utc
from feeds.live.outcomes import Absence, Turn

if TYPE_CHECKING:
    from feeds.live.outcomes import Notice

__all__ = ["say"]


def say(notice: Notice) -> str:
    """Write a change of phase, a hole or a correction as a sentence without its full stop."""
    if isinstance(notice, Turn):
        return f"{notice.phase.value}{f' ({notice.reason})' if notice.reason else ''}"
    if isinstance(notice, Absence):
        return (
            f"the exchange has no bars from {iso_utc(notice.first)} to {iso_utc(notice.end)} ({notice.missed})"
        )
    return (
        f"the bar of {iso_utc(int(notice.told[0]))} was delivered as {notice.delivered[1:]}, "
        f"and the exchange now tells {notice.told[1:]}"
    )
