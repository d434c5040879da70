"""The desk tells signals, what they are worth while they last, and how they ended."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bt_run.run.signals.documents import document_of
from bt_run.run.signals.events import Potential, SignalEnded, SignalSeen

HISTORY = 300


def _run(desk, bars, start=HISTORY):
    """Open with a history and close the other bars one by one; give all events."""
    desk.open(bars[:start])
    events = []
    for end in range(start + 1, len(bars) + 1):
        events += desk.close_bars(bars[:end])
    return events


def test_the_desk_tells_every_signal_once_and_in_order(daily, desk, reader):
    """What it tells bar by bar is what the reader finds in all bars at once."""
    from strategies.loader import load_strategy

    events = _run(desk("combined"), daily.bars[:600])
    told = [(one.position, one.kind) for one in events if isinstance(one, SignalSeen)]
    whole = reader(load_strategy("combined")).read(daily.bars[:600]).decisions

    assert [(one.position, one.kind) for one in whole if one.position >= HISTORY] == told
    assert len(told) > 6


def test_a_signal_has_price_indicators_size_and_past(daily, desk):
    """At the close of its bar, with nothing of the bars after it."""
    events = _run(desk("combined"), daily.bars[:600])
    entries = [one for one in events if isinstance(one, SignalSeen) and one.is_entry]
    first, last = entries[0], entries[-1]

    assert float(daily.bars.close[first.position]) == first.price
    assert first.time_ms == first.open_time + 86_400_000
    assert {"RSI", "MACD", "MACD signal", "Votes", "SMA 10", "SMA 30"} == set(first.values)
    assert 0 < float(first.sizing.cost + first.sizing.fee) <= 250
    assert last.past.cases == first.past.cases + len(entries) - 1
    assert last.past.trips == last.past.cases


def test_what_a_signal_is_worth_follows_the_price(daily, desk):
    """Percent and amount from the signal's price, best and worst since, and the fees in the break-even."""
    one = desk("combined")
    signal = one.open(daily.bars[:331]) or next(
        seen
        for end in range(332, 700)
        for seen in one.close_bars(daily.bars[:end])
        if isinstance(seen, SignalSeen) and seen.is_entry
    )
    price, quantity = signal.price, float(signal.sizing.quantity)
    before = one.see_price(1, price, high=price, low=price)
    up = one.see_price(2, price * 1.10, high=price * 1.12, low=price * 0.9)
    down = one.see_price(3, price * 0.95, high=price * 1.12, low=price * 0.9)

    assert before.bars == len(one.bars) - 1 - signal.position
    assert up.now_pct == pytest.approx(10.0)
    assert up.amount == pytest.approx(0.10 * price * quantity)
    assert up.net == pytest.approx(up.amount - 0.001 * quantity * price * 2.10)
    assert (down.best_pct, down.now_pct) == (pytest.approx(max(12.0, before.best_pct)), pytest.approx(-5.0))
    assert down.worst_pct == pytest.approx(min(-10.0, before.worst_pct))
    assert down.break_even == pytest.approx(price * 1.001 / 0.999)


def test_an_exit_ends_the_signal_with_its_result(daily, desk):
    """The entry's worth at the close of the exit's bar; after it nothing is worth anything."""
    one = desk("macd")
    events = _run(one, daily.bars[:400])
    ended = [event for event in events if isinstance(event, SignalEnded)]
    exits = [event for event in events if isinstance(event, SignalSeen) and not event.is_entry]

    assert [event.time_ms for event in exits] == [end.result.time_ms for end in ended]
    for end, leave in zip(ended, exits, strict=True):
        assert end.result.now_pct == pytest.approx((leave.price / end.signal.price - 1) * 100)
        assert end.result.worst_pct <= end.result.now_pct <= end.result.best_pct
    assert ended == one.ended


def test_a_turn_ends_one_signal_and_begins_another(daily, desk):
    """With shorts an entry of the other side is an exit first."""
    events = _run(desk("macd", allow_short=True), daily.bars[:400])
    signals = [event for event in events if isinstance(event, SignalSeen)]
    turns = [(one.kind, two.kind) for one, two in pairwise(signals) if one.position == two.position]

    assert {("long exit", "short entry"), ("short exit", "long entry")} == set(turns)


def test_while_a_signal_lasts_each_bar_tells_its_worth(daily, desk):
    """One potential a bar, none on the bar of a signal and none where nothing is held."""
    one = desk("combined")
    standing = one.open(daily.bars[:HISTORY])
    held = standing is not None
    for end in range(HISTORY + 1, 500):
        events = one.close_bars(daily.bars[:end])
        signals = [event for event in events if isinstance(event, SignalSeen)]
        worth = [event for event in events if isinstance(event, Potential)]
        assert len(worth) == (held and not signals)
        held = one.lasting is not None


def test_bars_that_come_late_make_late_signals(daily, desk):
    """Only the bar that has just closed can be acted on at once."""
    one = desk("macd")
    one.open(daily.bars[:200])
    late = [
        event for event in one.close_bars(daily.bars[:300]) if isinstance(event, SignalSeen) and event.is_late
    ]

    assert late
    assert all(event.position < 299 for event in late)


def test_every_event_is_a_line_of_json(daily, desk):
    """No NaN, and amounts that are exact are text."""
    events = _run(desk("combined"), daily.bars[:600])
    documents = [json.loads(json.dumps(document_of(event), allow_nan=False)) for event in events]
    entry = next(one for one in documents if one["event"] == "signal" and one["size"])

    assert {"signal", "potential", "ended"} == {one["event"] for one in documents}
    assert entry["side"] == "buy"
    assert entry["size"]["quantity"].startswith("0.0")
    assert [1, 5, 20] == [move["bars"] for move in entry["past"]["moves"]]


def test_an_empty_history_is_enough_to_begin(daily, desk):
    """Without history there are no cases, and signals come once the indicators are warm."""
    one = desk("combined")

    assert one.open(daily.bars[:0]) is None
    assert one.see_price(1, 1.0, high=1.0, low=1.0) is None
    assert one.close_bars(daily.bars[:1]) == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.floats(0.5, 2.0), min_size=1, max_size=30),
    st.sampled_from(["long", "short"]),
)
def test_the_worth_of_a_signal_is_never_outside_its_extremes(daily, desk, moves, side):
    """Worst <= now <= best at every price, and what is left after fees is less than the amount."""
    one = desk("macd", allow_short=True)
    one.open(daily.bars[:200])
    end = 200
    while one.lasting is None or one.lasting.is_long != (side == "long"):
        end += 1
        one.close_bars(daily.bars[:end])
    price = one.lasting.price
    for number, move in enumerate(moves):
        at = price * move
        worth = one.see_price(number, at, high=at, low=at)
        assert worth.worst_pct <= worth.now_pct + 1e-12
        assert worth.now_pct <= worth.best_pct + 1e-12
        assert worth.net < worth.amount
        assert (worth.net > 0) == ((at > worth.break_even) == (side == "long") and at != worth.break_even)
