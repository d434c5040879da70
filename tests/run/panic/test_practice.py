"""Out at once on the practice exchange, over real sockets, after a bot that died."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from exchange_market import make_bars
from exchange_practice import KEY, served_practice

from brokers.binance.credentials import Credentials
from brokers.binance.rest_gateway import BinanceGateway
from brokers.client_ids import ClientId
from brokers.order_events import Event, Filled, Submitted
from brokers.orders import Order, apply
from bt_run.core.interval import Interval
from bt_run.core.venue import VENUES
from bt_run.journal.journal import Journal
from bt_run.practice.exchange import Exchange
from bt_run.practice.market import Market
from bt_run.practice.rules import SymbolRules
from bt_run.practice.trading import Trading
from bt_run.run.live.story import fill_record, intent_line, line_of, order_record
from bt_run.run.panic.one_symbol import panic_symbol

D = Decimal
START = 1_767_268_800_000


def make_exchange() -> Exchange:
    """Give an hour of bars and an account with coins of the user's own."""
    bars = make_bars(Interval.parse("1m"), START, 120)
    market = Market.from_bars(bars, Interval.parse("1m"), SymbolRules(), at=60, seed=3)
    return Exchange({"BTCUSDT": market}, Trading({"BTC": D(7), "USDT": D(100_000), "BNB": D(0)}))


@pytest.fixture
def exchange() -> Exchange:
    return make_exchange()


@pytest.fixture
def gateway(exchange: Exchange):
    with served_practice(exchange) as url:
        made = BinanceGateway(replace(VENUES["practice"], rest_url=url), Credentials(KEY.api_key, KEY.secret))
        made.connect()
        yield made
        made.close()


class Sender:
    """Sends orders as the bot does: written down first."""

    def __init__(self, journal: Journal, gateway: BinanceGateway) -> None:
        self.journal = journal
        self.gateway = gateway
        self.ids = ClientId("bcd", 0)

    def order(self, side: str, kind: str, **given: Any) -> Order:
        """Make one."""
        self.ids = self.ids.next()
        return Order(str(self.ids), "BTCUSDT", side, kind, created_ms=self.gateway.server_time_ms(), **given)

    def intend(self, order: Order) -> Order:
        """Write it down."""
        self.journal.write_order(
            order_record(order, run=1, updated_ms=START), intent_line(order, time_ms=START)
        )
        return self.hear(order, Submitted())

    def hear(self, order: Order, event: Event) -> Order:
        """Take an event and write it down."""
        order = apply(order, event)
        record, line = order_record(order, run=1, updated_ms=START), line_of(event, time_ms=START)
        if isinstance(event, Filled):
            self.journal.write_fill(fill_record(order, event, run=1), record, line)
        else:
            self.journal.write_order(record, line)
        return order

    def send(self, order: Order, *, dies: bool = False) -> None:
        """Send it; the bot dies before it has read the answer, or not."""
        order = self.intend(order)
        events = self.gateway.place(order)
        for event in () if dies else events:
            order = self.hear(order, event)

    def send_list(self, orders: list[Order]) -> None:
        """Send an OCO list."""
        sent = [self.intend(order) for order in orders]
        answers = self.gateway.place_list("OCO", sent)
        for order in sent:
            heard = order
            for event in answers[order.client_id]:
                heard = self.hear(heard, event)


@pytest.fixture
def journal(tmp_path: Path):
    with Journal(tmp_path / "bot.sqlite") as opened:
        opened.begin_run(venue="practice", symbol="BTCUSDT", interval="1m", strategy="sar", started_ms=START)
        yield opened


def test_a_dead_bot_s_orders_and_position_are_closed(
    exchange: Exchange, gateway: BinanceGateway, journal: Journal
):
    """It died after a purchase left, with an OCO and an entry resting; the user's 7 BTC and his order stay."""
    sender = Sender(journal, gateway)
    price = exchange.market("BTCUSDT").last_price
    below, above = ((price * D(share)).quantize(D(1)) for share in ("0.9", "1.1"))
    bought = sender.order("BUY", "MARKET", quantity=D("0.5"), purpose="entry")
    sender.send(bought, dies=True)
    sender.send(
        sender.order("BUY", "LIMIT", quantity=D("0.1"), price=below, time_in_force="GTC", purpose="entry")
    )
    legs = {"quantity": D("0.3"), "list_client_id": "btr-bcd-00000099"}
    sender.send_list(
        [
            sender.order("SELL", "LIMIT_MAKER", price=above, purpose="take_profit", **legs),
            sender.order("SELL", "STOP_LOSS", stop_price=below, purpose="stop_loss", **legs),
        ]
    )
    own = Order("by_hand", "BTCUSDT", "SELL", "LIMIT", quantity=D(1), price=above, time_in_force="GTC")
    assert gateway.place(own)

    report = panic_symbol(journal, gateway, "BTCUSDT", venue="practice", run=1, salt=3)

    fee = D("0.0005")
    assert report.is_done, report.sentences
    assert 2 == len(report.canceled)
    assert D("0.5") - fee - report.left == report.sold
    assert report.left < D("0.00001")
    assert ["by_hand"] == [told.client_id for told in gateway.open_orders("BTCUSDT")]
    assert D(7) + report.left == gateway.balances()["BTC"].total
    assert [] == journal.open_orders()
    assert {"FILLED", "CANCELED", "EXPIRED"} >= {order.state for order in journal.orders()}
    again = panic_symbol(journal, gateway, "BTCUSDT", venue="practice", run=1, salt=4)
    assert (True, (), D(0)) == (again.is_done, again.canceled, again.sold)
