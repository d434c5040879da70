"""Who follows a signal desk: a terminal, a program, an alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.run.signals.desk import SignalDesk
    from bt_run.run.signals.events import DeskEvent, Potential, SignalSeen
    from feeds.live.outcomes import Phase

__all__ = ["DeskView", "SignalAudience", "SignalSilence"]


@dataclass(frozen=True, slots=True)
class DeskView:
    """
    How one pair stands now.

    `price` is None before the first, `worth` where no signal lasts. `bar_left_s` is how long the bar is still
    open. `trouble` says what is wrong with the connection, empty where nothing is.
    """

    symbol: str
    interval: str
    quote_asset: str
    phase: Phase
    now_ms: int
    bar_left_s: float
    price: float | None
    worth: Potential | None
    lasting: SignalSeen | None
    signals: int
    bars: int
    values: dict[str, float]
    trouble: str


class SignalAudience(Protocol):
    """Called in the thread of the desk, which waits meanwhile: be quick, and leave slow work to a thread."""

    def opened(self, desk: SignalDesk, standing: SignalSeen | None) -> None:
        """Take that a desk has its history; `standing` is the signal that lasts from before."""

    def tell(self, event: DeskEvent, desk: SignalDesk) -> None:
        """Take an event; `desk` has the bars and curves up to it, for pictures."""

    def say(self, sentence: str, *, time_ms: int, is_warning: bool = False) -> None:
        """Take a sentence about connections and gaps; `time_ms` is the exchange's."""

    def show(self, views: Sequence[DeskView]) -> None:
        """Take how all pairs stand, about twice a second."""


class SignalSilence:
    """Nobody follows; and a base for those who care for some of it."""

    def opened(self, desk: SignalDesk, standing: SignalSeen | None) -> None:
        """Do nothing."""

    def tell(self, event: DeskEvent, desk: SignalDesk) -> None:
        """Do nothing."""

    def say(self, sentence: str, *, time_ms: int, is_warning: bool = False) -> None:
        """Do nothing."""

    def show(self, views: Sequence[DeskView]) -> None:
        """Do nothing."""
