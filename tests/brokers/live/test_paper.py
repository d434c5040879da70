"""Trading on paper: what fills, when, at what price, and that no coin is made or lost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.amounts import total_of
from brokers.gateway import FeeRates, Inbox
from brokers.order_events import Accepted, Canceled, CancelRefused, Expired, Filled, Rejected
from brokers.orders import Order
from brokers.paper import PaperAccount, PaperGateway, Quote
from bt_run.core.errors import ConfigError

D = Decimal


class Paper:
    """A gateway, its prices and its inbox."""

    def __init__(self, rules, *, base="5", cash="1000", maker="0", taker="0.001"):
        self.quote = Quote(D(99), D(101), D(100))
        self.inbox = Inbox()
        self.account = PaperAccount({"BTC": D(base), "USDT": D(cash)})
        self.gateway = PaperGateway(
            filters={"BTCUSDT": rules},
            quotes=lambda _: self.quote,
            fees=FeeRates(D(maker), D(taker)),
            account=self.account,
            inbox=self.inbox,
            clock_ms=lambda: 1_000,
        )
        self.count = 0

    def order(self, side, type_, quantity="1", **more):
        self.count += 1
        amount = {} if "quote_quantity" in more else {"quantity": D(quantity)}
        return Order(f"o{self.count}", "BTCUSDT", side, type_, **amount, **more)

    def place(self, *args, **more):
        return self.gateway.place(self.order(*args, **more))

    def move(self, bid, ask, last=None):
        self.quote = Quote(D(bid), D(ask), D(last or bid))
        self.gateway.on_quote("BTCUSDT", D(bid), D(ask), D(last) if last else None)
        return self.heard()

    def trade(self, price):
        self.quote = Quote(self.quote.bid, self.quote.ask, D(price))
        self.gateway.on_trade("BTCUSDT", D(price))
        return self.heard()

    def heard(self):
        return [(seen.client_id, type(seen.event)) for seen in self.inbox.take()]


@pytest.fixture
def paper(make_exchange):
    return Paper(make_exchange().filters("BTCUSDT"))


def kinds(events):
    return [type(event) for event in events]


def test_market_orders_take_the_best_price_and_pay_as_on_binance(paper):
    bought = paper.place("BUY", "MARKET")
    sold = paper.place("SELL", "MARKET")
    assert (bought[1].price, bought[1].fee, bought[1].fee_asset) == (D(101), D("0.001"), "BTC")
    assert (sold[1].price, sold[1].fee, sold[1].fee_asset) == (D(99), D("0.099"), "USDT")
    assert bought[1].trade_id < sold[1].trade_id
    assert paper.account.totals == {"BTC": D("4.999"), "USDT": D("997.901")}


def test_an_amount_in_quote_asset(paper):
    *_, fill = paper.place("BUY", "MARKET", quote_quantity=D("50"))
    assert (fill.quantity, fill.total) == (D("0.495"), D("0.495"))


def test_a_limit_order_rests_until_the_market_comes(paper):
    assert kinds(paper.place("BUY", "LIMIT", price=D(95), time_in_force="GTC")) == [Accepted]
    assert paper.gateway.balances()["USDT"].locked == 95
    assert paper.trade("95") == []  # others were before it
    assert paper.move("94", "96") == []
    assert paper.trade("94.9") == [("o1", Filled)]
    (trade,) = paper.gateway.trades("BTCUSDT")
    assert (trade.price, trade.is_maker) == (D(95), True)


def test_a_marketable_limit_order_pays_the_market_s_price(paper):
    events = paper.place("BUY", "LIMIT", price=D(105), time_in_force="GTC")
    assert events[1].price == D(101)
    assert not events[1].is_maker


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (("BUY", "LIMIT_MAKER", "1", {"price": D(101)}), "immediately match"),
        (("SELL", "STOP_LOSS", "1", {"stop_price": D(100)}), "trigger immediately"),
        (("BUY", "MARKET", "20", {}), "insufficient balance"),
        (("SELL", "MARKET", "6", {}), "insufficient balance"),
        (("BUY", "MARKET", "0.01", {}), "NOTIONAL"),
    ],
)
def test_refusals_are_binance_s(paper, asked, reason):
    side, type_, quantity, more = asked
    (event,) = paper.place(side, type_, quantity, **more)
    assert isinstance(event, Rejected)
    assert reason in event.reason


def test_orders_that_do_not_rest(paper):
    assert kinds(paper.place("BUY", "LIMIT", price=D(95), time_in_force="IOC")) == [Accepted, Expired]


def test_stops_and_trailing_stops_compare_the_last_price(paper):
    paper.place("SELL", "STOP_LOSS", stop_price=D(95))
    paper.place("SELL", "STOP_LOSS", trailing_delta=1000)
    assert paper.trade("120") == []
    assert paper.trade("109") == []
    assert paper.trade("108") == [("o2", Filled)]
    assert paper.move("94", "95", "96") == []
    assert paper.trade("95") == [("o1", Filled)]


def oco(paper):
    orders = [
        paper.order("SELL", "LIMIT_MAKER", price=D(110), list_client_id="l"),
        paper.order("SELL", "STOP_LOSS", stop_price=D(90), list_client_id="l"),
    ]
    return orders, paper.gateway.place_list("OCO", orders)


def test_an_oco_list_locks_once_and_one_leg_ends_the_other(paper):
    _, answers = oco(paper)
    assert [kinds(events) for events in answers.values()] == [[Accepted], [Accepted]]
    assert paper.gateway.balances()["BTC"].locked == 1
    assert paper.trade("89") == [("o1", Expired), ("o2", Filled)]


def test_an_oco_list_around_the_wrong_price_is_refused_whole(paper):
    paper.quote = Quote(D(120), D(121), D(120))
    _, answers = oco(paper)
    assert [kinds(events) for events in answers.values()] == [[Rejected], [Rejected]]
    assert paper.gateway.open_orders("BTCUSDT") == ()


def test_cancelling_one_ends_its_list(paper):
    orders, _ = oco(paper)
    assert kinds(paper.gateway.cancel(orders[0])) == [Canceled]
    assert paper.heard() == [("o2", Canceled)]
    assert kinds(paper.gateway.cancel(orders[0])) == [CancelRefused]


def test_pending_orders_work_when_the_first_is_filled(paper):
    orders = [
        paper.order("BUY", "LIMIT", price=D(95), time_in_force="GTC", list_client_id="l"),
        paper.order("SELL", "LIMIT_MAKER", price=D(110), list_client_id="l"),
        paper.order("SELL", "STOP_LOSS", stop_price=D(90), list_client_id="l"),
    ]
    paper.gateway.place_list("OTOCO", orders)
    assert {o.client_id: o.status for o in paper.gateway.open_orders("BTCUSDT")} == {
        "o1": "NEW",
        "o2": "PENDING_NEW",
        "o3": "PENDING_NEW",
    }
    assert paper.move("93", "94") == [("o1", Filled)]
    assert paper.trade("89") == [("o2", Expired), ("o3", Filled)]


def test_bnb_and_unknown_symbols_are_refused(paper):
    with pytest.raises(ConfigError, match="no ETHUSDT"):
        paper.gateway.filters("ETHUSDT")
    with pytest.raises(ConfigError, match="discount_asset"):
        PaperGateway(
            filters={},
            quotes=lambda _: None,
            fees=FeeRates(D(0), D(0), "BNB"),
            account=PaperAccount({}),
            inbox=Inbox(),
        )


def test_without_a_price_nothing_is_taken(paper):
    paper.quote = None
    (event,) = paper.place("BUY", "MARKET")
    assert "no price" in event.reason


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("trade"), st.integers(85, 115)),
            st.tuples(st.just("BUY"), st.integers(85, 115)),
            st.tuples(st.just("SELL"), st.integers(85, 115)),
            st.tuples(st.just("stop"), st.integers(85, 115)),
            st.tuples(st.just("market"), st.sampled_from(["BUY", "SELL"])),
            st.tuples(st.just("cancel"), st.integers(1, 12)),
        ),
        max_size=25,
    )
)
def test_nothing_is_made_or_lost(make_exchange, steps):
    paper = Paper(make_exchange().filters("BTCUSDT"))
    for kind, value in steps:
        if kind == "trade":
            paper.quote = Quote(D(value) - 1, D(value) + 1, D(value))
            paper.gateway.on_trade("BTCUSDT", D(value))
        elif kind == "market":
            paper.place(value, "MARKET")
        elif kind == "stop":
            paper.place("SELL", "STOP_LOSS", stop_price=D(value))
        elif kind == "cancel":
            found = paper.account.orders.get(f"o{value}")
            if found is not None:
                paper.gateway.cancel(found.order)
        else:
            paper.place(kind, "LIMIT", price=D(value), time_in_force="GTC")
        balances = paper.gateway.balances()
        assert all(balance.free >= 0 and balance.locked >= 0 for balance in balances.values())
    trades = paper.account.trades
    assert len({trade.trade_id for trade in trades}) == len(trades)
    sides = {taken.exchange_id: taken.order.side for taken in paper.account.orders.values()}
    signs = [1 if sides[trade.exchange_id] == "BUY" else -1 for trade in trades]
    bought = total_of(sign * trade.quantity for sign, trade in zip(signs, trades, strict=True))
    paid = total_of(sign * trade.quantity * trade.price for sign, trade in zip(signs, trades, strict=True))
    fees = {a: total_of(t.fee for t in trades if t.fee_asset == a) for a in ("BTC", "USDT")}
    assert paper.account.totals["BTC"] == 5 + bought - fees["BTC"]
    assert paper.account.totals["USDT"] == 1000 - paid - fees["USDT"]
