"""What a practice exchange knows, against what a live run has written down."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import requests

from bt_run.journal.queries import JournalReader

__all__ = ["assert_journal_is_true", "tell", "truth"]


def truth(site: Any) -> dict[str, Any]:
    """Ask the exchange for all that happened."""
    session = requests.Session()
    session.trust_env = False
    told: dict[str, Any] = session.get(f"{site.exchange.venue.rest_url}/practice/state", timeout=20).json()
    return told


def tell(site: Any, what: str, **body: Any) -> None:
    """Let something happen on the exchange."""
    session = requests.Session()
    session.trust_env = False
    url = f"{site.exchange.venue.rest_url}/practice/{what}"
    session.post(url, json=body, timeout=20).raise_for_status()


def assert_journal_is_true(journal: str | Path, told: dict[str, Any]) -> None:
    """Compare the journal's orders and fills with the exchange's, to the last digit."""
    with JournalReader(journal) as reader:
        fills = {fill.trade_id: fill for fill in reader.fills()}
        orders = {order.client_id: order for order in reader.orders()}
        bars = sorted({bar.open_time for run in reader.runs() for bar in reader.bars(run.run)})
    assert fills.keys() == {fill["id"] for fill in told["fills"]}
    for fill in told["fills"]:
        own = fills[fill["id"]]
        assert (own.quantity, own.price, own.fee) == tuple(
            Decimal(fill[name]) for name in ("qty", "price", "commission")
        )
    states = {"NEW": "OPEN", "PARTIALLY_FILLED": "PARTIAL", "PENDING_NEW": "OPEN"}
    for order in told["orders"]:
        status = order["status"]
        assert orders[order["clientOrderId"]].state == states.get(status, status)
    assert len(orders) >= len(told["orders"])
    assert {later - earlier for earlier, later in pairwise(bars)} == {86_400_000}
