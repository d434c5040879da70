"""From which runs of the journal a start goes on, and with which facts about what stops entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brokers.holdings import Ledger
from bt_run.core.venue import find_venue
from bt_run.journal.journal import Journal
from bt_run.run.live.begin import begin_run, end_run, find_past
from bt_run.run.live.books import OPENING, opening_document
from bt_run.run.live.plan import LivePlan
from bt_run.run.panic.books import newest_runs, symbols_in_play
from bt_run.run.safety_limits import STATE_KEY, SafetyFacts
from bt_run.run.verbs import hold_entries, release_entries
from strategies.loader import load_strategy

LOST = SafetyFacts(day=20_000, day_start=Decimal(1000), day_lost=True)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "live.sqlite") as opened:
        yield opened


@pytest.fixture
def plan() -> LivePlan:
    return LivePlan(load_strategy("sar"), find_venue("testnet"))


def books(coins: str) -> dict[str, Any]:
    """What a run holds when it begins."""
    opened = Ledger("USDT", Decimal(500)).with_symbol("BTCUSDT", "BTC", "USDT")
    document = opening_document(opened)
    document["holdings"]["BTCUSDT"] |= {"quantity": coins, "cost": "100"}
    return document


def test_what_stops_entries_outlives_starts_that_failed(journal: Journal, plan: LivePlan):
    """A start that ends before its guard is there, as on a bad connection, has no facts of its own."""
    first = begin_run(journal, plan, None)
    journal.write_state(first.run, OPENING, books("0"))
    journal.write_state(first.run, STATE_KEY, LOST.document())
    for _ in range(2):
        end_run(journal, begin_run(journal, plan, find_past(journal, plan)), "failed: no connection")

    past = find_past(journal, plan)

    assert past is not None
    assert LOST == SafetyFacts.of(past.state)


def test_a_pause_between_two_runs_keeps_the_other_facts(journal: Journal, plan: LivePlan):
    """It is written under the newest run, which may have failed before it had facts."""
    first = begin_run(journal, plan, None)
    journal.write_state(first.run, OPENING, books("0"))
    journal.write_state(first.run, STATE_KEY, LOST.document())
    begin_run(journal, plan, find_past(journal, plan))
    hold_entries(journal, "since bt-run panic")
    past = find_past(journal, plan)
    assert past is not None
    facts = SafetyFacts.of(past.state)

    release_entries(journal)
    after = find_past(journal, plan)

    assert ("since bt-run panic", True) == (facts.paused, facts.day_lost)
    assert after is not None
    assert SafetyFacts() == SafetyFacts.of(after.state)


def test_a_fresh_start_that_failed_leaves_the_old_books_in_force(journal: Journal, plan: LivePlan):
    """Where it never had books of its own, what was held before is still there, and still ours."""
    first = begin_run(journal, plan, None)
    journal.write_state(first.run, OPENING, books("0.5"))
    failed = begin_run(journal, plan, None)
    end_run(journal, failed, "failed: the account has less")
    hold_entries(journal, "by bt-run pause")

    past = find_past(journal, plan)

    assert past is not None
    assert (first.run, Decimal("0.5")) == (past.last.run, past.ledger.holding("BTCUSDT").quantity)
    assert "by bt-run pause" == SafetyFacts.of(past.state).paused
    assert ["BTCUSDT"] == symbols_in_play(journal, venue="testnet")


def test_the_order_in_which_symbols_are_given_is_no_matter(journal: Journal, plan: LivePlan):
    """What is held of two symbols is held however they are written the next time."""
    symbols = ("BTCUSDT", "ETHUSDT")
    first = begin_run(journal, replace(plan, symbols=symbols), None)
    journal.write_state(first.run, OPENING, books("0.5"))

    past = find_past(journal, replace(plan, symbols=symbols[::-1]))
    assert past is not None
    assert Decimal("0.5") == past.ledger.holding("BTCUSDT").quantity

    second = begin_run(journal, replace(plan, symbols=symbols[::-1]), past)
    assert [second.run] == [run.run for run in newest_runs(journal)]


def test_other_symbols_have_other_books(journal: Journal, plan: LivePlan):
    """The journal's column is too narrow for the names of many; they are not told apart by their number."""
    many = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "ADAUSDT")
    first = begin_run(journal, replace(plan, symbols=many), None)
    journal.write_state(first.run, OPENING, books("0.5"))

    assert find_past(journal, replace(plan, symbols=(*many[:-1], "DOGEUSDT"))) is None
    assert find_past(journal, replace(plan, symbols=many)) is not None


def test_books_that_a_reset_closed_are_not_held_any_more(journal: Journal, plan: LivePlan):
    """A run may go on from another one and still begin with new books."""
    first = begin_run(journal, plan, None)
    journal.write_state(first.run, OPENING, books("0.5"))
    second = begin_run(journal, plan, find_past(journal, plan))
    journal.write_state(second.run, OPENING, books("0"))

    assert [] == symbols_in_play(journal, venue="testnet")
