"""What waits to be sent to one browser: bounded, the latest wins. Pure."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

__all__ = ["Outgoing"]

MOST_EVENTS = 500
"""Events that wait; a browser that takes no more of them is told to read anew."""


class Outgoing:
    """
    A queue that never holds up who puts something in.

    A message with a `slot` replaces the one in it that was not sent yet: of a price only the last counts.
    Messages without are events and keep their order; where too many wait they are thrown away, and a message
    that says so takes their place.

    Put and take in one event loop.
    """

    def __init__(self) -> None:
        self._slots: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._events: list[dict[str, Any]] = []
        self._some = asyncio.Event()
        self.dropped = 0

    def put(self, message: dict[str, Any], *, slot: str = "") -> None:
        """Add a message; from the loop's thread."""
        if slot:
            self._slots[slot] = message
        elif len(self._events) >= MOST_EVENTS:
            self.dropped += len(self._events)
            self._events = [{"type": "missed", "reason": "this page did not keep up; it reads everything anew"}]
        else:
            self._events.append(message)
        self._some.set()

    async def take(self) -> list[dict[str, Any]]:
        """Wait for messages and take all: events first, then the latest of each slot."""
        await self._some.wait()
        taken = [*self._events, *self._slots.values()]
        self._events, self._slots = [], OrderedDict()
        self._some.clear()
        return taken
