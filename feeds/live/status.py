"""How a live feed is doing, as one frozen snapshot for a display."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from feeds.live.outcomes import Phase

__all__ = ["LiveStatus"]


@dataclass(frozen=True, slots=True)
class LiveStatus:
    """
    One live feed at one moment.

    `last_event_ms` is the exchange's time of the newest frame, `lag_ms` how much later it came by our clock
    (an error of our clock is in it), `last_price` the close of the bar as that frame told it, an open bar's
    too; all None before the first frame. `bar_open_ms` is the open of the bar that forms now, `bar_left_s` how
    many seconds it still has. `delivered` counts closed bars, those of the history too. `repaired` counts
    those that the stream should have brought and REST did, `holes` the bars that the exchange does not have,
    `corrections` those that it told otherwise later, `unreadable` frames that could not be decoded.
    `reconnects` counts connections after the first. `trouble` says what is wrong, empty where nothing is.
    """

    venue: str
    symbol: str
    interval: str
    phase: Phase
    connected: bool
    now_ms: int
    last_event_ms: int | None
    lag_ms: int | None
    last_price: float | None
    bar_open_ms: int
    bar_left_s: float
    delivered: int
    reconnects: int
    repaired: int
    holes: int
    corrections: int
    unreadable: int
    trouble: str
