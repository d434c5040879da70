"""What ``<symbol>@depth`` sends: the levels of the book that may have changed since the last time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bt_run.practice.market.market_payloads import text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from bt_run.practice.market import Market
    from bt_run.practice.sockets.stream_name import StreamName

__all__ = ["BookChanges"]


@dataclass(slots=True)
class _Told:
    """`update_id` is that of the last frame; the prices are those that had a quantity then or since."""

    update_id: int
    bids: dict[Decimal, None] = field(default_factory=dict)
    asks: dict[Decimal, None] = field(default_factory=dict)


class BookChanges:
    """
    Keeps for each stream which prices its next frame must tell.

    A client joins the frames to a snapshot that it fetched at any moment between two of them, so a frame tells
    every price that had a quantity at any moment since the one before it, with the quantity that is there now.
    """

    def __init__(self) -> None:
        self._told: dict[StreamName, _Told] = {}

    def open(self, stream: StreamName, market: Market, now: int) -> None:
        """Begin a stream: its first frame tells what changes from now on."""
        self._told[stream] = _Told(market.update_id)
        self.note((stream,), market, now)

    def forget(self, stream: StreamName) -> None:
        """End a stream."""
        self._told.pop(stream, None)

    def note(self, streams: Iterable[StreamName], market: Market, now: int) -> None:
        """Take note of the book as it is now; called whenever it has changed."""
        for stream in streams:
            told = self._told[stream]
            bids, asks = market.book(now=now)
            told.bids |= dict.fromkeys(price for price, _ in bids)
            told.asks |= dict.fromkeys(price for price, _ in asks)

    def take(self, stream: StreamName, market: Market, now: int) -> dict[str, Any] | None:
        """Give the next frame; None where nothing has changed. Source: web-socket-streams.md (2026-07-21)."""
        told = self._told[stream]
        if market.update_id == told.update_id:
            return None
        self.note((stream,), market, now)
        bids, asks = (dict(side) for side in market.book(now=now))
        frame = {
            "e": "depthUpdate", "E": now, "s": stream.symbol, "U": told.update_id + 1, "u": market.update_id,
            "b": _levels(told.bids, bids), "a": _levels(told.asks, asks),
        }  # fmt: skip
        self._told[stream] = _Told(market.update_id, dict.fromkeys(bids), dict.fromkeys(asks))
        return frame


def _levels(prices: Iterable[Decimal], side: dict[Decimal, Decimal]) -> list[list[str]]:
    """Write the quantities at these prices; 0 takes a level away."""
    return [[text(price), text(side.get(price, price * 0))] for price in prices]
