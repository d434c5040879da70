"""A person trades the bot's symbol on the bot's account while it runs: neither touches what is the other's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from brokers.binance.credentials import Credentials
from brokers.binance.rest_gateway import BinanceGateway
from brokers.client_ids import ClientId
from brokers.orders import Order
from bt_run.core.money import Stake
from bt_run.core.settings import Protection
from bt_run.journal.journal import Journal
from bt_run.journal.queries import JournalReader
from bt_run.run.by_hand.desk import HandDesk
from bt_run.run.by_hand.limits import HandLimits
from bt_run.run.by_hand.wish import Wish
from bt_run.run.panic.all_symbols import close_all, find_target
from bt_run.run.verbs import tell_bot

D = Decimal
SYMBOL = "BTCUSDT"
STOPS = Protection(stop_loss_pct=10.0)
OWN = D("0.5")
LOW, HIGH = D(20_000), D(250_000)

Hands = Callable[[], None]


def truth(site: Any) -> dict[str, Any]:
    """Ask the exchange for all that happened."""
    session = requests.Session()
    session.trust_env = False
    told: dict[str, Any] = session.get(f"{site.exchange.venue.rest_url}/practice/state", timeout=20).json()
    return told


def coins(told: dict[str, Any]) -> Decimal:
    balance = told["balances"]["BTC"]
    return D(balance["free"]) + D(balance["locked"])


def key_of(site: Any) -> Credentials:
    return Credentials(site.exchange.api_key, site.exchange.secret)


@contextmanager
def desk_of(site: Any, journal: Path) -> Iterator[Hands]:
    """Trade on the page of ``bt-run web``, whose orders lie in the bot's own journal."""
    desk = HandDesk(
        site.exchange.venue, key_of(site), journal=str(journal), limits=HandLimits(None, None, None)
    )

    def trade() -> None:
        for number, (side, kind, quantity, price) in enumerate(ORDERS):
            wish = Wish(SYMBOL, side, kind, quantity=D(quantity), price=price)
            desk.place(wish, key=f"mine {number}")

    desk.start()
    try:
        yield trade
    finally:
        desk.stop()


@contextmanager
def app_of(site: Any, journal: Path) -> Iterator[Hands]:
    """Trade in the exchange's own app; one id is as another bot of bt-run would give it."""
    gateway = BinanceGateway(site.exchange.venue, key_of(site))
    gateway.connect()
    ids = ("web_0123456789abcdef", str(ClientId("zzzz", 1)), "and_77", "ios_77")

    def trade() -> None:
        for name, (side, kind, quantity, price) in zip(ids, ORDERS, strict=True):
            lasting = {"time_in_force": "GTC", "price": price} if price else {}
            gateway.place(Order(name, SYMBOL, side, kind.upper(), quantity=D(quantity), **lasting))  # type: ignore[arg-type]

    try:
        yield trade
    finally:
        gateway.close()


ORDERS: Any = (
    ("BUY", "market", "0.02", None),
    ("SELL", "market", "0.01", None),
    ("SELL", "limit", "0.3", HIGH),
    ("BUY", "limit", "0.01", LOW),
)
GAIN = D("0.01")


@pytest.fixture(params=[pytest.param(desk_of, marks=pytest.mark.slow), app_of], ids=["web desk", "app"])
def beside(request: pytest.FixtureRequest, start_site: Any, journal_file: Path) -> Iterator[tuple[Any, Hands]]:
    """Give an exchange where a person holds coins and money, and what that person does."""
    balances = {"USDT": D(50_000), "BTC": OWN}
    site = start_site("2025-09-15", fee_asset="quote", balances=balances, step=False)
    Journal(journal_file).close()
    with request.param(site, journal_file) as trade:
        yield site, trade


def assert_nothing_was_mixed(journal: Path, told: dict[str, Any], *, held: Decimal) -> None:
    """The journal has the bot's orders and trades, all of them and no others; the person's are as they were."""
    with JournalReader(journal) as reader:
        ours = {order.client_id for order in reader.orders()}
        fills = {fill.trade_id for fill in reader.fills()}
    orders = sorted(told["orders"], key=lambda order: int(order["orderId"]))
    theirs = [order for order in orders if order["clientOrderId"] not in ours]
    numbers = {order["orderId"] for order in theirs}
    assert [
        ("BUY", "MARKET", "FILLED"),
        ("SELL", "MARKET", "FILLED"),
        ("SELL", "LIMIT", "NEW"),
        ("BUY", "LIMIT", "NEW"),
    ] == [(order["side"], order["type"], order["status"]) for order in theirs]
    assert {fill["id"] for fill in told["fills"] if fill["orderId"] not in numbers} == fills
    assert OWN + GAIN + held == coins(told)


def trade_when_covered(site: Any, trade: Hands) -> list[str]:
    """Let the person trade once, as soon as the bot's stop stands; gives all that the bot says."""
    heard: list[str] = []

    def follow(sentence: str) -> None:
        if sentence.endswith("is placed") and not any(said.endswith("is placed") for said in heard):
            trade()
        heard.append(sentence)

    site.follower.on_say = follow
    return heard


def test_a_run_and_the_next_one_go_on_beside_it(beside: Any, journal_file: Path) -> None:
    """The next start names what is not its own, and refuses nothing; at the end the bot sells its own coins."""
    site, trade = beside
    changes = {"journal": journal_file, "origin": None, "protection": STOPS, "cash": D(10_000)}
    heard = trade_when_covered(site, trade)
    first = site.make("sar", **changes)
    follow = site.follower.on_say

    def stop_when_it_has_left_and_entered(sentence: str) -> None:
        follow(sentence)
        if sum("bought" in said for said in heard) == 2:
            first.ask_to_stop("it has traded on")

    site.follower.on_say = stop_when_it_has_left_and_entered
    first.run()
    with JournalReader(journal_file) as reader:
        held = sum((f.quantity if f.side == "BUY" else -f.quantity for f in reader.fills()), D(0))
    assert held > 0
    assert_nothing_was_mixed(journal_file, truth(site), held=held)

    site.follower.on_say = lambda sentence: None
    site.run("sar", **{key: changes[key] for key in ("journal", "origin", "protection")}, on_stop="close")
    assert_nothing_was_mixed(journal_file, truth(site), held=D(0))
    words = [*site.follower.said, *site.follower.warned]
    assert 2 == sum("is not touched" in said for said in words)
    assert not [said for said in words if "contradict" in said or "something else" in said]


@pytest.mark.slow
def test_panic_of_the_bot_leaves_it(beside: Any, journal_file: Path) -> None:
    site, trade = beside
    answers: list[str] = []
    teller = threading.Thread(target=lambda: answers.extend(tell_bot(journal_file, "panic")))

    def act() -> None:
        trade()
        session = requests.Session()
        session.trust_env = False
        session.post(f"{site.exchange.venue.rest_url}/practice/speed", json={"speed": 1}, timeout=20)
        teller.start()

    trade_when_covered(site, act)
    run = {"journal": journal_file, "origin": None, "protection": STOPS, "cash": D(10_000)}
    outcome = site.run("sar", **run)
    teller.join(20)

    assert "bt-run panic" == outcome.reason
    assert "NOT" not in "".join(answers)
    assert_nothing_was_mixed(journal_file, truth(site), held=D(0))


@pytest.mark.slow
def test_money_that_a_person_spent_stops_entries_and_nothing_else(
    start_site: Any, journal_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --cash all money is the bot's. The next start goes on with the holding all the same."""
    monkeypatch.setattr("bt_run.run.live.recovery._AGAIN_S", 0.01)
    balances = {"USDT": D(20_000), "BTC": OWN}
    site = start_site("2025-09-15", fee_asset="quote", balances=balances, step=False)
    changes = {"journal": journal_file, "origin": None, "protection": STOPS, "stake": Stake(50.0, "percent")}
    with app_of(site, journal_file) as trade:
        first = site.make("sar", **changes)

        def act() -> None:
            trade()
            first.ask_to_stop("it holds")

        trade_when_covered(site, act)
        first.run()
    site.follower.on_say = lambda sentence: None
    outcome = site.run("sar", **changes)

    assert "the data has ended" == outcome.reason
    assert any("something else has spent or withdrawn the rest" in said for said in site.follower.warned)
    with JournalReader(journal_file) as reader:
        assert ["BUY", "SELL"] == [fill.side for fill in reader.fills()]
        refused = [str(told.details) for told in reader.connections(2) if told.kind == "refused"]
    assert refused
    assert all("No entries while orders and exchange contradict each other" in words for words in refused)
    assert_nothing_was_mixed(journal_file, truth(site), held=D(0))


@pytest.mark.slow
def test_panic_without_the_bot_leaves_it(beside: Any, journal_file: Path) -> None:
    site, trade = beside
    run = site.make("sar", journal=journal_file, origin=None, protection=STOPS, cash=D(10_000))

    def act() -> None:
        trade()
        run.ask_to_stop("it is gone")

    trade_when_covered(site, act)
    run.run()
    gateway = BinanceGateway(site.exchange.venue, key_of(site))
    gateway.connect()
    with Journal(journal_file) as journal:
        reports, failures = close_all(journal, gateway, find_target(journal))
    gateway.close()

    assert ([], [True]) == (list(failures), [report.is_done for report in reports])
    assert_nothing_was_mixed(journal_file, truth(site), held=D(0))
