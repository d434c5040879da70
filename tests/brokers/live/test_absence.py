"""Orders that the exchange denies while a run trades: when that is believed, and what if it was wrong."""

from __future__ import annotations

from decimal import Decimal

import backtrader as bt
import pytest

from brokers.gateway import AccountReport, OrderSeen
from brokers.holdings import Ledger
from brokers.order_events import NeverArrived, Submitted, TimedOut
from brokers.orders import Order, State, apply
from bt_run.core.settings import Protection

D = Decimal
SYMBOL = "BTCUSDT"
FLAT = [100.0] * 10
BOTH = Protection(stop_loss_pct=5, take_profit_pct=10)
STOP_ONLY = Protection(stop_loss_pct=5)


class Lagging:
    """Copies of an exchange's books that lag behind: orders, trades, balances, or all of them, until told."""

    def __init__(self, exchange, *, orders=True, trades=True, balances=True):
        self.exchange = exchange
        self.asked_by_number = []
        before = exchange.balances()
        self.shows = {
            "query": exchange.query,
            "query_number": exchange.query_number,
            "open_orders": exchange.open_orders,
            "trades": exchange.trades,
            "balances": exchange.balances,
        }
        if orders:
            exchange.query = lambda symbol, client_id: None
            exchange.query_number = self._by_number
            exchange.open_orders = lambda symbol: ()
        if trades:
            exchange.trades = lambda symbol, **_: ()
        if balances:
            exchange.balances = lambda: before

    def _by_number(self, symbol, exchange_id):
        self.asked_by_number.append(exchange_id)

    def catch_up(self, *names):
        """Let these questions, or all, be answered by what is."""
        for name in names or self.shows:
            setattr(self.exchange, name, self.shows[name])


def lost_buy(lags, exchange, **options):
    """Give an act that buys with a lost answer while the exchange's copies lag."""

    def act(s):
        s.kept["lag"] = lags(exchange)
        exchange.faults.append("kept")
        s.kept["o"] = s.buy(size=1, **options)

    return act


def stream(exchange, client_id):
    """Let the account's stream tell the trades of an order."""
    number = exchange.account.orders[client_id].exchange_id
    for trade in exchange.account.trades:
        if trade.exchange_id == number:
            exchange.inbox.put(OrderSeen(SYMBOL, client_id, number, trade.filled(trade.quantity)))


def report(exchange, **given):
    """Put what a check over REST finds into the inbox."""
    exchange.inbox.put(
        AccountReport(exchange.now_ms, exchange.open_orders(SYMBOL), {}, (), exchange.balances(), **given)
    )


def state_of(s):
    """Give the state of the first order."""
    return next(iter(s.broker.orders.values())).state


def test_a_listed_trade_that_nobody_explains_keeps_the_order_unknown(exchange, run):
    """The order is denied by name and by number for minutes, and is found in the end: booked and protected."""
    script = {
        1: lost_buy(lambda e: Lagging(e, trades=False), exchange),
        5: lambda s: (s.kept.update(at_5=state_of(s)), s.kept["lag"].catch_up()),
    }
    done = run(exchange, FLAT, script, protection=BOTH)
    assert done.kept["at_5"] is State.UNKNOWN
    assert done.kept["o"].status == bt.Order.Completed
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Accepted", "Completed"]
    assert exchange.open_legs() == {"STOP_LOSS": D(1), "LIMIT_MAKER": D(1)}


def test_the_number_of_a_listed_trade_leads_to_the_order(exchange, run):
    """Its name is denied, its number is not."""
    script = {
        1: lost_buy(lambda e: Lagging(e, trades=False), exchange),
        2: lambda s: s.kept["lag"].catch_up("query_number"),
    }
    done = run(exchange, FLAT, script, protection=STOP_ONLY)
    assert done.kept["o"].status == bt.Order.Completed
    assert exchange.open_legs() == {"STOP_LOSS": D(1)}


def test_a_missing_balance_keeps_the_order_unknown(exchange, run):
    script = {
        1: lost_buy(lambda e: Lagging(e, balances=False), exchange),
        5: lambda s: (s.kept.update(at_5=state_of(s)), s.kept["lag"].catch_up()),
    }
    done = run(exchange, FLAT, script)
    assert done.kept["at_5"] is State.UNKNOWN
    assert done.kept["o"].status == bt.Order.Completed


def test_another_s_trade_does_not_keep_an_order_unknown(exchange, run):
    """Two bots on one account: the number of the other's order tells whose the trade is, asked for once."""
    asked = []
    by_number = exchange.query_number
    exchange.query_number = lambda *which: asked.append(which) or by_number(*which)

    def act(s):
        exchange.faults.append("lost")
        s.kept["o"] = s.buy(size=1)
        exchange.place(Order("by-hand", SYMBOL, "BUY", "MARKET", quantity=D("0.1")))
        exchange.account.totals["USDT"] += 10  # paid from the person's own money
        exchange.account.totals["BTC"] -= D("0.1")

    done = run(exchange, FLAT, {1: act})
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Rejected"]
    assert len(asked) == 1


def test_a_report_alone_gives_no_order_up(exchange, run):
    """It lists the trades since the last one only; what an earlier one listed still speaks."""

    def check(s):
        s.kept["at", len(s)] = state_of(s)
        report(exchange)

    script = {1: lost_buy(lambda e: Lagging(e, trades=False, balances=True), exchange)}
    script |= dict.fromkeys(range(2, 7), check)
    done = run(exchange, FLAT, script)
    assert {done.kept["at", bar] for bar in range(3, 7)} == {State.UNKNOWN}


def test_an_order_that_was_given_up_is_booked_and_protected_when_its_fill_is_told(exchange, run):
    """Everything lagged, so that it was given up; then the stream tells of its trade."""

    def late(s):
        s.kept["given up"] = s.kept["o"].getstatusname()
        s.kept["lag"].catch_up()
        stream(exchange, next(iter(s.broker.orders)))

    script = {1: lost_buy(Lagging, exchange), 5: late}
    done = run(exchange, FLAT, script, protection=BOTH)
    assert done.kept["given up"] == "Rejected"
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Rejected", "Accepted", "Completed"]
    assert done.kept["o"].info["reason"] == ""
    assert done.strategy.sizes[-1] == 1.0
    assert done.broker.trouble == ""
    assert exchange.open_legs() == {"STOP_LOSS": D(1), "LIMIT_MAKER": D(1)}


def test_a_check_asks_for_an_order_that_was_given_up(exchange, run):
    """No stream tells of it: each check asks for it once more."""

    def late(s):
        s.kept["lag"].catch_up()
        report(exchange)

    script = {1: lost_buy(Lagging, exchange), 5: late}
    done = run(exchange, FLAT, script, protection=STOP_ONLY)
    assert done.kept["o"].status == bt.Order.Completed
    assert exchange.open_legs() == {"STOP_LOSS": D(1)}
    assert done.broker.trouble == ""


def test_what_rests_of_a_purchase_that_was_given_up_is_cancelled(exchange, run):
    """The strategy was told that it is Rejected, and does not count on it any more."""

    def late(s):
        s.kept["lag"].catch_up()
        report(exchange)

    script = {1: lost_buy(Lagging, exchange, price=95, exectype=bt.Order.Limit), 5: late}
    done = run(exchange, FLAT, script)
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Rejected", "Accepted", "Canceled"]
    assert {taken.status for taken in exchange.account.orders.values()} == {"CANCELED"}


def test_what_is_bought_without_its_bracket_is_sold(exchange, run):
    """The legs would have followed a market entry; they were dropped when it was given up."""

    def enter(s):
        s.kept["lag"] = Lagging(exchange)
        exchange.faults.append("kept")
        entry = s.buy(size=1, transmit=False)
        s.kept["stop"] = s.sell(size=1, price=95, exectype=bt.Order.Stop, parent=entry)

    def late(s):
        s.kept["lag"].catch_up()
        stream(exchange, next(iter(s.broker.orders)))

    done = run(exchange, FLAT, {1: enter, 5: late})
    assert done.kept["stop"].status != bt.Order.Completed
    assert exchange.asked == [("place", "BUY", "MARKET", "1.000"), ("place", "SELL", "MARKET", "1.000")]
    assert done.broker.ledger.holding(SYMBOL).quantity == 0


def test_a_list_that_was_given_up_comes_back_whole(exchange, run):
    """The legs of a limit entry are with the exchange, so they protect what it bought."""

    def enter(s):
        s.kept["lag"] = Lagging(exchange)
        exchange.faults.append("kept")
        s.kept["orders"] = s.buy_bracket(size=1, price=100, stopprice=95, limitprice=110)

    def late(s):
        s.kept["lag"].catch_up()
        report(exchange)

    done = run(exchange, FLAT, {1: enter, 5: late})
    assert [order.getstatusname() for order in done.kept["orders"]] == ["Completed", "Accepted", "Accepted"]
    assert exchange.open_legs() == {"STOP_LOSS": D(1), "LIMIT_MAKER": D(1)}
    assert done.strategy.sizes[-1] == 1.0


@pytest.mark.parametrize("given_up", [False, True])
def test_an_order_of_an_earlier_run_is_protected_when_it_is_found(exchange, run, given_up):
    """It is found before there is a bar on which Backtrader could have an order for it."""
    order = Order("btr-0b-00000001", SYMBOL, "BUY", "MARKET", quantity=D(1), purpose="entry", created_ms=1)
    exchange.place(order)
    order = apply(order, Submitted())
    if given_up:
        order = apply(apply(order, TimedOut("no answer")), NeverArrived("60 s"))
    stream(exchange, order.client_id)
    books = Ledger("USDT", D(10_000)).with_symbol(SYMBOL, "BTC", "USDT")
    done = run(exchange, FLAT, {}, protection=STOP_ONLY, prepare=lambda b: b.restore([order], books))
    assert done.broker.ledger.holding(SYMBOL).quantity == 1
    assert exchange.open_legs() == {"STOP_LOSS": D(1)}
