"""What a run must not touch, and what its limits stop: on a practice exchange."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from live_truth import truth

from brokers.binance.codec import KeyRights
from brokers.binance.credentials import Credentials
from brokers.binance.rest_gateway import BinanceGateway
from brokers.orders import Order
from bt_run.core.venue import find_venue
from bt_run.journal.queries import JournalReader
from bt_run.run.by_hand.desk import HandDesk
from bt_run.run.by_hand.limits import HandLimits
from bt_run.run.by_hand.wish import Wish
from bt_run.run.live.plan import LivePlan
from bt_run.run.live.run import LiveRun
from bt_run.run.safety_limits import SafetyLimits
from strategies.loader import load_strategy

D = Decimal


def test_orders_and_coins_of_others_are_not_touched(start_site: Any, journal_file: Path) -> None:
    """A run that cancels and sells everything at its end leaves what somebody else has on the account."""
    balances = {"USDT": D(10_000), "BTC": D("0.5")}
    site = start_site("2025-09-01", fee_asset="quote", balances=balances, step=False)
    gateway = BinanceGateway(site.exchange.venue, Credentials(site.exchange.api_key, site.exchange.secret))
    gateway.connect()
    for number, (side, price) in enumerate((("BUY", "20000"), ("SELL", "150000"))):
        order = Order(f"by-hand-{number}", "BTCUSDT", side, "LIMIT", quantity=D("0.1"), price=D(price))  # type: ignore[arg-type]
        gateway.place(order)
    gateway.close()
    outcome = site.run("sar", journal=journal_file, origin=None, on_stop="close")

    told = truth(site)
    status = {order["clientOrderId"]: order["status"] for order in told["orders"]}
    assert status["by-hand-0"] == status["by-hand-1"] == "NEW"
    assert len(status) > 6
    assert {state for name, state in status.items() if not name.startswith("by-hand")} == {"FILLED"}
    assert D(told["balances"]["BTC"]["free"]) + D(told["balances"]["BTC"]["locked"]) == D("0.5")
    assert sum("by-hand" in said and "is not touched" in said for said in site.follower.said) == 2
    assert not [sentence for sentence in outcome.sentences if "Still" in sentence]


@pytest.mark.slow
def test_orders_of_the_web_desk_in_the_same_journal_are_not_touched(
    start_site: Any, journal_file: Path
) -> None:
    """A bot that cancels and sells everything at its end takes them for a stranger's; so does its journal."""
    balances = {"USDT": D(20_000), "BTC": D("0.5")}
    site = start_site("2025-09-01", fee_asset="quote", balances=balances, step=False)
    key = Credentials(site.exchange.api_key, site.exchange.secret)
    hand = HandDesk(site.exchange.venue, key, journal=str(journal_file), limits=HandLimits(None, None, None))
    hand.start()
    low, high = D(50_000), D(200_000)
    pair = Wish("BTCUSDT", "SELL", "oco", quantity=D("0.1"), price=high, stop_price=low)
    (bid,) = hand.place(
        Wish("BTCUSDT", "BUY", "limit", quantity=D("0.1"), price=low), key="a bid of mine"
    ).orders
    ids = {bid.client_id, *(row.client_id for row in hand.place(pair, key="a pair of mine").orders)}
    site.run("sar", journal=journal_file, origin=None, on_stop="close", cash=D(10_000))
    still = {row.client_id for row in hand.orders() if row.is_open and row.whose == "hand"}
    hand.stop()

    status = {order["clientOrderId"]: order["status"] for order in truth(site)["orders"]}
    assert ids == still
    assert {"NEW"} == {status[name] for name in ids}
    assert len(status) > 6
    assert 3 == sum("bth-" in said and "is not touched" in said for said in site.follower.said)
    with JournalReader(journal_file) as reader:
        assert not ids & {order.client_id for order in reader.orders()}


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (SafetyLimits(max_order=D(100)), "limit of 100"),
        (SafetyLimits(max_drawdown_pct=D("0.5")), "drawdown"),
    ],
    ids=["order", "drawdown"],
)
def test_a_limit_stops_entries_says_why_and_lets_exits_go(
    start_site: Any, journal_file: Path, limits: SafetyLimits, rule: str
) -> None:
    site = start_site("2025-08-01", step=False)
    site.run("sar", journal=journal_file, origin=None, limits=limits)

    with JournalReader(journal_file) as reader:
        sides = [fill.side for fill in reader.fills()]
        refused = [told for told in reader.connections(1) if told.kind == "refused"]
    assert len(sides) % 2 == 0  # each entry was left
    assert sides.count("BUY") == sides.count("SELL") <= 2
    assert len(refused) > 5
    assert any(rule in said for said in site.follower.warned)


@pytest.mark.parametrize(("rights", "warned"), [(KeyRights(True, True), True), (KeyRights(True, False), False)])
def test_a_key_that_may_withdraw_draws_a_warning(rights: KeyRights, warned: bool) -> None:
    heard: list[str] = []
    audience: Any = SimpleNamespace(warn=lambda sentence, time_ms: heard.append(sentence))
    run = LiveRun(
        LivePlan(load_strategy("sar"), find_venue("mainnet")), Credentials("k", "s"), audience=audience
    )
    exchange: Any = SimpleNamespace(key_rights=lambda: rights)
    run._check_rights(SimpleNamespace(exchange=exchange, gateway=SimpleNamespace(server_time_ms=lambda: 0)))  # type: ignore[arg-type]

    assert [any("may withdraw money" in said for said in heard)] == [warned]
