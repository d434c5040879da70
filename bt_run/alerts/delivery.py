"""
The outbox: which message goes to which target, how often it was tried, and when it is tried again. Pure.

A delivery waits until its target has taken it, or refuses it for good, or a day has passed. A target's
deliveries go out in the order in which they were made; one that has failed five times no longer holds up those
behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.alerts.happening import Happening

__all__ = ["CLAIM_MS", "GIVE_UP_MS", "Delivery", "Outbox", "Outcome", "State", "after", "backoff_s", "next_due"]

State = Literal["waiting", "sent", "failed"]

GIVE_UP_MS = 86_400_000

CLAIM_MS = 60_000
"""How long one process may try a message before another one of the same journal takes it for dead."""

_FIRST_S = 2.0
_LONGEST_S = 900.0
_HOLDS_UP = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What a target answered.

    `reason` says why it was not sent, without secrets. `wait_s` is how long the target wants to be left alone.
    `is_final`: it will never take this message.
    """

    is_sent: bool
    reason: str = ""
    wait_s: float | None = None
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message for one target; `target` is the target's masked name. `due_ms` is our clock's time."""

    alert: int
    target: str
    happening: Happening
    created_ms: int
    due_ms: int
    attempts: int = 0
    state: State = "waiting"
    reason: str = ""
    done_ms: int | None = None


class Outbox(Protocol):
    """Keeps messages until they are sent; its methods may be called from any thread."""

    def add(self, happening: Happening, targets: Sequence[str], *, now_ms: int, due_ms: int) -> bool:
        """Keep a message for each target; tells whether it is new: of one key there is only one."""

    def waiting(self, target: str) -> Sequence[Delivery]:
        """Give the first hundred deliveries that wait for a target, in the order in which they were made."""

    def claim(self, delivery: Delivery, *, until_ms: int) -> bool:
        """Keep a delivery from other processes until then; False where another one has it or has settled it."""

    def settle(self, delivery: Delivery) -> None:
        """Write down how a delivery stands now."""


def backoff_s(failures: int) -> float:
    """Give the pause after so many failures in a row, seconds: 2, 4, 8, up to a quarter of an hour."""
    return 0.0 if failures < 1 else min(_LONGEST_S, _FIRST_S * 2.0 ** min(failures - 1, 20))


def next_due(waiting: Sequence[Delivery], now_ms: int) -> Delivery | None:
    """
    Give the delivery that is tried now; None where none is due.

    Those that wait for the end of quiet hours let others pass.
    """
    for delivery in waiting:
        if delivery.due_ms <= now_ms:
            return delivery
        if 0 < delivery.attempts < _HOLDS_UP:
            return None
    return None


def after(delivery: Delivery, outcome: Outcome, now_ms: int) -> Delivery:
    """Give a delivery as it stands after a try."""
    attempts = delivery.attempts + 1
    state: State = "waiting"
    done_ms = None
    if outcome.is_sent or outcome.is_final or now_ms - delivery.created_ms >= GIVE_UP_MS:
        state = "sent" if outcome.is_sent else "failed"
        done_ms = now_ms
    pause_s = max(outcome.wait_s or 0.0, backoff_s(attempts))
    return Delivery(
        delivery.alert,
        delivery.target,
        delivery.happening,
        delivery.created_ms,
        due_ms=now_ms if state != "waiting" else now_ms + round(pause_s * 1000),
        attempts=attempts,
        state=state,
        reason=outcome.reason,
        done_ms=done_ms,
    )
