"""What is on the board, and what has fired."""

from __future__ import annotations

import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.practice.faults.fault import Fault

__all__ = ["Active", "Fired", "Ledger"]

_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Fired:
    """A fault did something: `time` is the exchange's (ms), `wall` the real one (ms since 1970 UTC)."""

    kind: str
    fault_id: int
    time: int
    wall: int
    what: str


@dataclass(slots=True, eq=False)
class Active:
    """
    A fault on the board, and how far it has come.

    `seen` counts what it chose, `fired` what it hit. `until` is when it ends, in seconds of `time.monotonic`;
    None: never.
    """

    id: int
    fault: Fault
    until: float | None = None
    seen: int = 0
    fired: int = 0
    draw: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.draw = random.Random(f"{self.fault.kind} {self.fault.seed}")  # noqa: S311 - to be drawn again alike
        if self.fault.lasts_s is not None:
            self.until = time.monotonic() + self.fault.lasts_s

    @property
    def is_over(self) -> bool:
        """Tell whether it can fire no more."""
        spent = self.fault.count is not None and self.fired >= self.fault.count
        return spent or (self.until is not None and time.monotonic() >= self.until)

    def hits(self, every: int = 1) -> bool:
        """Take note that it chose something, and draw whether it hits that."""
        if self.is_over:
            return False
        self.seen += 1
        if self.seen <= self.fault.skip or (self.seen - self.fault.skip - 1) % every:
            return False
        return self.fault.probability >= 1 or self.draw.random() < self.fault.probability


class Ledger:
    """How often each kind has fired since the start, and the last ten thousand times in order."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._log: deque[Fired] = deque(maxlen=_KEPT)

    @property
    def counts(self) -> Mapping[str, int]:
        """Give by kind how often it fired."""
        return dict(sorted(self._counts.items()))

    @property
    def log(self) -> tuple[Fired, ...]:
        """Give what fired, oldest first."""
        return tuple(self._log)

    def note(self, active: Active, what: str, *, now: int) -> Fired:
        """Count a fault that fires."""
        active.fired += 1
        self._counts[active.fault.kind] += 1
        fired = Fired(active.fault.kind, active.id, now, time.time_ns() // 1_000_000, what)
        self._log.append(fired)
        return fired
