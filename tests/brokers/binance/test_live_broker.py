"""The live broker in Cerebro, over Binance's client, stream and check, on the practice exchange."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import backtrader as bt
import pytest

from brokers.binance.account_check import AccountCheck
from brokers.binance.user_stream import UserStream
from brokers.bt_broker import BinanceBroker
from brokers.gateway import Inbox
from brokers.orders import State
from bt_run.core.background import Bell
from bt_run.core.settings import Protection
from bt_run.practice.faults import FillBeforeReply, LostAnswer
from bt_run.practice.rules import Fees

D = Decimal
IDLE_TURNS = 4


class Minutes(bt.feed.DataBase):
    """A bar for each minute that the exchange lives; between bars it waits for the bell."""

    symbol = "BTCUSDT"
    params = (("practice", None), ("bell", None), ("count", 8), ("timeframe", bt.TimeFrame.Minutes))

    def start(self):
        super().start()
        self._turn = self._row = 0

    def islive(self):
        return True

    def _load(self):
        self._turn += 1
        if self._turn % IDLE_TURNS:
            self.p.bell.wait(0.02)
            return None
        if self._row >= self.p.count:
            return False
        self._row += 1
        self.p.practice.advance(1)
        price = float(self.p.practice.price)
        self.lines.datetime[0] = 739_252.5 + self._row / 1440
        for line in ("open", "high", "low", "close"):
            getattr(self.lines, line)[0] = price
        self.lines.volume[0] = 1.0
        return True


class Script(bt.Strategy):
    params = (("script", {}),)

    def __init__(self):
        self.kept, self.reasons, self.closed = {}, {}, []

    def notify_order(self, order):
        if order.info.get("reason"):
            self.reasons[order.ref] = order.info["reason"]

    def notify_trade(self, trade):
        if trade.isclosed:
            self.closed.append(trade)

    def next(self):
        act = self.p.script.get(len(self))
        if act:
            act(self)


@pytest.fixture
def trade(practice, background, eventually):
    """Give what runs a script against the practice exchange, all parts in place."""

    def run(script, **options):
        bell = Bell()
        inbox = Inbox(ring=bell.ring)
        gateway = practice.gateway()
        gateway.connect()
        shared = {"clock": practice.clock}
        check = AccountCheck(
            practice.venue,
            practice.credentials,
            inbox,
            background,
            symbols=["BTCUSDT"],
            interval_s=0.2,
            floor_s=0.1,
            **shared,
        )
        stream = UserStream(practice.venue, practice.credentials, inbox, on_doubt=check.check_soon, **shared)
        stream.start(background)
        eventually(lambda: stream.is_up)
        check.start()
        broker = BinanceBroker(gateway=gateway, inbox=inbox, cash=100_000, **options)
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(broker)
        cerebro.adddata(Minutes(practice=practice, bell=bell), name="BTCUSDT")
        cerebro.addstrategy(Script, script=script)
        strategy = cerebro.run()[0]
        balances = gateway.balances()
        gateway.close()
        assert broker.trouble == ""
        assert balances["BTC"].total - 10 == broker.ledger.holding("BTCUSDT").quantity
        assert balances["USDT"].total - 1_000_000 == broker.ledger.cash - 100_000
        return broker, strategy

    return run


def keep(name, make):
    def act(strategy):
        strategy.kept[name] = make(strategy)

    return act


BOTH = Protection(stop_loss_pct=20, take_profit_pct=20)
ENTER_AND_LEAVE = {
    1: keep("entry", lambda s: s.buy(size=0.5)),
    4: keep("exit", lambda s: s.close()),
}


def test_an_entry_its_protection_and_its_exit(trade):
    broker, strategy = trade(ENTER_AND_LEAVE, protection=BOTH)
    legs = [o for o in broker.orders.values() if o.purpose in ("stop_loss", "take_profit")]
    assert {(o.type, o.state) for o in legs} == {
        ("STOP_LOSS", State.CANCELED),
        ("LIMIT_MAKER", State.CANCELED),
    }
    assert strategy.kept["exit"].status == bt.Order.Completed
    assert len(strategy.closed) == 1
    assert strategy.position.size == 0.0


@pytest.mark.parametrize("fault", [LostAnswer(), FillBeforeReply()])
def test_the_same_while_answers_get_lost(practice, trade, fault):
    with practice.faults.having(fault):
        broker, strategy = trade(ENTER_AND_LEAVE, protection=BOTH)
    assert strategy.kept["entry"].status == bt.Order.Completed
    assert not [o for o in broker.orders.values() if o.state is State.UNKNOWN]
    assert strategy.kept["exit"].status == bt.Order.Completed
    assert strategy.position.size == 0.0


def test_a_bracket_on_the_exchange(practice, trade):
    def act(s):
        price = float(practice.price)
        s.kept["orders"] = s.buy_bracket(
            size=0.5, price=round(price * 1.01, 2), stopprice=round(price * 0.5, 2), limitprice=price * 1.5
        )

    broker, strategy = trade({1: act, 6: lambda s: s.close()})
    entry, stop, target = strategy.kept["orders"]
    assert [o.status for o in (entry, stop, target)] == [
        bt.Order.Completed,
        bt.Order.Canceled,
        bt.Order.Canceled,
    ]
    assert len({o.list_client_id for o in broker.orders.values() if o.list_client_id}) == 1
    assert strategy.position.size == 0.0


def test_the_legs_of_a_bracket_sell_no_coins_of_others_where_the_bnb_had_run_out(practice, trade, eventually):
    """The fee comes out of what was bought, and the exchange would take the rest from what else lies there."""
    listing = practice.server.exchange.trading._desk.listing("BTCUSDT")
    listing.rules = replace(listing.rules, fees=Fees(pay_in="BNB"))

    def act(s):
        price = float(practice.price)
        s.kept["orders"] = s.buy_bracket(
            size=0.5, price=round(price * 1.01, 2), stopprice=round(price * 0.5, 2), limitprice=price * 1.5
        )

    def wait(s):
        def turn():
            s.broker.next()
            return sum(
                o.side == "SELL" and not o.is_terminal and o.quantity < D("0.5")
                for o in s.broker.orders.values()
            )

        eventually(lambda: turn() == 2)

    broker, strategy = trade({1: act, 4: wait})
    legs = [order for order in broker.orders.values() if order.type in ("STOP_LOSS", "LIMIT_MAKER")]
    held = broker.ledger.holding("BTCUSDT").quantity
    assert D("0.4995") == held
    assert {("STOP_LOSS", held), ("LIMIT_MAKER", held)} == {
        (leg.type, leg.quantity) for leg in legs if not leg.is_terminal
    }
    assert {bt.Order.Accepted} == {order.status for order in strategy.kept["orders"][1:]}


def test_an_oco_and_a_trailing_stop(practice, trade):
    def protect(s):
        price = float(practice.price)
        stop = s.sell(size=0.2, price=price * 0.5, exectype=bt.Order.Stop)
        target = s.sell(size=0.2, price=price * 1.5, exectype=bt.Order.Limit, oco=stop)
        trail = s.sell(size=0.2, exectype=bt.Order.StopTrail, trailpercent=0.1)
        s.kept.update(stop=stop, target=target, trail=trail)

    def leave(s):
        s.cancel(s.kept["target"])
        s.cancel(s.kept["trail"])

    _, strategy = trade({1: lambda s: s.buy(size=0.5), 3: protect, 5: leave, 7: lambda s: s.close()})
    assert {strategy.kept[n].getstatusname() for n in ("stop", "target", "trail")} == {"Canceled"}
    assert strategy.position.size == 0.0
