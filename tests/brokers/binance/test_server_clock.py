"""The exchange's time from questions that take a while."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.binance.server_clock import REFRESH_S, ServerClock


class World:
    """Our clock, the exchange's, and a network between them."""

    def __init__(self, ahead_ms, trips):
        self.now = 1_700_000_000.0
        self.ahead_ms = ahead_ms
        self.trips = iter(trips)

    def clock(self):
        return self.now

    def ask(self):
        there, back = next(self.trips)
        self.now += there
        told = self.now * 1000 + self.ahead_ms
        self.now += back
        return int(told)


ways = st.floats(0.0005, 2.0)


@given(st.integers(-(10**10), 10**10), st.lists(st.tuples(ways, ways), min_size=5, max_size=5))
def test_the_offset_is_wrong_by_half_the_best_round_trip_at_most(ahead_ms, trips):
    """Whichever way is the slower one."""
    world = World(ahead_ms, trips)
    clock = ServerClock(clock=world.clock, steady=world.clock)
    clock.measure(world.ask)

    best_ms = min(there + back for there, back in trips) * 1000
    assert abs(clock.round_trip_ms - best_ms) < 0.1
    assert abs(clock.offset_ms - ahead_ms) <= best_ms / 2 + 1.1
    assert not clock.is_due
    assert abs(clock.now_ms() - (world.now * 1000 + ahead_ms)) <= best_ms / 2 + 2.2


def test_it_is_due_again_after_half_an_hour():
    """And from the start."""
    world = World(0, [(0.01, 0.01)] * 5)
    clock = ServerClock(clock=world.clock, steady=world.clock)
    assert clock.is_due
    clock.measure(world.ask)
    world.now += REFRESH_S - 1
    assert not clock.is_due
    world.now += 1
    assert clock.is_due


def test_some_samples_are_enough():
    """A failure after the first is no failure; one at the start is."""
    world = World(500, [(0.01, 0.01), (0.5, 0.01)])

    def ask():
        try:
            return world.ask()
        except StopIteration:
            raise ConnectionError from None

    clock = ServerClock(clock=world.clock, steady=world.clock)
    clock.measure(ask)
    assert abs(clock.offset_ms - 500) < 2
    with pytest.raises(ConnectionError):
        clock.measure(ask)
    assert abs(clock.offset_ms - 500) < 2


def test_one_sample_from_elsewhere_can_be_noted():
    """As the account's stream has it."""
    clock = ServerClock()
    clock.note(1_100_000, asked_s=1000.0, trip_s=0.2)

    assert (99_900.0, 200.0) == (clock.offset_ms, clock.round_trip_ms)
    assert not clock.is_due
