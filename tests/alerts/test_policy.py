"""Which happenings become messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.alerts.happening import KINDS, URGENT, Happening
from bt_run.alerts.policy import Policy, QuietHours, Remembered, judge


def at(text: str) -> int:
    """Give a time of 2026-11-29 UTC in ms."""
    return round(datetime.fromisoformat(f"2026-11-29T{text}+00:00").timestamp() * 1000)


def sent(happenings: list[Happening], policy: Policy) -> list[tuple[str, int]]:
    """Give the keys that are sent, and how many were held back before each."""
    remembered, found = Remembered(), []
    for happening in happenings:
        verdict, remembered = judge(happening, remembered, policy)
        if verdict.is_sent:
            found.append((happening.key, verdict.held))
    return found


def test_a_kind_that_is_switched_off_is_not_sent(happened: Callable[..., Happening]):
    """The others are."""
    both = [happened("a"), happened("b", kind="entry")]

    assert [("b", 0)] == sent(both, Policy(kinds=frozenset({"entry"})))


def test_the_same_thing_is_sent_once(happened: Callable[..., Happening]):
    """Told by its key."""
    assert [("a", 0), ("b", 0)] == sent([happened("a"), happened("a"), happened("b")], Policy())


def test_a_cool_down_holds_back_what_is_like_it(happened: Callable[..., Happening]):
    """Of the same kind, symbol and rule; the next one says how many there were."""
    t = at("12:00")
    several = [
        happened("a", time_ms=t),
        happened("b", time_ms=t + 1_000),
        happened("c", time_ms=t + 9_999),
        happened("d", time_ms=t + 1_000, symbol="ETHUSDT"),
        happened("e", time_ms=t + 1_000, rule=7),
        happened("f", time_ms=t + 10_000),
        happened("g", time_ms=t + 20_000),
    ]

    expected = [("a", 0), ("d", 0), ("e", 0), ("f", 2), ("g", 0)]
    assert expected == sent(several, Policy(cool_downs={"signal": 10.0}))


def test_a_rule_has_a_cool_down_of_its_own(happened: Callable[..., Happening]):
    """It wins over the kind's."""
    t = at("12:00")
    twice = [
        happened(key, kind="rule", rule=1, cooldown_s=60.0, time_ms=t + 1000 * n) for n, key in enumerate("ab")
    ]

    assert [("a", 0)] == sent(twice, Policy(cool_downs={"rule": 0.0}))


@pytest.mark.parametrize(
    ("moment", "until"),
    [("21:59:59", None), ("22:00", "2026-11-30T07:00"), ("06:59:59.999", "2026-11-29T07:00"), ("07:00", None)],
)
def test_quiet_hours_last_over_midnight(moment: str, until: str | None):
    """Their end belongs to the next day, or to this one."""
    end = QuietHours(time(22), time(7)).end_ms(at(moment))

    assert until == (
        None if end is None else datetime.fromtimestamp(end / 1000, UTC).strftime("%Y-%m-%dT%H:%M")
    )


def test_quiet_hours_are_those_of_their_zone():
    """22:00 in Berlin is 21:00 UTC in November."""
    berlin = QuietHours(time(22), time(7), ZoneInfo("Europe/Berlin"))

    assert berlin.end_ms(at("20:59")) is None
    assert at("21:00") + 9 * 3_600_000 == berlin.end_ms(at("21:00"))


def test_only_what_is_urgent_breaks_the_quiet(happened: Callable[..., Happening]):
    """The rest waits for the morning, and is not lost."""
    policy = Policy(quiet=QuietHours(time(22), time(7)))
    for kind in KINDS:
        verdict, _ = judge(happened(kind, kind=kind, time_ms=at("23:00")), Remembered(), policy)
        assert verdict.is_sent
        assert (kind in URGENT) == (verdict.not_before_ms == 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100)), max_size=30), st.integers(0, 40))
def test_between_two_of_a_kind_lies_the_cool_down(told: list[tuple[str, int]], cool_down: int):
    """Whatever happens, in whatever order of keys."""
    policy = Policy(cool_downs={"signal": float(cool_down)})
    told = sorted(told, key=lambda pair: pair[1])
    made = [Happening("signal", f"{key}{n}", 1000 * second, key, "") for n, (key, second) in enumerate(told)]
    times: dict[str, list[int]] = {}
    remembered = Remembered()
    for happening in made:
        verdict, remembered = judge(happening, remembered, policy)
        if verdict.is_sent:
            times.setdefault(happening.symbol, []).append(happening.time_ms)

    assert set(times) == {key for key, _ in told}
    for found in times.values():
        assert all(later - earlier >= 1000 * cool_down for earlier, later in pairwise(found))
