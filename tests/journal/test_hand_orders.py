"""Orders by hand in the journal: kept whole, once, and beside the bot that has it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bt_run.journal.hand_orders import HandOrderRecord, HandOrders
from bt_run.journal.journal import Journal
from bt_run.journal.records import OrderEvent, OrderRecord


def record(client_id: str = "bth-1", **changes: object) -> HandOrderRecord:
    order = OrderRecord(
        run=0, client_id=client_id, symbol="BTCUSDT", side="BUY", type="LIMIT", created_ms=5, updated_ms=6,
        quantity=Decimal("0.00000001"), price=Decimal("64000.10"), state="NEW", time_in_force="GTC",
        exchange_id=9007199254740993,
    )  # fmt: skip
    told = {"venue": "testnet", "key": "hand:a", "leg": 0, "source": "hand", "wish": {"kind": "limit"}}
    made = HandOrderRecord(order, **told, story=(OrderEvent("Intent", 5, {"bracket": ""}),))  # type: ignore[arg-type]
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def table(path: Path):
    made = HandOrders(path)
    yield made
    made.close()


def test_what_is_kept_comes_back_whole(table: HandOrders) -> None:
    """Every digit, and the story."""
    assert table.add([record()])

    assert [record()] == table.find("testnet", "hand:a") == table.unsettled("testnet")
    assert record() == table.one("testnet", "bth-1")


def test_an_order_is_kept_once(table: HandOrders) -> None:
    """All legs of a wish or none."""
    assert table.add([record()])
    assert not table.add([record(), record("bth-2", leg=1)])

    assert 1 == len(table.newest("testnet", 9))


def test_a_change_takes_the_place_of_what_was(table: HandOrders) -> None:
    """An order that is over is unsettled no more."""
    table.add([record()])
    was = record()
    now = replace(was, order=replace(was.order, state="FILLED", updated_ms=9))
    table.change([now])

    assert [now] == table.newest("testnet", 9)
    assert [] == table.unsettled("testnet")


def test_venues_and_symbols_are_told_apart(table: HandOrders) -> None:
    """Newest first."""
    later = record("bth-3", key="hand:c")
    table.add([record(), record("bth-2", key="hand:b", venue="demo")])
    table.add([replace(later, order=replace(later.order, created_ms=7, symbol="ETHUSDT"))])

    assert ["bth-3", "bth-1"] == [item.order.client_id for item in table.newest("testnet", 9)]
    assert ["bth-3"] == [item.order.client_id for item in table.newest("testnet", 1)]
    assert ["bth-1"] == [item.order.client_id for item in table.newest("testnet", 9, symbol="BTCUSDT")]
    assert table.one("testnet", "bth-2") is None


def test_a_bot_that_has_the_journal_is_no_hindrance(path: Path) -> None:
    """And finds nothing of it among its orders."""
    with Journal(path) as journal:
        table = HandOrders(path)
        assert table.add([record()])
        assert [] == journal.orders()
        table.close()
