"""With which books and orders a run begins, by its journal and an exchange of our own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brokers.filters import Range, SymbolFilters
from brokers.gateway import FeeRates, Inbox
from brokers.live.desk import Desk
from brokers.orders import Order
from brokers.paper import PaperAccount, PaperGateway, Quote
from brokers.reconciling.views import ExchangeTrade
from bt_run.core.errors import ConfigError, JournalError
from bt_run.core.venue import find_venue
from bt_run.journal.journal import Journal
from bt_run.run.live.begin import Begun, begin_run, find_past, open_books
from bt_run.run.live.books import OPENING
from bt_run.run.live.plan import LivePlan
from bt_run.run.live.recorder import JournalRecorder
from bt_run.run.safety_limits import STATE_KEY, SafetyFacts
from strategies.loader import load_strategy

D = Decimal
SYMBOL = "BTCUSDT"
HOUR_MS = 3_600_000
RULES = SymbolFilters(
    SYMBOL, "TRADING", "BTC", "USDT", 8, 8, frozenset(), (), True, True, True, True, True, True,
    price=Range(D("0.01"), D(0), D("0.01")), lot=Range(D("0.001"), D(0), D("0.001")),
)  # fmt: skip


class Deaf:
    """Hears what a desk has learnt, and does nothing."""

    def trade_booked(self, *told: Any) -> None:
        """Forget it."""

    def order_changed(self, *told: Any) -> None:
        """Forget it."""

    def order_adopted(self, *told: Any) -> None:
        """Forget it."""


class World:
    """An account at an exchange, and a journal of runs that trade there."""

    def __init__(self, journal: Journal, venue: str) -> None:
        self.journal = journal
        self.plan = LivePlan(load_strategy("sar"), find_venue(venue))
        self.now_ms = 1_789_000_000_000
        self.gateway = self.open_account()

    def open_account(self) -> PaperGateway:
        """Give an account on which nothing has ever happened."""
        return PaperGateway(
            filters={SYMBOL: RULES},
            quotes=lambda symbol: Quote(D(100), D(100), D(100)),
            fees=FeeRates(D(0), D(0)),
            account=PaperAccount({"USDT": D(1000)}),
            inbox=Inbox(),
            clock_ms=lambda: self.now_ms,
        )

    def begin(self, **changes: Any) -> tuple[Begun, JournalRecorder]:
        """Begin a run, an hour after the last."""
        self.now_ms += HOUR_MS
        plan = replace(self.plan, **changes)
        past = find_past(self.journal, plan)
        recorder = JournalRecorder(
            self.journal, begin_run(self.journal, plan, past).run, now_ms=self.gateway.server_time_ms
        )
        begun = open_books(
            plan,
            past,
            self.gateway,
            recorder,
            {SYMBOL: RULES},
            last_price=lambda symbol: D(100),
            sleep=lambda s: None,
        )
        return begun, recorder

    def desk(self, begun: Begun, recorder: JournalRecorder) -> Desk:
        """Give a desk that trades for a run."""
        recorder.begin(begun.ledger)
        return Desk(
            self.gateway, begun.ledger, recorder=recorder, listener=Deaf(), fee_price=lambda asset, quote: None
        )

    def fill_a_part(self, desk: Desk, client_id: str, quantity: str) -> None:
        """Execute a part of a resting purchase."""
        account, part = self.gateway.account, D(quantity)
        resting = account.orders[client_id]
        resting.executed, resting.status = part, "PARTIALLY_FILLED"
        price = resting.order.price or D(0)
        account.totals["USDT"] -= part * price
        account.totals["BTC"] = part
        trade = ExchangeTrade(SYMBOL, 7, resting.exchange_id, part, price, D(0), "USDT", self.now_ms, True)
        account.trades.append(trade)
        desk.take(client_id, trade.filled())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "live.sqlite") as opened:
        yield opened


def order(begun: Begun, count: int, side: Any, type_: Any, **asked: Any) -> Order:
    """Make an order of a run."""
    name = replace(begun.first_id, counter=count)
    return Order(str(name), SYMBOL, side, type_, **{"quantity": D(2), "bracket": "b", **asked})


def buy_and_protect(world: World) -> None:
    """Let a run buy, and leave a stop on the exchange."""
    begun, recorder = world.begin()
    desk = world.desk(begun, recorder)
    for made in (
        order(begun, 1, "BUY", "MARKET", purpose="entry"),
        order(begun, 2, "SELL", "STOP_LOSS", purpose="stop_loss", stop_price=D(90)),
    ):
        desk.place(replace(made, created_ms=world.now_ms))
    recorder.flush()


def test_another_account_s_key_opens_no_new_books_with_real_money(journal: Journal):
    """Only a testnet is ever reset; elsewhere, who knows nothing of our books is another account."""
    world = World(journal, "mainnet")
    buy_and_protect(world)
    own, world.gateway = world.gateway, world.open_account()

    with pytest.raises(ConfigError, match="the key is another account's"):
        world.begin()

    world.gateway = own
    begun, _ = world.begin()
    assert D(2) == begun.ledger.holding(SYMBOL).quantity
    assert ["STOP_LOSS"] == [known.type for known in begun.orders if not known.is_terminal]


def test_a_testnet_that_was_reset_is_begun_anew(journal: Journal):
    world = World(journal, "testnet")
    buy_and_protect(world)
    world.gateway = world.open_account()

    begun, _ = world.begin()
    assert (D(1000), D(0)) == (begun.ledger.cash, begun.ledger.holding(SYMBOL).quantity)


def test_a_bracket_whose_entry_still_fills_is_not_sold_at_a_restart(journal: Journal):
    """Its legs wait for the rest of the entry; with a part sold they could not be placed any more."""
    world = World(journal, "testnet")
    begun, recorder = world.begin()
    desk = world.desk(begun, recorder)
    listed = {"list_client_id": "list", "created_ms": world.now_ms}
    entry = order(begun, 1, "BUY", "LIMIT", price=D(90), purpose="entry", **listed)
    target = order(begun, 2, "SELL", "LIMIT_MAKER", price=D(110), purpose="take_profit", **listed)
    stop = order(begun, 3, "SELL", "STOP_LOSS", stop_price=D(80), purpose="stop_loss", **listed)
    desk.place_list("OTOCO", [entry, target, stop])
    world.fill_a_part(desk, entry.client_id, "0.5")
    recorder.flush()

    begun, _ = world.begin()
    assert any("waits until the entry is wholly filled" in sentence for sentence in begun.sentences)
    assert () == begun.unprotected


def test_a_bracket_without_its_legs_is_sold_at_a_restart(journal: Journal):
    """The process died between the entry and its protection."""
    world = World(journal, "testnet")
    begun, recorder = world.begin()
    desk = world.desk(begun, recorder)
    desk.place(order(begun, 1, "BUY", "MARKET", purpose="entry", created_ms=world.now_ms))
    recorder.flush()

    begun, _ = world.begin()
    assert [D(2)] == [bare.quantity for bare in begun.unprotected]


def test_a_pause_is_there_before_new_books_are(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    """A start that is killed right after its books were written has forgotten nothing."""
    world = World(journal, "testnet")
    _, recorder = world.begin()
    recorder.state(STATE_KEY, SafetyFacts(paused="by bt-run pause").document())
    write = JournalRecorder.state

    def die(recorder: JournalRecorder, key: str, value: Any) -> None:
        write(recorder, key, value)
        if key == OPENING:
            raise JournalError("killed")

    with monkeypatch.context() as patch, pytest.raises(JournalError):
        patch.setattr(JournalRecorder, "state", die)
        world.begin(fresh=True)

    begun, _ = world.begin()
    assert begun.facts is not None
    assert "by bt-run pause" == begun.facts.paused
