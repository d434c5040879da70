"""The exchange's time is known from its messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feeds.live.server_clock import ServerClock


def test_our_time_counts_until_a_message_tells_another():
    """A clock that is an hour wrong does no harm."""
    clock = ServerClock()

    assert (False, 1_000) == (clock.known, clock.now_ms(1_000))
    clock.note(3_601_000, our_ms=1_000)
    assert (True, 3_602_000) == (clock.known, clock.now_ms(2_000))


@given(ahead=st.integers(-(10**7), 10**7), delays=st.lists(st.integers(0, 5_000), min_size=1, max_size=50))
def test_it_is_never_ahead_of_the_exchange(ahead, delays):
    """The message that came fastest is the best."""
    clock = ServerClock()
    for number, delay in enumerate(delays):
        our_ms = 10**12 + 2_000 * number
        clock.note(our_ms + ahead - delay, our_ms=our_ms)

    assert 10**12 + ahead - min(delays) == clock.now_ms(10**12)


def test_a_step_of_our_clock_is_forgotten():
    """After some minutes of messages."""
    clock = ServerClock()
    clock.note(10_000_000, our_ms=0)
    for number in range(64):
        clock.note(number, our_ms=number)

    assert 5 == clock.now_ms(5)


@given(told=st.lists(st.integers(-5, 5) | st.integers(-(10**7), 10**7), max_size=200))
def test_the_best_of_the_last_messages_counts(told):
    """Whatever comes and is forgotten in which order."""
    clock = ServerClock()
    for number, ahead in enumerate(told):
        clock.note(1_000 + ahead, our_ms=1_000)
        assert max(told[max(0, number - 63) : number + 1]) == clock.now_ms(0)
