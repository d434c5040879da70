"""Which timestamps are of now, when the exchange's clock does not run as the client's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.practice.door_clock import DoorClock
from bt_run.practice.refusal import Refusal

WALL = 1_780_000_000_000
THEN = 1_546_128_000_000


class Times:
    """Three clocks that the test moves."""

    def __init__(self) -> None:
        self.real = 0.0
        self.exchange = float(THEN)
        self.clock = DoorClock(
            lambda: self.exchange, wall=lambda: WALL + self.real, steady=lambda: 5000 + self.real
        )

    def pass_ms(self, real: float, *, speed: float = 1.0) -> None:
        """Let real time pass, and the exchange's `speed` times as fast."""
        self.real += real
        self.exchange += real * speed

    def refusal(self, timestamp: float, window: float = 5000) -> tuple[int, str] | None:
        """Give how a timestamp is refused; None where it is right."""
        try:
            self.clock.check(timestamp, window)
        except Refusal as refusal:
            return refusal.code, refusal.reason
        return None


AHEAD = (-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
LATE = (-1021, "Timestamp for this request is outside of the recvWindow.")


@pytest.mark.parametrize("origin", [WALL, THEN])
@pytest.mark.parametrize(
    ("offset", "window", "expected"),
    [
        (0, 5000, None),
        (-5000, 5000, None),
        (-5001, 5000, LATE),
        (-5001, 5001, None),
        (999, 5000, None),
        (1000, 5000, AHEAD),
        (-0.5, 0.5, None),
        (-60_000, 60_000, None),
    ],
)
def test_binances_rule_holds_for_the_wall_clock_and_for_the_exchanges(origin, offset, window, expected):
    """Less than a second ahead, at most the window late."""
    assert expected == Times().refusal(origin + offset, window)


def test_a_window_above_a_minute_is_refused():
    """Whatever the timestamp is."""
    assert (-1131, "recvWindow must be less than 60000.") == Times().refusal(WALL, 60_001)


@pytest.mark.parametrize("speed", [1.0, 60.0, 86_400.0])
def test_a_client_that_took_the_time_counts_on_from_it(speed):
    """Ten real minutes after it asked, a client's own count is right, though the exchange is elsewhere."""
    times = Times()
    told = times.clock.hand_out()
    times.pass_ms(600_000, speed=speed)

    assert THEN == told
    assert times.refusal(told + 600_000) is None
    assert LATE == times.refusal(told + 590_000)
    assert AHEAD == times.refusal(told + 602_000)


def test_time_that_was_never_told_is_refused():
    """Between the clocks there is nothing."""
    times = Times()
    times.pass_ms(1000, speed=86_400)

    assert LATE == times.refusal(THEN + 20_000)


def test_the_oldest_clocks_are_forgotten():
    """A client asks again now and then; what was told hundreds of answers ago is over."""
    times = Times()
    first = times.clock.hand_out()
    for _ in range(300):
        times.pass_ms(1, speed=100_000)
        last = times.clock.hand_out()

    assert times.refusal(last + 1) is None
    assert LATE == times.refusal(first + 300)


def test_telling_the_same_clock_again_does_not_push_others_out():
    """At speed 1 all answers are one clock."""
    times = Times()
    first = times.clock.hand_out()
    times.exchange += 3_600_000
    for _ in range(1000):
        times.pass_ms(10)
        times.clock.hand_out()

    assert times.refusal(first + 10_000) is None


@given(
    st.lists(st.tuples(st.floats(0, 60_000), st.floats(0, 10_000)), max_size=30),
    st.floats(0, 4000),
    st.floats(0, 900),
)
def test_whoever_uses_a_told_time_at_once_is_let_in(walk, delay, ahead):
    """However the exchange's clock has run, its last answer plus what passed since is right."""
    times = Times()
    told = times.clock.hand_out()
    for real, speed in walk:
        times.pass_ms(real, speed=speed)
        told = times.clock.hand_out()
    times.pass_ms(delay, speed=3600)

    assert times.refusal(told) is None
    assert times.refusal(told + delay + ahead) is None
