"""Pauses hold for as long as they were asked for; weight stays below the limit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brokers.binance.limits import RequestLimits


class Clock:
    def __init__(self, now=0.0):
        self.now = now

    def __call__(self):
        return self.now


def made(limit=6000, **options):
    clock = Clock()
    return clock, RequestLimits(limit, clock=clock, steady=clock, **options)


def test_a_pause_holds_everything_and_ends():
    """The longer one wins; its reason is told."""
    clock, limits = made()
    limits.pause(10, "HTTP 429")
    limits.pause(5, "shorter")
    clock.now = 4

    assert (6.0, "HTTP 429", False) == (limits.hold().wait_s, limits.hold().reason, limits.hold().is_ban)
    clock.now = 10
    assert limits.hold() is None


def test_a_pause_for_orders_leaves_the_rest_alone():
    """-1015 is about new orders."""
    _, limits = made()
    limits.pause(8, "HTTP 429, code -1015", orders_only=True)

    assert limits.hold() is None
    assert 8 == limits.hold(new_order=True).wait_s
    limits.pause(9, "ban", is_ban=True)
    assert limits.hold(new_order=True).is_ban


def test_a_pause_does_not_depend_on_the_clock_that_people_set():
    """Summer time, NTP: neither makes it longer or shorter."""
    steady, limits = Clock(), None
    wall = Clock(1e9)
    limits = RequestLimits(clock=wall, steady=steady)
    limits.pause(10, "x")
    wall.now -= 3600

    assert 10 == limits.hold().wait_s


def test_the_exchange_s_count_is_believed_where_it_is_higher():
    """Other programs of this address count too."""
    clock, limits = made()
    limits.room_s(20)
    limits.note_used(100)
    limits.note_used(50)

    assert 100 == limits.used
    clock.now = 60.0
    assert 0 == limits.used


def test_urgent_questions_may_use_what_is_kept_free():
    """The fate of an order comes before everything else that is asked."""
    _, limits = made(100)
    limits.note_used(95)

    assert 60.5 == limits.room_s(4)
    assert 0 == limits.room_s(4, urgent=True)
    assert 60.5 == limits.room_s(4, urgent=True)


@given(st.lists(st.tuples(st.integers(1, 80), st.floats(0, 30)), max_size=60))
def test_questions_never_use_more_than_their_share(asked):
    """Whatever comes in whatever order: waiting as told always helps."""
    clock, limits = made(100)
    for weight, pause in asked:
        clock.now += pause
        wait = limits.room_s(weight)
        if wait:
            clock.now += wait
            assert 0 == limits.room_s(weight)
        assert limits.used <= 90
