"""Round trips add up to the money that moved."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bt_run.journal.records import FillRecord, RunRecord, SymbolRecord
from bt_run.journal.round_trips import round_trips, trips_of_journal

D = Decimal


def fill(number: int, side: str, quantity: str, price: str, *paid: str) -> FillRecord:
    """Make a fill of BTCUSDT; `paid` is the fee and its asset."""
    fee, asset = (*paid, "0", "USDT")[:2] if len(paid) != 1 else (paid[0], "USDT")
    amounts = (D(quantity), D(price), D(fee))
    return FillRecord(1, "BTCUSDT", number, f"c{number}", side, *amounts, asset, number)


def trips(*fills: FillRecord, lot_step: str = "0"):
    """Make the trips of them."""
    return round_trips(fills, base_asset="BTC", quote_asset="USDT", lot_step=D(lot_step))


def test_in_and_out():
    """Quantity, prices, fees and profit, by hand."""
    (trip,) = trips(fill(1, "BUY", "0.5", "100", "0.05"), fill(2, "SELL", "0.5", "110", "0.055"))

    assert ("long", 1, 2, D("0.5"), 2) == (trip.side, trip.entry_ms, trip.exit_ms, trip.quantity, trip.fills)
    assert (D(100), D(110)) == (trip.entry_price, trip.exit_price)
    assert (D("0.105"), D("4.895")) == (trip.fees, trip.profit)


def test_several_fills_average():
    """Weighted by quantity; the trip ends when nothing is held."""
    (trip,) = trips(
        fill(1, "BUY", "1", "100"),
        fill(2, "BUY", "3", "104"),
        fill(3, "SELL", "2", "110"),
        fill(4, "SELL", "2", "90"),
    )

    assert (D(4), D(103), D(100), D(-12)) == (trip.quantity, trip.entry_price, trip.exit_price, trip.profit)


def test_a_fee_in_base_asset_never_arrived():
    """0.999 is held and sold; the fee is worth 0.1 at the price paid, and lowers the profit as such."""
    (trip,) = trips(fill(1, "BUY", "1", "100", "0.001", "BTC"), fill(2, "SELL", "0.999", "100"))

    assert (D("0.999"), D("0.1"), D("-0.1")) == (trip.quantity, trip.fees, trip.profit)


def test_a_rest_below_a_lot_step_ends_the_trip_and_goes_on_into_the_next():
    """No profit is lost or made up on the way: the sum is what the account gained."""
    fills = [
        fill(1, "BUY", "1", "100", "0.001", "BTC"),
        fill(2, "SELL", "0.99", "110"),
        fill(3, "BUY", "1", "100", "0.001", "BTC"),
        fill(4, "SELL", "1", "100"),
    ]
    first, second = trips(*fills, lot_step="0.01")

    assert (D("8.9"), D(0), D("1.008")) == (first.profit, second.profit, second.quantity)
    assert 1 == len(trips(*fills))


def test_a_fee_in_a_third_asset_stands_by_itself():
    """Nobody knows its price here."""
    (trip,) = trips(fill(1, "BUY", "1", "100", "0.01", "BNB"), fill(2, "SELL", "1", "101", "0.02", "BNB"))

    assert ({"BNB": D("0.03")}, D(0), D(1)) == (trip.other_fees, trip.fees, trip.profit)


def test_a_reversal_ends_one_trip_and_begins_the_next():
    """The fee is split by quantity, to the last digit."""
    first, second = trips(
        fill(1, "BUY", "1", "100"), fill(2, "SELL", "3", "110", "0.1"), fill(3, "BUY", "2", "105")
    )

    assert ("long", "short") == (first.side, second.side)
    assert D("0.1") == first.fees + second.fees
    assert D("19.9") == first.profit + second.profit
    assert (1, 2, 2, 3) == (first.entry_ms, first.exit_ms, second.entry_ms, second.exit_ms)


def test_what_is_still_held_is_an_open_trip():
    """No exit and no profit is made up."""
    (trip,) = trips(fill(1, "BUY", "2", "100"), fill(2, "SELL", "1", "120"))

    assert (None, None, None, D(2)) == (trip.exit_ms, trip.exit_price, trip.profit, trip.quantity)
    assert [] == trips()


SIZES = st.integers(1, 500).map(lambda steps: D(steps) * D("0.001"))
PRICES = st.integers(1, 10_000_000).map(lambda ticks: D(ticks) * D("0.01"))
MOVES = st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), SIZES, PRICES, st.sampled_from(["USDT", "BNB"])))


@settings(max_examples=150, deadline=None)
@given(moves=MOVES)
def test_closed_trips_add_up_to_the_money_that_moved(moves):
    """Whatever is bought and sold: once all is sold, profits are the change of quote asset, fees all fees."""
    fills, held, money, paid = [], D(0), D(0), D(0)
    left = sum(size if side == "BUY" else -size for side, size, _, _ in moves)
    if left:
        moves = [*moves, ("SELL" if left > 0 else "BUY", abs(left), D(50), "USDT")]
    for number, (side, size, price, asset) in enumerate(moves):
        sign = 1 if side == "BUY" else -1
        fee = size * price * D("0.00075")
        fills.append(FillRecord(1, "BTCUSDT", number, "c", side, size, price, fee, asset, number))
        held += sign * size
        money -= sign * size * price + (fee if asset == "USDT" else 0)
        paid += fee
    found = trips(*fills)

    assert money == sum(trip.profit for trip in found)
    assert paid == sum(trip.fees + sum(trip.other_fees.values()) for trip in found)
    assert all(before.exit_ms <= after.entry_ms for before, after in pairwise(found))


def run(number: int, venue: str = "testnet", mode: str = "live") -> RunRecord:
    """Make a run."""
    return RunRecord(number, venue, mode, "BTCUSDT", "1m", "rsi", {}, {}, "", None, number)


def test_a_position_goes_on_from_run_to_run_but_not_to_another_venue():
    """Bought in run 1, sold in run 2; what the practice exchange fills is no part of it."""
    first, second = fill(1, "BUY", "1", "100"), fill(3, "SELL", "1", "110")
    other = FillRecord(3, "BTCUSDT", 2, "x", "BUY", D(1), D(1), D(0), "BNB", 2)
    sold = FillRecord(2, *[getattr(second, name) for name in second.__slots__[1:]])
    found = trips_of_journal([first, other, sold], [run(1), run(2), run(3, "practice")], [])

    assert [("testnet", 1, 2, D(10)), ("practice", 3, 3, None)] == [
        (trip.venue, trip.entry_run, trip.exit_run, trip.profit) for trip in found
    ]


def test_a_holding_that_was_taken_over_counts_as_bought():
    """At its price, when the run began: its sale is no short, and earns what it earns."""
    sold, bought = fill(1_005, "SELL", "0.5", "110"), fill(1_006, "BUY", "0.1", "100")
    first, second = trips_of_journal([sold, bought], [run(1)], [], openings={1: {"BTCUSDT": (D("0.5"), D(50))}})

    assert ("long", 1, 1_005, D("0.5")) == (first.side, first.entry_ms, first.exit_ms, first.quantity)
    assert (D(100), D(110), D(5)) == (first.entry_price, first.exit_price, first.profit)
    assert ("long", None, D("0.1")) == (second.side, second.profit, second.quantity)


def test_new_books_leave_the_old_ones_alone():
    """What an older run holds is not what a run with new books sells; one that goes on from it does."""
    old, new = fill(1, "BUY", "1", "100"), fill(2, "BUY", "1", "120")
    sold = fill(3, "SELL", "1", "130")
    of_run = [FillRecord(n, *[getattr(each, name) for name in each.__slots__[1:]]) for n, each in
        ((1, old), (2, new), (3, sold))]  # fmt: skip
    runs = [run(1), run(2), replace(run(3), resumes=2)]
    found = trips_of_journal(of_run, runs, [], openings={1: {}, 2: {}})

    assert [(1, 1, None), (2, 3, D(10))] == [(trip.entry_run, trip.exit_run, trip.profit) for trip in found]


@pytest.mark.parametrize("known", [True, False])
def test_the_assets_come_from_the_journal_or_from_the_symbol_s_name(known: bool):
    """The lot step only from the journal: without it the rest stays open."""
    fills = [fill(1, "BUY", "1", "100", "0.001", "BTC"), fill(2, "SELL", "0.99", "100", "0.1")]
    symbols = [SymbolRecord(1, "BTCUSDT", "BTC", "USDT", lot_step=D("0.01"))] if known else []
    (trip,) = trips_of_journal(fills, [run(1)], symbols)

    assert {} == trip.other_fees
    assert (D("-1.1") if known else None) == trip.profit
