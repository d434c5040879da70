"""What time it is at the exchange, as far as its messages tell. Pure."""

from __future__ import annotations

from collections import deque

__all__ = ["ServerClock"]

_KEPT = 64  # messages; at one in two seconds a step of our clock is forgotten after two minutes


class ServerClock:
    """
    The exchange's time from ours and from the times in its messages.

    A message is always a little old when it comes, so the largest difference seen lately is the best, and the
    time that it gives is never ahead of the exchange's. All times are ms since 1970 UTC.
    """

    def __init__(self) -> None:
        self._ahead_ms: deque[int] = deque(maxlen=_KEPT)
        self._most_ms = 0  # the largest of them: an order waits for each look at the time

    @property
    def known(self) -> bool:
        """Tell whether any message has told a time yet."""
        return bool(self._ahead_ms)

    def note(self, told_ms: int, *, our_ms: int) -> None:
        """Take the time that a message told, and ours when it came."""
        ahead_ms = told_ms - our_ms
        forgets_most = len(self._ahead_ms) == _KEPT and self._ahead_ms[0] == self._most_ms
        self._ahead_ms.append(ahead_ms)
        if forgets_most or len(self._ahead_ms) == 1:
            self._most_ms = max(self._ahead_ms)
        elif ahead_ms > self._most_ms:
            self._most_ms = ahead_ms

    def now_ms(self, our_ms: int) -> int:
        """Give the exchange's time; our own while no message has come."""
        return our_ms + self._most_ms
