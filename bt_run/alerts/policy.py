"""
Which happenings become messages, and when. Pure: what is remembered goes in, and comes out.

Time is that of the happenings, the exchange's; so a replay, however fast, makes the messages that the hours
themselves would have made.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING

from bt_run.alerts.happening import KINDS, URGENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.alerts.happening import Happening, Kind

__all__ = ["COOL_DOWNS", "Policy", "QuietHours", "Remembered", "Verdict", "judge"]

COOL_DOWNS: Mapping[Kind, float] = MappingProxyType(
    {"rejected": 60.0, "disconnected": 300.0, "reconnected": 300.0, "error": 300.0}
)
"""Seconds between two messages of one kind and symbol, where settings say nothing; other kinds have none."""

_KEYS_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A time of each day at which only urgent messages are sent; `end` may lie on the next day."""

    start: time
    end: time
    zone: tzinfo = UTC

    def end_ms(self, time_ms: int) -> int | None:
        """Give the end of the quiet hours in which this time lies, ms; None where it lies in none."""
        moment = datetime.fromtimestamp(time_ms / 1000, tz=self.zone)
        clock = moment.time()
        is_over_night = self.start >= self.end
        is_quiet = clock >= self.start or clock < self.end if is_over_night else self.start <= clock < self.end
        if not is_quiet:
            return None
        day = moment.date()
        if is_over_night and clock >= self.start:
            day += timedelta(days=1)
        return round(datetime.combine(day, self.end, tzinfo=self.zone).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Policy:
    """
    What is sent: the `kinds` that are switched on, seconds between two of a kind, the quiet hours.

    Cool-downs that are not given are those of `COOL_DOWNS`.
    """

    kinds: frozenset[Kind] = frozenset(KINDS)
    cool_downs: Mapping[Kind, float] = field(default_factory=dict)
    quiet: QuietHours | None = None

    def cool_down_s(self, happening: Happening) -> float:
        """Give the seconds that must lie between this and the last one like it."""
        if happening.cooldown_s is not None:
            return happening.cooldown_s
        return self.cool_downs.get(happening.kind, COOL_DOWNS.get(happening.kind, 0.0))


@dataclass(frozen=True, slots=True)
class Remembered:
    """
    What was sent: when the last of each scope was, how many like it were held back since, and the last keys.

    A scope is a kind, a symbol and a rule.
    """

    last_ms: Mapping[tuple[str, str, int], int] = field(default_factory=dict)
    held: Mapping[tuple[str, str, int], int] = field(default_factory=dict)
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    Whether a happening is sent; `why` says why not.

    `not_before_ms` is the end of quiet hours, 0 for at once. `held` counts those like it that were not sent
    since the last one that was.
    """

    is_sent: bool
    why: str = ""
    not_before_ms: int = 0
    held: int = 0


def judge(happening: Happening, remembered: Remembered, policy: Policy) -> tuple[Verdict, Remembered]:
    """Say whether a happening becomes a message, and what is remembered from then on."""
    if happening.kind not in policy.kinds:
        return Verdict(is_sent=False, why="switched off"), remembered
    if happening.key in remembered.keys:
        return Verdict(is_sent=False, why="known"), remembered
    scope = (happening.kind, happening.symbol, happening.rule)
    last = remembered.last_ms.get(scope)
    held = remembered.held.get(scope, 0)
    if last is not None and happening.time_ms < last + policy.cool_down_s(happening) * 1000:
        counted = {**remembered.held, scope: held + 1}
        return Verdict(is_sent=False, why="cool-down"), replace(remembered, held=counted)
    until = None
    if policy.quiet is not None and happening.kind not in URGENT:
        until = policy.quiet.end_ms(happening.time_ms)
    after = Remembered(
        {**remembered.last_ms, scope: happening.time_ms},
        {**remembered.held, scope: 0},
        (*remembered.keys, happening.key)[-_KEYS_KEPT:],
    )
    return Verdict(is_sent=True, not_before_ms=until or 0, held=held), after
