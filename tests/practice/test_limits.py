"""Weights, raw requests and orders in real time: 429, then 418, and what comes back."""

from __future__ import annotations

import pytest

from bt_run.practice.limits import LimitRules, Limits
from bt_run.practice.refusal import Refusal

ME, OTHER = "127.0.0.1", "127.0.0.2"
MINUTE = 1_780_000_020.0  # a whole minute


class Clock:
    """Real time that the test moves."""

    now = MINUTE

    def __call__(self) -> float:
        return self.now


def made(**rules: object) -> tuple[Limits, Clock]:
    """Make limits and their clock."""
    clock = Clock()
    return Limits(LimitRules(**rules), now=clock), clock


def refusal(limits: Limits, weight: int = 1, address: str = ME) -> Refusal:
    """Ask once more than is allowed."""
    with pytest.raises(Refusal) as caught:
        limits.admit(address, weight)
    return caught.value


def test_a_minute_has_6000_of_weight_and_then_says_how_long_to_wait():
    """The next minute begins at nothing."""
    limits, clock = made()
    clock.now = MINUTE + 22.5
    for _ in range(60):
        limits.admit(ME, 100)
    found = refusal(limits)

    assert (-1003, 429, 38) == (found.code, found.status, found.retry_after)
    assert (
        "Too much request weight used; current limit is 6000 request weight per 1 MINUTE. "
        "Please use WebSocket Streams for live updates to avoid polling the API." == found.reason
    )
    limits.admit(OTHER, 1)
    clock.now = MINUTE + 60
    limits.admit(ME, 1)
    assert {"X-MBX-USED-WEIGHT": "1", "X-MBX-USED-WEIGHT-1M": "1"} == limits.headers(ME)


def test_raw_requests_are_counted_for_five_minutes():
    """Also those that weigh nothing."""
    limits, clock = made(raw_5m=3)
    for _ in range(3):
        limits.admit(ME, 0)
    found = refusal(limits, 0)

    assert (-1003, 429) == (found.code, found.status)
    assert "3 requests per 5 MINUTE" in found.reason
    clock.now += 300
    limits.admit(ME, 0)


def test_who_goes_on_is_banned_and_each_time_for_longer():
    """Two minutes, then four; the words hold the end in ms."""
    limits, clock = made(weight_1m=1, forgiven=2)
    lengths = []
    for _ in range(3):
        limits.admit(ME, 1)
        assert [429, 429] == [refusal(limits).status, refusal(limits).status]
        banned = refusal(limits)
        assert 418 == banned.status
        lengths.append(banned.retry_after)
        assert f"IP banned until {int(clock.now + banned.retry_after) * 1000}." in banned.reason
        clock.now += 30
        assert (418, lengths[-1] - 30) == (refusal(limits).status, refusal(limits).retry_after)
        limits.admit(OTHER, 1)
        clock.now += lengths[-1] - 30

    assert [120, 240, 480] == lengths


def test_a_ban_never_lasts_longer_than_three_days():
    """However often somebody is banned."""
    limits, clock = made(weight_1m=0, forgiven=0)
    for _ in range(20):
        last = refusal(limits)
        clock.now += last.retry_after

    assert 3 * 86_400 == last.retry_after


def test_who_waits_is_forgiven():
    """A 429 that was heeded counts no more."""
    limits, clock = made(weight_1m=1, forgiven=1)
    for _ in range(5):
        limits.admit(ME, 1)
        assert 429 == refusal(limits).status
        clock.now += 60

    limits.admit(ME, 1)


def test_a_success_gives_its_weight_back():
    """The count never falls below nothing."""
    limits, _ = made()
    limits.admit(ME, 5)
    limits.refund(ME, 4)
    assert 1 == limits.used_weight(ME)
    limits.refund(ME, 4)
    assert 0 == limits.used_weight(ME)
    assert 1 == limits.used_raw(ME)


def test_orders_are_limited_until_they_are_filled():
    """A hundred in ten seconds; the first fill makes room, so does time."""
    limits, clock = made()
    clock.now = MINUTE + 3
    limits.count_orders(99)
    with pytest.raises(Refusal) as caught:
        limits.count_orders(2)

    assert (-1015, 429, 7, "Too many new orders; current limit is 100 orders per 10 SECOND.") == (
        caught.value.code,
        caught.value.status,
        caught.value.retry_after,
        caught.value.reason,
    )
    limits.uncount_orders(1)
    limits.count_orders(2)
    assert (100, 100) == limits.order_counts()
    clock.now += 7
    assert {"X-MBX-ORDER-COUNT-10S": "0", "X-MBX-ORDER-COUNT-1D": "100"} == limits.order_headers()
    assert [0, 100] == [row["count"] for row in limits.orders_payload()]


def test_the_day_has_its_own_limit():
    """It is told apart from the ten seconds'."""
    limits, _ = made(orders_1d=1)
    limits.count_orders(1)
    with pytest.raises(Refusal, match="1 orders per 1 DAY"):
        limits.count_orders(1)


def test_limits_that_are_off_still_count():
    """Nothing is refused, and the headers go on."""
    limits, _ = made(weight_1m=1, orders_10s=1, raw_5m=1, enabled=False)
    for _ in range(50):
        limits.admit(ME, 10)
        limits.count_orders(3)

    assert (500, (150, 150)) == (limits.used_weight(ME), limits.order_counts())
