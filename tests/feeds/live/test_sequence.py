"""Each closed bar comes once and in order, whatever the stream and REST do."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_run.core.clock import parse_time
from bt_run.core.interval import Interval
from feeds.codec import parse_frame
from feeds.live.grid import Grid
from feeds.live.outcomes import Absence, Ask, Correction, Delivery, Forming, Phase, Rules, Turn
from feeds.live.sequence import Sequence, row_of
from feeds.wire.messages import KlineFrame

MINUTE = Interval.parse("1m")
M = 60_000
T0 = parse_time("2026-01-01")


def opened(number, start=T0):
    return start + number * M


def frame(number, *, closed=True, price=None, event_ms=None, volume=5.0):
    """Make the frame of a bar that is told by its number; its close is the price."""
    close = 100.0 + number if price is None else price
    start = opened(number)
    values = (100.0, 10_000.0, 1.0, close, volume, 500.0, 7, 2.0, 200.0)
    event = event_ms if event_ms is not None else start + (M + 5 if closed else 30_000)
    return KlineFrame("BTCUSDT", "1m", start, start + M - 1, 1, 2, *values, closed=closed, event_ms=event)


def row(number, **changes):
    return row_of(frame(number, **changes))


def rows(first, end):
    return [row(number) for number in range(first, end)]


def at(number, seconds=0.0):
    """Give the time so many seconds after bar `number` opened."""
    return opened(number) + round(seconds * 1000)


def delivered(outcomes):
    """Give the numbers of the bars that were delivered."""
    found = [one for outcome in outcomes if isinstance(outcome, Delivery) for one in outcome.rows]
    return [(int(one[0]) - T0) // M for one in found]


def lives(outcomes):
    return [
        number for outcome in outcomes if isinstance(outcome, Delivery) and outcome.live
        for number in delivered([outcome])
    ]  # fmt: skip


def only(kind, outcomes):
    return [one for one in outcomes if isinstance(one, kind)]


def ask_of(outcomes):
    (ask,) = only(Ask, outcomes)
    return ask


def phases(outcomes):
    return [one.phase for one in only(Turn, outcomes)]


def begun(now=None, *, history=3, last=10, **rules):
    """Make a sequence that is connected and live, with bars up to number `last` delivered."""
    now = at(last + 1, 20) if now is None else now
    sequence = Sequence(Grid(MINUTE), history=history, rules=Rules(**rules))
    first = ask_of(sequence.tick(now))
    sequence.connected(now)
    second = ask_of(sequence.answered(first, rows(last - history + 1, last + 1), now))
    sequence.answered(second, rows(last, last + 1), now)
    assert sequence.phase is Phase.LIVE
    assert sequence.position == opened(last)
    return sequence


# The start.


def test_it_begins_with_the_history_that_was_asked_for():
    """REST is asked for exactly so many bars, and none of them counts as live."""
    sequence = Sequence(Grid(MINUTE), history=3)
    ask = ask_of(sequence.tick(at(10, 20)))
    out = sequence.answered(ask, rows(7, 10), at(10, 21))

    assert (opened(7), opened(10) - 1) == (ask.start, ask.end)
    assert [7, 8, 9] == delivered(out)
    assert [] == lives(out)
    assert Phase.WARMUP is sequence.phase


def test_a_bar_that_has_just_ended_is_not_asked_for_yet():
    """REST may not have it, or not all of it; it is asked for when the grace is over."""
    sequence = Sequence(Grid(MINUTE), history=3)
    ask = ask_of(sequence.tick(at(10, 1.9)))

    assert (opened(6), opened(9) - 1) == (ask.start, ask.end)


def test_rest_may_be_trusted_at_once():
    """Of an exchange whose clock stands, the bar that has just closed is history like those before it."""
    sequence = Sequence(Grid(MINUTE), history=3, rules=Rules(settle_ms=0))
    ask = ask_of(sequence.tick(at(10)))
    sequence.connected(at(10))
    out = sequence.answered(ask, rows(7, 10), at(10))

    assert (opened(7), opened(10) - 1) == (ask.start, ask.end)
    assert [7, 8, 9] == delivered(out)
    assert Phase.LIVE is sequence.phase


def test_history_is_never_live_although_a_hole_holds_it_up():
    """Its last bar has just closed, but whoever was here before has decided on it already."""
    sequence = Sequence(Grid(MINUTE), history=5, rules=Rules(settle_ms=0, hole_asks=2))
    first = ask_of(sequence.tick(at(10)))
    sequence.connected(at(10))
    told = [row(5), row(6), row(8), row(9)]
    second = ask_of([*sequence.answered(first, told, at(10)), *sequence.tick(at(10, 1))])
    out = sequence.answered(second, told, at(10, 1))

    assert [8, 9] == delivered(out)
    assert [] == lives(out)
    assert [10] == lives(sequence.frame(frame(10), at(11)))


def test_after_the_history_each_bar_comes_by_its_frame():
    """Connected, then live; the seam between REST and the stream has neither hole nor double."""
    sequence = Sequence(Grid(MINUTE), history=2)
    first = ask_of(sequence.tick(at(10, 20)))
    early = sequence.connected(at(10, 21))
    seam = [*sequence.frame(frame(10), at(11, 0.1)), *sequence.answered(first, rows(8, 10), at(11, 0.2))]
    then = sequence.frame(frame(11), at(12, 0.1))

    assert [] == phases(early)
    assert [8, 9, 10] == delivered(seam)
    assert [Phase.LIVE] == phases(seam)
    assert isinstance(seam[-2], Turn)
    assert [11] == delivered(then) == lives(then)


def test_without_history_it_begins_with_the_bar_that_is_forming():
    """REST is asked for nothing."""
    sequence = Sequence(Grid(MINUTE), history=0)
    out = [*sequence.tick(at(10, 20)), *sequence.connected(at(10, 20))]

    assert [Phase.LIVE] == phases(out)
    assert [10] == lives(sequence.frame(frame(10), at(11, 0.1)))


def test_a_market_younger_than_the_history_begins_with_its_first_bar():
    """What was before does not count as a hole."""
    sequence = Sequence(Grid(MINUTE), history=100)
    ask = ask_of(sequence.tick(at(10, 20)))
    out = sequence.answered(ask, rows(8, 10), at(10, 20))

    assert [8, 9] == delivered(out)
    assert [] == only(Absence, out)


def test_a_market_without_any_bar_begins_with_the_next():
    """After as many answers as it takes to believe in a hole."""
    sequence = Sequence(Grid(MINUTE), history=3, rules=Rules(hole_asks=2))
    first = ask_of(sequence.connected(at(10, 20)))
    early = sequence.answered(first, [], at(10, 20))
    again = ask_of(sequence.tick(at(10, 21)))
    out = sequence.answered(again, [], at(10, 21))

    assert () == early
    assert [Phase.LIVE] == phases(out)
    assert [10] == delivered(sequence.frame(frame(10), at(11, 0.1)))


# Lost, late and withheld frames.


def test_a_withheld_close_is_asked_for_when_the_grace_is_over():
    """No other frame needs to come: time alone is enough."""
    sequence = begun()
    early = sequence.tick(at(12, 1.9))
    ask = ask_of(sequence.tick(at(12, 2)))
    out = sequence.answered(ask, rows(10, 12), at(12, 2.1))

    assert () == early
    assert (opened(10), opened(12) - 1) == (ask.start, ask.end)
    assert [11] == delivered(out) == lives(out)
    assert 1 == only(Delivery, out)[0].repaired
    assert [] == phases(out)


def test_a_close_that_comes_after_the_next_bars_first_frame_needs_no_rest():
    """Frames may be reordered; the grace is for that."""
    sequence = begun()
    out = [
        *sequence.frame(frame(12, closed=False), at(12, 1)),
        *sequence.frame(frame(11), at(12, 1.5)),
        *sequence.tick(at(12, 30)),
    ]

    assert [11] == delivered(out) == lives(out)
    assert [] == only(Ask, out)


def test_an_open_bar_is_never_delivered():
    """What the last frame before the end said may lack trades."""
    sequence = begun()

    assert [] == delivered(sequence.frame(frame(11, closed=False, event_ms=at(12) - 1), at(12, 0.1)))


def test_a_later_close_waits_for_the_one_before():
    """It is delivered when REST has brought what is missing, and it alone is live."""
    sequence = begun()
    early = sequence.tick(at(12, 2))
    waiting = sequence.frame(frame(12), at(13, 0.1))
    out = sequence.answered(ask_of(early), rows(10, 12), at(13, 0.2))

    assert [] == delivered(waiting)
    assert [11, 12] == delivered(out)
    assert [12] == lives(out)


def test_repeated_and_old_frames_change_nothing():
    """Each bar is delivered once."""
    sequence = begun()
    out = [*sequence.frame(frame(11), at(12, 0.1))]
    for number in (11, 10, 9, 11):
        out += sequence.frame(frame(number), at(12, 0.5))

    assert [11] == delivered(out)


def test_an_answer_without_the_bar_is_asked_for_again_with_growing_pauses():
    """Binance's database may lag; the pauses end at the longest."""
    sequence = begun(again_ms=1_000, longest_ms=3_000)
    now, pauses = at(12, 2), []
    ask = ask_of(sequence.tick(now))
    for _ in range(4):
        assert [] == only(Ask, sequence.answered(ask, rows(10, 11), now))
        waited = next(ms for ms in range(0, 10_000, 100) if (found := only(Ask, sequence.tick(now + ms))))
        now, ask = now + waited, found[0]
        pauses.append(waited)

    assert [1_000, 2_000, 3_000, 3_000] == pauses
    assert [11] == delivered(sequence.answered(ask, rows(10, 12), now))


def test_a_late_close_beats_a_lagging_answer():
    """It is taken whenever it comes."""
    sequence = begun()
    ask = ask_of(sequence.tick(at(12, 2)))
    sequence.answered(ask, rows(10, 11), at(12, 2))

    assert [11] == delivered(sequence.frame(frame(11), at(12, 2.5)))
    assert [] == only(Ask, sequence.tick(at(12, 10)))


def test_a_failed_request_is_tried_again():
    """After the pause, or after as long as the exchange demands."""
    sequence = begun()
    ask = ask_of(sequence.tick(at(12, 2)))
    assert () == sequence.failed(ask, at(12, 2), wait_ms=5_000)

    assert [] == only(Ask, sequence.tick(at(12, 6.9)))
    assert ask.number < ask_of(sequence.tick(at(12, 7))).number


def test_one_request_is_under_way_at_a_time():
    """An answer to another one is dropped."""
    sequence = begun()
    ask = ask_of(sequence.tick(at(12, 2)))

    assert [] == only(Ask, sequence.tick(at(14, 0)))
    assert [] == delivered(sequence.answered(Ask(99, ask.start, ask.end), rows(10, 12), at(14, 0)))
    assert [11] == delivered(sequence.answered(ask, rows(10, 12), at(14, 0)))


def test_an_answer_that_could_not_hold_the_bar_delays_nothing():
    """It was asked for before the bar was due; the next request goes out at once."""
    sequence = begun()
    check = ask_of(sequence.connected(at(11, 59)))

    assert opened(12) - 1 == ask_of(sequence.answered(check, rows(10, 11), at(12, 2))).end


def test_rows_that_were_not_asked_for_are_not_trusted():
    """REST may know the newest bar before all of its trades."""
    sequence = begun()
    ask = ask_of(sequence.tick(at(12, 2)))

    assert [11] == delivered(sequence.answered(ask, rows(10, 14), at(12, 2)))


# Connections.


def test_a_lost_connection_is_told_and_rest_brings_the_bars_meanwhile():
    """They are late; with the next connection REST is asked from the last delivered bar on."""
    sequence = begun()
    lost = sequence.disconnected(at(11, 30), "gone")
    ask = ask_of(sequence.tick(at(12, 2)))
    meanwhile = sequence.answered(ask, rows(10, 12), at(12, 2))
    back = sequence.connected(at(12, 30))

    assert [Turn(Phase.OFFLINE, "gone")] == list(lost)
    assert [11] == delivered(meanwhile)
    assert [] == lives(meanwhile)
    assert [Phase.LIVE] == phases(back)
    assert opened(11) == ask_of(back).start


def test_after_a_reconnect_missing_bars_are_caught_up_in_order():
    """DELAYED first; only the bar that has just closed is live."""
    sequence = begun()
    sequence.disconnected(at(11, 30))
    sequence.tick(at(11, 31))
    back = sequence.connected(at(14, 5))
    closed = sequence.frame(frame(14), at(15, 0.1))
    out = sequence.answered(ask_of(back), rows(10, 14), at(15, 0.2))

    assert [Phase.BEHIND] == phases(back)
    assert [] == delivered(closed)
    assert [11, 12, 13, 14] == delivered(out)
    assert [14] == lives(out)
    assert [Phase.LIVE] == phases(out)


def test_what_comes_too_late_is_not_live():
    """Nobody should trade on a bar that has been over for a while, although it is the newest."""
    sequence = begun(late_ms=10_000)
    sequence.disconnected(at(11, 30))
    back = sequence.connected(at(12, 11))
    out = sequence.answered(ask_of(back), rows(10, 12), at(12, 11))

    assert [11] == delivered(out)
    assert [] == lives(out)
    assert [Phase.LIVE] == phases(out)


def test_a_stream_that_brings_nothing_is_behind_when_rest_fails_too():
    """While REST repairs in time it stays live."""
    sequence = begun(late_ms=10_000)
    ask = ask_of(sequence.tick(at(12, 2)))
    patient = sequence.failed(ask, at(12, 9))
    late = sequence.tick(at(12, 11))

    assert [] == phases(patient)
    assert [Phase.BEHIND] == phases(late)


def test_a_change_of_connection_without_loss_is_checked_too():
    """It costs one request and no change of phase."""
    sequence = begun()
    out = sequence.connected(at(11, 30))

    assert [] == phases(out)
    assert opened(10) == ask_of(out).start


# Holes and corrections.


def test_a_hole_is_believed_after_several_answers_with_a_later_bar():
    """Maintenance: then the later bars are delivered, and the hole is told once."""
    sequence = begun(hole_asks=3, again_ms=1_000)
    now = at(15, 3)
    ask = ask_of(sequence.frame(frame(14), now))
    outcomes = []
    for _ in range(3):
        assert [] == delivered(outcomes)
        outcomes += sequence.answered(ask, [row(10), row(14)], now)
        now += 10_000
        found = only(Ask, sequence.tick(now))
        ask = found[0] if found else None

    assert [Absence(opened(11), opened(14), 3)] == only(Absence, outcomes)
    assert [14] == delivered(outcomes)
    assert ask is None


def test_answers_without_any_later_bar_prove_nothing():
    """The exchange may be closed: it is asked for ever, and no bar is given up."""
    sequence = begun(hole_asks=2)
    now = at(12, 2)
    for _ in range(10):
        ask = ask_of(sequence.tick(now))
        sequence.answered(ask, rows(10, 11), now)
        now += 60_000
    out = sequence.answered(ask_of(sequence.tick(now)), rows(10, 15), now)

    assert [11, 12, 13, 14] == delivered(out)
    assert [] == only(Absence, out)


def test_holes_in_the_history_are_believed_together():
    """One after the other would take minutes."""
    sequence = Sequence(Grid(MINUTE), history=10, rules=Rules(hole_asks=2))
    holey = [row(number) for number in (0, 2, 3, 6, 9)]
    first = sequence.answered(ask_of(sequence.tick(at(10, 20))), holey, at(10, 20))
    out = sequence.answered(ask_of(sequence.tick(at(10, 21))), holey, at(10, 21))

    assert [0] == delivered(first)
    assert [2, 3, 6, 9] == delivered(out)
    assert [1, 2, 2] == [one.missed for one in only(Absence, out)]


def test_a_bar_that_is_told_otherwise_later_is_reported_and_not_delivered_again():
    """By a late frame, or by REST at the next connect."""
    sequence = begun()
    ask = ask_of(sequence.tick(at(12, 2)))
    sequence.answered(ask, rows(10, 12), at(12, 2))
    late = sequence.frame(frame(11, price=999.0), at(12, 3))
    again = sequence.frame(frame(11, price=999.0), at(12, 4))
    check = sequence.connected(at(12, 5))
    told = sequence.answered(ask_of(check), [row(11, price=998.0)], at(12, 6))

    assert [Correction(row(11), row(11, price=999.0))] == list(late)
    assert () == again
    assert [row(11, price=998.0)] == [one.told for one in only(Correction, told)]
    assert [] == delivered([*late, *told])


def test_rest_corrects_nothing_that_has_just_closed():
    """The frame is final; the database may not have caught up with it."""
    sequence = begun()
    sequence.frame(frame(11), at(12, 0.1))
    check = sequence.connected(at(12, 0.5))

    assert [] == only(Correction, sequence.answered(ask_of(check), [row(11, price=5.0)], at(12, 0.6)))


def test_a_frame_that_waits_is_not_replaced_by_rest():
    """The frame is final by the exchange's word."""
    sequence = begun()
    ask = ask_of(sequence.tick(at(13, 2)))
    sequence.frame(frame(12), at(13, 2))
    out = sequence.answered(ask, [row(11), row(12, price=5.0)], at(13, 2.1))

    assert [row(12)] == [one.rows[-1] for one in only(Delivery, out)][-1:]


def test_a_check_that_failed_is_made_again():
    """The next answer compares the last delivered bar all the same."""
    sequence = begun()
    check = ask_of(sequence.connected(at(11, 30)))
    sequence.failed(check, at(11, 31))

    assert opened(10) == ask_of(sequence.tick(at(11, 33))).start


def test_a_bar_is_not_live_where_the_next_one_is_overdue_already():
    """Bars of a second may be three behind and still young."""
    second = Sequence(Grid(Interval.parse("1s")), history=0)
    second.connected(T0)
    made = [(T0 + 1000 * number, *row(0)[1:]) for number in range(5)]
    ask = ask_of(second.tick(T0 + 3_000))
    out = second.answered(ask, made[:1], T0 + 5_000)

    assert [False] == [one.live for one in only(Delivery, out)]


# The bar that is forming.


def test_the_forming_bar_is_told_in_order_of_its_events():
    """Older states, other bars, and everything before the history are passed over."""
    early = Sequence(Grid(MINUTE), history=3)
    sequence = begun()
    states = [(11, 11.5, 20), (11, 11.2, 10), (11, 11.9, 30), (12, 12.0, 40), (10, 10.0, 50)]
    out = []
    for number, price, seconds in states:
        out += sequence.frame(
            frame(number, closed=False, price=price, event_ms=at(11, seconds)), at(11, seconds)
        )

    assert [] == only(Forming, early.frame(frame(10, closed=False), at(10, 30)))
    assert [(11.5, at(11, 20)), (11.9, at(11, 30))] == [
        (one.row[4], one.event_ms) for one in only(Forming, out)
    ]


# Intervals without a fixed length.


@pytest.mark.parametrize(
    ("name", "opens"),
    [("1M", ["2025-12-01", "2026-01-01", "2026-02-01"]), ("1w", ["2025-12-29", "2026-01-05", "2026-01-12"])],
)
def test_months_and_weeks_follow_each_other(name, opens):
    """The end of a bar comes from the calendar."""
    times = [parse_time(one) for one in opens]
    made = [(one, *row(0)[1:]) for one in times]
    sequence = Sequence(Grid(Interval.parse(name)), history=1)
    first = ask_of(sequence.tick(times[1] + 86_400_000))
    history = sequence.answered(first, made[:1], times[1] + 86_400_000)
    early = sequence.tick(times[2] + 1_999)
    second = ask_of(sequence.tick(times[2] + 2_000))
    out = sequence.answered(second, made[:2], times[2] + 2_000)

    assert (times[0], times[1] - 1) == (first.start, first.end)
    assert [(made[0],)] == [one.rows for one in only(Delivery, history)]
    assert () == early
    assert (times[0], times[2] - 1) == (second.start, second.end)
    assert [(made[1],)] == [one.rows for one in only(Delivery, out)]


def test_real_frames_of_a_close(shared):
    """What Binance sent on 2020-05-24 around the end of a bar: one final frame, then the next bar."""
    path = shared / "realdata" / "frames" / "spot" / "htm-btcusdt-kline_5m-20200524.jsonl"
    frames = [parse_frame(line)[0] for line in path.read_text().splitlines()]
    sequence = Sequence(Grid(Interval.parse("5m")), history=0)
    out = [*sequence.connected(frames[0].event_ms)]
    for one in frames:
        out += sequence.frame(one, one.event_ms)
    (final,) = [one for one in frames if one.closed]

    assert [(row_of(final),)] == [one.rows for one in only(Delivery, out)]
    assert [True] == [one.live for one in only(Delivery, out)]
    assert len(frames) - 1 == len(only(Forming, out))
    assert [] == only(Ask, out)[1:]


# Anything at all.


class World:
    """An exchange that trades one bar a minute, and a network that does what it wants."""

    def __init__(self, seed, *, trouble, bars, sequence=None):
        self.draw = random.Random(seed)
        self.trouble = trouble
        self.holes = {n for n in range(5, bars - 3) if self.draw.random() < 0.1 * trouble}
        self.now = at(8, self.draw.uniform(0, 60))
        self.lag_ms = 0
        self.sequence = sequence or Sequence(
            Grid(MINUTE), history=6, rules=Rules(again_ms=500, longest_ms=4_000)
        )
        self.open = False
        self.flying = []  # (arrives, what): frames and answers under way
        self.sent = set()
        self.out = []

    def chance(self, share):
        return self.draw.random() < share * self.trouble

    def take(self, outcomes):
        self.out += outcomes
        for ask in only(Ask, outcomes):
            self.flying.append((self.now + self.draw.uniform(10, 3_000 * self.trouble + 20), ask))

    def answer(self, ask):
        if self.chance(0.3):
            self.take(self.sequence.failed(ask, self.now))
            return
        found = []
        for number in range((ask.start - T0) // M, (ask.end - T0) // M + 1):
            ended_ms = self.now - opened(number + 1)
            if number in self.holes or number < 3 or ended_ms < self.lag_ms:
                continue
            # Before two seconds are over the database may lack the last trades.
            found.append(row(number) if ended_ms >= 2_000 else row(number, volume=1.0))
        self.take(self.sequence.answered(ask, found, self.now))

    def send(self):
        """Send what the exchange sends in this moment, over a network that loses, doubles and delays it."""
        number = (self.now - T0) // M
        frames = [frame(number, closed=False, event_ms=self.now)] if number not in self.holes else []
        if number - 1 not in self.sent:
            self.sent.add(number - 1)
            frames += [frame(number - 1)] if number - 1 not in self.holes else []
        for one in frames if self.open else []:
            for _ in range(2 if self.chance(0.2) else 1):
                if not self.chance(0.3):
                    delay = self.draw.uniform(0, 90_000 if self.chance(0.1) else 3_000 * self.trouble)
                    self.flying.append((self.now + delay, one))

    def step(self, ms):
        self.now += ms
        due = [what for when, what in self.flying if when <= self.now]
        self.flying = [(when, what) for when, what in self.flying if when > self.now]
        self.draw.shuffle(due)
        for what in due:
            if isinstance(what, Ask):
                self.answer(what)
            else:
                self.take(self.sequence.frame(what, self.now))
        self.send()
        if self.chance(0.04) or (not self.open and self.chance(0.3)) or (not self.open and not self.trouble):
            self.open = not self.open
            change = self.sequence.connected if self.open else self.sequence.disconnected
            self.take(change(self.now))
        if self.chance(0.05):
            self.lag_ms = self.draw.choice([0, 0, 3_000, 20_000, 70_000])
        self.take(self.sequence.tick(self.now))


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), trouble=st.sampled_from([0.0, 0.3, 1.0]), bars=st.integers(12, 30))
def test_every_bar_comes_once_and_in_order_whatever_happens(seed, trouble, bars):
    """Frames lost, doubled, reordered, late; connections lost; REST failing, lagging; bars that never were."""
    world = World(seed, trouble=trouble, bars=bars)
    while world.now < opened(bars):
        world.step(world.draw.choice([200, 1_000, 3_000, 10_000]))
    world.trouble, world.lag_ms = 0.0, 0
    while world.now < opened(bars + 4):
        world.step(1_000)

    got = [one for outcome in only(Delivery, world.out) for one in outcome.rows]
    numbers = delivered(world.out)
    there = [number for number in range(numbers[0], numbers[-1] + 1) if number not in world.holes]
    told = {
        number for one in only(Absence, world.out)
        for number in range((one.first - T0) // M, (one.end - T0) // M)
    }  # fmt: skip

    assert there == numbers
    assert [row(number) for number in numbers] == got
    assert numbers[0] <= 8
    assert numbers[-1] >= bars + 2
    assert {number for number in world.holes if numbers[0] < number < numbers[-1]} == told
    assert [] == only(Correction, world.out)
    assert Phase.LIVE is world.sequence.phase
    for outcome in only(Delivery, world.out):
        assert not outcome.live or 1 == len(outcome.rows)


class Longer(Sequence):
    """Goes the longer way with each bar."""

    def _is_plain(self, opened, now_ms):
        return False


class Both:
    """Tells a sequence and one that goes the longer way the same; both must answer the same and be the same."""

    def __init__(self, **given):
        self.short, self.longer = Sequence(Grid(MINUTE), **given), Longer(Grid(MINUTE), **given)

    def __getattr__(self, name):
        def tell(*args, **kwargs):
            told, again = (getattr(one, name)(*args, **kwargs) for one in (self.short, self.longer))
            assert again == told
            mine, other = (vars(one) | {"_grid": None, "_rules": None} for one in (self.short, self.longer))
            assert other == mine
            assert list(other["_delivered"]) == list(mine["_delivered"])
            return told

        return tell


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    trouble=st.sampled_from([0.0, 0.1, 0.3, 1.0]),
    history=st.sampled_from([0, 1, 6]),
    rules=st.sampled_from(
        [
            Rules(again_ms=500, longest_ms=4_000),
            Rules(grace_ms=500, late_ms=50, hole_asks=1),
            Rules(grace_ms=90_000, late_ms=1_000, settle_ms=0),
            Rules(grace_ms=90_000, late_ms=90_000, settle_ms=0),
            Rules(grace_ms=500, late_ms=150_000, longest_ms=60_000),
        ]
    ),
)
def test_the_short_way_of_a_plain_bar_comes_to_the_same(seed, trouble, history, rules):
    """The same outcomes, and the same to go on from, whatever happens."""
    world = World(seed, trouble=trouble, bars=40, sequence=Both(history=history, rules=rules))
    while world.now < opened(40):
        world.step(world.draw.choice([20, 200, 1_000, 3_000, 10_000]))
    world.trouble, world.lag_ms = 0.0, 0
    while world.now < opened(44):
        world.step(1_000)

    assert delivered(world.out)


def test_a_bar_that_is_not_plain_goes_the_longer_way():
    """One that belongs to the history; the first of all in a new market; one with another overdue behind it."""
    history = Both(history=3, rules=Rules(settle_ms=0))
    first = ask_of(history.connected(at(10, 0.1)))
    history.answered(first, rows(7, 9), at(10, 0.2))
    young = Both(history=3, rules=Rules(hole_asks=1))
    young.answered(ask_of(young.connected(at(10, 20))), [], at(10, 20))
    patient = Both(history=0, rules=Rules(late_ms=150_000))
    patient.connected(at(10, 20))
    patient.answered(ask_of(patient.tick(at(10, 20))), [], at(10, 20))

    for both, now in ((history, at(10, 0.5)), (young, at(11, 0.1)), (patient, at(12, 2.5))):
        assert Phase.LIVE is both.short.phase
        number = (both.short.expected - T0) // M
        out = both.frame(frame(number), now)
        assert ([number], []) == (delivered(out), lives(out))


def test_nearly_every_bar_goes_the_short_way(monkeypatch):
    """Without trouble all but the first ones do."""
    taken = []
    plain = Sequence._take_plain
    monkeypatch.setattr(Sequence, "_take_plain", lambda self, row: taken.append(row[0]) or plain(self, row))
    world = World(1, trouble=0.0, bars=30)
    while world.now < opened(30):
        world.step(200)

    live = [one.rows[0][0] for one in only(Delivery, world.out) if one.live]
    assert live[-len(taken) :] == taken
    assert len(taken) >= len(live) - 1 >= 15
