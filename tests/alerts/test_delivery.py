"""The outbox's rules: when a delivery is tried, again, or no more."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bt_run.alerts.delivery import GIVE_UP_MS, Delivery, Outcome, after, backoff_s, next_due
from bt_run.alerts.happening import Happening

T0 = 1_789_000_000_000
HAPPENED = Happening("signal", "a", T0, "BTCUSDT", "long")


def delivery(number: int = 1, **given: object) -> Delivery:
    """Make a delivery that is due."""
    return replace(Delivery(number, "t", HAPPENED, created_ms=T0, due_ms=T0), **given)


def test_what_is_sent_is_done():
    """And marked with the time."""
    done = after(delivery(), Outcome(is_sent=True), T0 + 5)

    assert ("sent", 1, T0 + 5) == (done.state, done.attempts, done.done_ms)


def test_what_fails_is_tried_again_later_and_later():
    """After 2, 4, 8 seconds; never later than a quarter of an hour."""
    pauses, kept = [], delivery()
    for _ in range(12):
        kept = after(kept, Outcome(is_sent=False, reason="dead"), T0)
        pauses.append((kept.due_ms - T0) / 1000)

    assert [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900] == pauses
    assert ("waiting", "dead") == (kept.state, kept.reason)


def test_a_service_that_names_its_pause_gets_it():
    """Where that is longer than our own."""
    assert T0 + 30_000 == after(delivery(), Outcome(is_sent=False, wait_s=30.0), T0).due_ms


def test_a_refusal_and_a_day_end_it():
    """It is marked as failed, with the reason."""
    refused = after(delivery(), Outcome(is_sent=False, reason="no such chat", is_final=True), T0)
    old = after(delivery(), Outcome(is_sent=False, reason="dead"), T0 + GIVE_UP_MS)

    assert ["failed", "failed"] == [refused.state, old.state]
    assert "no such chat" == refused.reason


def test_deliveries_go_out_in_order():
    """One that has failed holds up those behind it, until it has failed five times."""
    late = delivery(1, attempts=1, due_ms=T0 + 1)

    assert next_due([late, delivery(2)], T0) is None
    assert 1 == next_due([late, delivery(2)], T0 + 1).alert
    assert 2 == next_due([replace(late, attempts=5), delivery(2)], T0).alert


def test_what_waits_for_the_morning_lets_others_pass():
    """An urgent message goes before it."""
    assert 2 == next_due([delivery(1, due_ms=T0 + 9), delivery(2)], T0).alert


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 9)), max_size=8))
def test_only_what_is_due_is_tried(waiting: list[tuple[int, int]]):
    """Whatever waits."""
    kept = [delivery(i, due_ms=T0 + due, attempts=tried) for i, (due, tried) in enumerate(waiting)]
    found = next_due(kept, T0)

    assert found is None or found.due_ms <= T0
    assert [0.0] == [backoff_s(0)]
