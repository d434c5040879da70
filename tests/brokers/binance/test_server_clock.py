"""The exchange's time from questions that take a while."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.binance.server_clock import REFRESH_S, ServerClock
from bt_run.core.steady_time import SteadyTime


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
    clock = ServerClock(clock=world.clock, wall=world.clock)
    clock.measure(world.ask)

    best_ms = min(there + back for there, back in trips) * 1000
    assert abs(clock.round_trip_ms - best_ms) < 0.1
    assert abs(clock.offset_ms - ahead_ms) <= best_ms / 2 + 1.1
    assert not clock.is_due
    assert abs(clock.now_ms() - (world.now * 1000 + ahead_ms)) <= best_ms / 2 + 2.2


def test_it_is_due_again_after_half_an_hour():
    """And from the start."""
    world = World(0, [(0.01, 0.01)] * 5)
    clock = ServerClock(clock=world.clock, wall=world.clock)
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

    clock = ServerClock(clock=world.clock, wall=world.clock)
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


class Machine:
    """The machine's clock, which can be set, and time as it passes."""

    def __init__(self):
        self.wall, self.steady = 1_700_000_000.0, 50.0

    def clock(self):
        """Give the exchange's clock as this machine has it, measured: it is 700 ms ahead."""
        ours = SteadyTime(wall=lambda: self.wall, steady=lambda: self.steady)
        clock = ServerClock(clock=ours, wall=lambda: self.wall)
        clock.note(int(self.wall * 1000) + 700, asked_s=clock.our_s(), trip_s=0.0)
        return clock

    def pass_by(self, seconds):
        self.wall, self.steady = self.wall + seconds, self.steady + seconds


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 86_400.0, 2.0])
def test_a_step_of_our_clock_does_not_move_the_exchange_s(step_s):
    """Orders do not end before their time, no day of losses begins or stays; and it is to be measured anew."""
    machine = Machine()
    clock = machine.clock()
    machine.pass_by(10.0)
    assert not clock.is_due
    machine.wall += step_s

    assert 1_700_000_010_700 == clock.now_ms()
    assert step_s == pytest.approx(clock.wall_ahead_s(), abs=1e-3)
    assert clock.is_due
    # Who signs with the machine's clock tells the exchange its time, too.
    assert 1_700_000_010_700 == pytest.approx(machine.wall * 1000 + clock.wall_offset_ms(), abs=1)


def test_a_step_counts_until_the_clock_is_measured():
    machine = Machine()
    clock = machine.clock()
    machine.wall += 3600.0
    clock.note(1_700_000_000_800, asked_s=clock.our_s(), trip_s=0.0)

    assert (False, 1_700_000_000_800) == (clock.is_due, clock.now_ms())


def test_small_steps_are_none():
    """NTP slews and corrects by parts of a second all the time."""
    machine = Machine()
    clock = machine.clock()
    machine.wall += 0.4

    assert (False, 1_700_000_000_700) == (clock.is_due, clock.now_ms())
