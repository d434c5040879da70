"""The weight budget waits before it must, and stops everybody at a ban."""

from __future__ import annotations

import threading

import pytest

from bt_run.core.errors import Banned
from feeds.fetching.weight import WeightBudget


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self, now: float = 600.0) -> None:
        self.now = now

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time():
    return FakeTime()


def budget_of(time, limit, margin=0.0):
    return WeightBudget(limit, margin=margin, clock=time.clock, sleep=time.sleep)


def test_weight_within_the_limit_costs_no_time(time):
    """Fifty requests of weight 2 fit a limit of 100."""
    budget = budget_of(time, 100)
    for _ in range(50):
        budget.take(2)

    assert 600.0 == time.now
    assert 100 == budget.used


def test_one_more_waits_for_the_next_minute(time):
    """The minute is the exchange's: a full one on the clock, not sixty seconds from the first request."""
    time.now = 645.0
    budget = budget_of(time, 10)
    for _ in range(6):
        budget.take(2)

    assert 660.5 == time.now
    assert 2 == budget.used


def test_the_margin_stays_free(time):
    """With a margin of a tenth the 91st of 100 waits."""
    budget = budget_of(time, 100, margin=0.1)
    budget.take(90)
    budget.take(1)

    assert time.now > 660


def test_what_other_programs_use_counts(time):
    """The header tells the whole address's sum; a lower sum than ours is old news."""
    budget = budget_of(time, 100)
    budget.take(10)
    budget.note(95)
    budget.note(20)
    budget.take(10)

    assert time.now > 660


def test_a_pause_holds_everybody(time):
    """A 429 with Retry-After 7 costs seven seconds."""
    budget = budget_of(time, 100)
    budget.pause(7.0)
    budget.take(1)

    assert 607.0 == time.now


def test_a_ban_stops_at_once(time):
    """No request and no wait after a ban; the error knows its end."""
    budget = budget_of(time, 100)
    budget.stop(Banned("BTCUSDT 1h", until_ms=1_700_000_000_000))
    with pytest.raises(Banned, match="2023-11-14T22:13:20") as caught:
        budget.take(1)

    assert 1_700_000_000_000 == caught.value.until_ms
    assert 600.0 == time.now


def test_a_request_heavier_than_the_limit_is_not_kept_waiting_for_ever(time):
    """It goes first in a minute."""
    budget = budget_of(time, 10)
    budget.take(20)

    assert 600.0 == time.now


def test_threads_share_one_budget(time):
    """Eight threads never use more than the limit in one minute."""
    budget = budget_of(time, 40)
    minutes = []

    def work():
        for _ in range(10):
            budget.take(2)
            minutes.append(int(time.now // 60))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 80 == len(minutes)
    assert max(minutes.count(minute) for minute in minutes) <= 20
