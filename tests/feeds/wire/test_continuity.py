"""Holes are found by ids and open times, and close when late frames come."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.interval import Interval
from feeds.wire.continuity import Continuity, Hole, count_bars
from feeds.wire.messages import AggTrade, KlineFrame, MiniTicker, Trade

KLINE, TRADE, AGG, FORCE = "btcusdt@kline_1m", "btcusdt@trade", "btcusdt@aggTrade", "btcusdt@forceOrder"
MINUTE = 60_000
T0 = 1_767_225_600_000


def bar(number, *, closed=True):
    opened = T0 + number * MINUTE
    prices = (100.0, 101.0, 99.0, 100.0, 1.0, 100.0, 1, 0.5, 50.0)
    return KlineFrame("BTCUSDT", "1m", opened, opened + MINUTE - 1, -1, -1, *prices, closed=closed)


def trade(number):
    return Trade("BTCUSDT", number, 100.0, 1.0, T0 + number, True)


def noted(stream, *messages, **given):
    found = Continuity([stream], **given)
    for message in messages:
        found.note(stream, message, now_ms=5)
    return found


def spans(found):
    return [(hole.first, hole.end) for hole in found.holes()]


def test_what_follows_without_a_break_has_no_hole():
    """Open bars and repeated frames change nothing."""
    assert () == noted(TRADE, trade(1), trade(2), trade(2), trade(3)).holes()
    assert () == noted(KLINE, bar(0, closed=False), bar(0), bar(1, closed=False), bar(1), bar(1)).holes()


def test_a_jump_in_the_ids_is_a_hole_between_two_trades():
    """Its times are those of the trades around it."""
    agg = [AggTrade("BTCUSDT", number, 1.0, 1.0, number, number, T0 + number, False) for number in (7, 10)]

    hole = noted(AGG, *agg).holes()

    assert (Hole(AGG, 8, 10, T0 + 7, T0 + 10, seen_ms=5),) == hole
    assert 2 == hole[0].missed


def test_a_close_that_was_missed_shows_in_the_next_bar():
    """The last state of a bar that was not closed cannot be trusted."""
    hole = noted(KLINE, bar(0, closed=False), bar(2, closed=False)).holes()

    assert (Hole(KLINE, T0, T0 + 2 * MINUTE, T0, T0 + 2 * MINUTE - 1, seen_ms=5),) == hole
    assert 2 == hole[0].missed


def test_a_late_frame_closes_its_part_of_a_hole():
    """What remains on both sides stays open."""
    assert [(2, 4), (5, 6)] == spans(noted(TRADE, trade(1), trade(6), trade(4)))
    assert [] == spans(noted(KLINE, bar(0), bar(2, closed=False), bar(1)))
    assert [(T0 + MINUTE, T0 + 2 * MINUTE)] == spans(noted(KLINE, bar(0), bar(2), bar(1, closed=False)))


def test_a_hole_is_due_after_its_grace():
    """A clock that was set back does not make it wait for ever."""
    found = noted(TRADE, trade(1), trade(3), grace_ms=100)

    assert () == found.due(104)
    assert found.holes() == found.due(105)
    assert found.holes() == found.due(-5_000)


def test_a_settled_hole_is_gone():
    """Even where a part of it had closed while it was being filled."""
    found = noted(TRADE, trade(1), trade(6))
    (hole,) = found.holes()
    found.note(TRADE, trade(4), now_ms=9)
    found.settle(hole)

    assert () == found.holes()


def test_everything_below_the_first_hole_is_complete():
    """None where there is no hole; other streams do not matter."""
    found = noted(TRADE, trade(1), trade(3), trade(9))

    assert 2 == found.complete_before(TRADE)
    assert found.complete_before(AGG) is None


def test_a_recording_that_goes_on_misses_what_came_between():
    """From the position at which it ended before."""
    found = Continuity([KLINE])
    found.expect(KLINE, T0 - 3 * MINUTE)
    found.note(KLINE, bar(0, closed=False), now_ms=5)

    assert [(T0 - 3 * MINUTE, T0)] == spans(found)


def test_other_streams_have_no_positions():
    """Nobody can count what they missed."""
    found = Continuity([KLINE, TRADE, AGG, FORCE])
    found.note(FORCE, MiniTicker("BTCUSDT", 1, 1, 1, 1, 1, 1), now_ms=5)

    assert (FORCE,) == found.loose
    assert () == found.holes()


def test_months_are_counted_by_the_calendar():
    """A month has no fixed length."""
    january, june = 1_767_225_600_000, 1_780_272_000_000

    assert 5 == count_bars(Interval(1, "M"), january, june)
    assert 2 == count_bars(Interval(1, "m"), 0, MINUTE + 1)


@given(st.permutations(range(12)))
def test_when_all_have_come_in_any_order_no_hole_is_left(order):
    """The first one decides where the stream begins; what is before it was never promised."""
    found = noted(TRADE, *(trade(number) for number in order))

    assert () == found.holes()


@given(st.lists(st.integers(0, 30), min_size=1))
def test_holes_are_exactly_what_did_not_come(ids):
    """Between the first one noted and the last."""
    found = noted(TRADE, *(trade(number) for number in ids))
    missing = {number for hole in found.holes() for number in range(hole.first, hole.end)}

    assert set(range(ids[0], max(ids))) - set(ids) == missing


def test_times_of_a_hole_stay_in_order_when_clocks_do_not():
    """A trade may carry an earlier time than the one before."""
    earlier = replace(trade(5), time_ms=T0 - 50)
    (hole,) = noted(TRADE, trade(1), earlier).holes()

    assert hole.start_ms <= hole.end_ms
