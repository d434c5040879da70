"""Each kind of order through a real Cerebro: what is sent, what the strategy is told, what the books hold."""

from __future__ import annotations

from decimal import Decimal

import backtrader as bt
import pytest

from brokers.bt_broker import BinanceBroker
from brokers.gateway import FeeRates
from bt_run.core.errors import ConfigError

D = Decimal
FLAT = [100.0] * 8


def keep(name, make):
    def act(strategy):
        strategy.kept[name] = make(strategy)

    return act


def test_a_market_order_is_filled_when_buy_returns(exchange, run):
    def act(s):
        s.kept["buy"] = s.buy(size=1.0)
        s.kept["size"] = s.position.size

    done = run(exchange, FLAT, {2: act, 5: lambda s: s.close()})
    assert done.kept["size"] == 1.0
    assert done.strategy.statuses(done.kept["buy"]) == ["Submitted", "Accepted", "Completed"]
    assert exchange.asked == [("place", "BUY", "MARKET", "1.000"), ("place", "SELL", "MARKET", "1.000")]
    assert done.broker.getcash() == 10_000
    assert len(done.strategy.closed) == 1


def test_a_fee_in_base_leaves_dust_and_a_flat_position(make_exchange, run):
    exchange = make_exchange(fee="0.001")
    done = run(
        exchange, [100.0, 100.0, 110.0, 110.0, 110.0], {1: lambda s: s.buy(size=1), 3: lambda s: s.close()}
    )
    assert done.strategy.sizes == [0.0, 0.999, 0.999, 0.0, 0.0]
    (trade,) = done.strategy.closed
    assert trade.size == 0.0
    assert trade.pnlcomm == pytest.approx(0.999 * 110 - 100 - 0.10989 + 0.0, abs=1e-9)
    assert done.broker.getvalue() == pytest.approx(10_000 + trade.pnlcomm)
    assert done.broker.ledger.holding("BTCUSDT").quantity == 0


def test_dust_stays_in_the_value_and_is_not_a_position(make_exchange, run):
    exchange = make_exchange(fee="0.001")
    done = run(exchange, FLAT, {1: lambda s: s.buy(size=0.5), 3: lambda s: s.close()})
    held = done.broker.ledger.holding("BTCUSDT").quantity
    assert held == D("0.0005")
    assert done.strategy.sizes[-1] == 0.0
    assert done.broker.getvalue() == pytest.approx(done.broker.getcash() + 0.05)
    assert [t.size for t in done.strategy.closed] == [0.0]


def test_a_market_order_by_quote_amount(exchange, run):
    done = run(
        exchange,
        [50.0] * 4,
        {1: keep("o", lambda s: s.buy(size=1, quote_quantity="75.5")), 3: lambda s: s.close()},
    )
    assert exchange.asked[0] == ("place", "BUY", "MARKET", "75.50000000")
    assert done.kept["o"].executed.size == 1.51
    assert done.kept["o"].executed.remsize == 0.0
    assert done.strategy.closed


def test_a_limit_order_rests_and_is_filled_as_maker(exchange, run):
    script = {1: keep("o", lambda s: s.buy(size=1, price=95.004, exectype=bt.Order.Limit))}
    done = run(exchange, [100.0, 100.0, 94.0, 94.0], script)
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Accepted", "Completed"]
    assert done.kept["o"].executed.price == 95.0
    assert done.broker.getvalue() == 9_999.0


def test_a_stop_and_a_stop_limit(exchange, run):
    script = {
        1: keep("stop", lambda s: s.buy(size=1, price=105, exectype=bt.Order.Stop)),
        4: keep("out", lambda s: s.sell(size=1, price=104, plimit=103, exectype=bt.Order.StopLimit)),
    }
    done = run(exchange, [100.0, 100.0, 106.0, 106.0, 103.5, 103.5], script)
    assert done.kept["stop"].executed.price == 106.0
    assert done.kept["out"].executed.price == 103.5
    assert done.kept["out"].status == bt.Order.Completed


def test_a_trailing_stop_is_the_exchange_s_own(exchange, run):
    script = {
        1: lambda s: s.buy(size=1),
        2: keep("o", lambda s: s.sell(size=1, exectype=bt.Order.StopTrail, trailpercent=0.05)),
    }
    done = run(exchange, [100.0, 100.0, 120.0, 115.0, 113.0, 113.0], script)
    (order,) = done.orders(side="SELL")
    assert (order.type, order.trailing_delta, order.stop_price) == ("STOP_LOSS", 500, None)
    assert done.kept["o"].executed.price == 113.0


@pytest.mark.parametrize(
    ("asked", "word"),
    [
        ({"exectype": bt.Order.Close}, "market-on-close"),
        ({"exectype": bt.Order.StopTrail, "trailamount": 3}, "trailpercent"),
        ({"exectype": bt.Order.StopTrail, "trailpercent": 0.00015}, "basis points"),
        ({"exectype": bt.Order.StopTrail, "trailpercent": 0.01, "price": 90}, "leave the price out"),
        ({"exectype": bt.Order.StopTrailLimit, "trailpercent": 0.01}, "fixed limit price"),
        ({"size": 0.0001}, "below the step 0.001"),
        ({"size": 0.01}, "NOTIONAL"),
        ({"exectype": bt.Order.Limit}, "needs a price"),
        ({"exectype": bt.Order.Limit, "price": 90, "time_in_force": "DAY"}, "GTC, IOC or FOK"),
    ],
)
def test_what_cannot_be_is_rejected_with_a_reason(exchange, run, asked, word):
    done = run(exchange, FLAT, {1: keep("o", lambda s: s.buy(**({"size": 1} | asked)))})
    assert done.kept["o"].status == bt.Order.Rejected
    assert word in done.strategy.reasons[done.kept["o"].ref]
    assert exchange.asked == []


def test_a_stop_that_the_symbol_does_not_take_is_not_turned_into_another(make_exchange, run):
    exchange = make_exchange(orderTypes=["LIMIT", "MARKET", "STOP_LOSS_LIMIT"])
    script = {1: keep("o", lambda s: s.buy(size=1, price=110, exectype=bt.Order.Stop))}
    done = run(exchange, FLAT, script)
    assert "use StopLimit" in done.strategy.reasons[done.kept["o"].ref]
    assert exchange.asked == []


def test_more_than_is_held_is_not_sold(make_exchange, run):
    exchange = make_exchange(base="5")
    script = {1: keep("short", lambda s: s.sell(size=1)), 2: lambda s: s.buy(size=1)}
    script[3] = keep("more", lambda s: s.sell(size=2))
    done = run(exchange, FLAT, script)
    for name in ("short", "more"):
        assert done.kept[name].status == bt.Order.Rejected
        assert "no short on spot" in done.strategy.reasons[done.kept[name].ref]
    assert done.broker.getposition(done.strategy.data).size == 1.0
    assert exchange.account.totals["BTC"] == 6


def test_what_cash_cannot_pay_is_margin(exchange, run):
    script = {
        1: keep("o", lambda s: s.buy(size=101)),
        2: lambda s: s.buy(size=60, price=99, exectype=bt.Order.Limit),
    }
    script[4] = keep("second", lambda s: s.buy(size=60))
    done = run(exchange, FLAT, script)
    assert done.kept["o"].status == bt.Order.Margin
    assert done.kept["second"].status == bt.Order.Margin  # the resting order needs the cash
    assert "Not enough cash" in done.strategy.reasons[done.kept["o"].ref]


def test_no_id_is_lost_to_an_order_that_is_not_sent(exchange, run):
    """Those that are sent follow each other; a start that lacks the last one asks for the next numbers."""
    script = {
        1: lambda s: s.buy(size=200),
        2: lambda s: bracket(s, size=200, price=100, exectype=bt.Order.Limit),
        3: lambda s: s.buy(size=1),
        4: lambda s: s.sell(size=7),
        5: lambda s: s.close(),
    }
    done = run(exchange, FLAT, script)
    assert [int(order.client_id[-8:]) for order in done.orders()] == [1, 2]


def test_nothing_is_traded_on_history(exchange, run):
    script = {1: keep("old", lambda s: s.buy(size=1)), 4: keep("new", lambda s: s.buy(size=1))}
    done = run(exchange, FLAT, script, live_from=3)
    assert done.strategy.reasons[done.kept["old"].ref] == "this bar is history; nothing is traded on it"
    assert done.kept["new"].status == bt.Order.Completed


def test_an_order_expires_as_in_a_backtest(exchange, run):
    import datetime as dt

    script = {
        1: keep("o", lambda s: s.buy(size=1, price=90, exectype=bt.Order.Limit, valid=dt.timedelta(minutes=2)))
    }
    done = run(exchange, [100.0, 100.0, 100.0, 89.0, 89.0, 89.0, 89.0], script)
    # Valid to 12:02, so through the bar of 12:02, which ends at 12:03: the bar of 12:03 does not fill it.
    assert done.kept["o"].status == bt.Order.Expired


def test_cancel_and_replace(exchange, run):
    def again(s):
        s.kept["new"] = s.buy(size=1, price=98, exectype=bt.Order.Limit, replaces=s.kept["old"])

    script = {
        1: keep("gone", lambda s: s.buy(size=1, price=90, exectype=bt.Order.Limit)),
        2: lambda s: s.cancel(s.kept["gone"]),
        3: keep("old", lambda s: s.buy(size=1, price=95, exectype=bt.Order.Limit)),
        4: again,
    }
    done = run(exchange, [100.0, 100.0, 100.0, 100.0, 100.0, 97.0, 97.0], script)
    assert [done.kept[name].getstatusname() for name in ("gone", "old", "new")] == [
        "Canceled",
        "Canceled",
        "Completed",
    ]


def test_a_replacement_by_quote_amount_is_sent(exchange, run):
    """It has no quantity of which something could be left."""

    def again(s):
        s.kept["new"] = s.buy(size=1, quote_quantity=500, replaces=s.kept["old"])

    script = {1: keep("old", lambda s: s.buy(size=1, price=95, exectype=bt.Order.Limit)), 3: again}
    done = run(exchange, [100.0] * 5, script)
    assert ["Canceled", "Completed"] == [done.kept[name].getstatusname() for name in ("old", "new")]
    assert 5.0 == done.strategy.sizes[-1]


def test_oco_goes_as_one_list(exchange, run):
    def protect(s):
        s.kept["stop"] = s.sell(size=1, price=95, exectype=bt.Order.Stop)
        s.kept["target"] = s.sell(size=1, price=110, exectype=bt.Order.Limit, oco=s.kept["stop"])

    done = run(exchange, [100.0, 100.0, 100.0, 111.0, 111.0], {1: lambda s: s.buy(size=1), 2: protect})
    assert exchange.asked[1] == ("OCO", "SELL LIMIT_MAKER 1.000", "SELL STOP_LOSS 1.000")
    assert done.kept["target"].status == bt.Order.Completed
    assert done.kept["stop"].status == bt.Order.Canceled


def test_a_leg_that_comes_a_bar_later_joins_by_cancel_and_replace(exchange, run):
    def second(s):
        s.kept["target"] = s.sell(size=1, price=110, exectype=bt.Order.Limit, oco=s.kept["stop"])

    script = {
        1: lambda s: s.buy(size=1),
        2: keep("stop", lambda s: s.sell(size=1, price=95, exectype=bt.Order.Stop)),
        4: second,
    }
    done = run(exchange, [100.0, 100.0, 100.0, 100.0, 100.0, 94.0, 94.0], script)
    assert [asked[0] for asked in exchange.asked] == ["place", "place", "cancel", "OCO"]
    assert done.strategy.statuses(done.kept["stop"]) == ["Submitted", "Accepted", "Completed"]
    assert done.kept["target"].status == bt.Order.Canceled
    assert len(done.strategy.closed) == 1


def bracket(s, **more):
    asked = {"size": 1, "price": 99, "stopprice": 95, "limitprice": 110}
    s.kept["entry"], s.kept["stop"], s.kept["target"] = s.buy_bracket(**(asked | more))


def test_a_bracket_with_a_limit_entry_is_one_list(make_exchange, run):
    exchange = make_exchange(fee="0.001")
    done = run(exchange, [100.0, 100.0, 98.0, 98.0, 111.0, 111.0], {1: bracket})
    # The fee is taken from what was bought, so less can be sold than was bought.
    assert exchange.asked == [
        ("OTOCO", "BUY LIMIT 1.000", "SELL LIMIT_MAKER 0.999", "SELL STOP_LOSS 0.999"),
    ]
    names = [done.kept[name].getstatusname() for name in ("entry", "stop", "target")]
    assert names == ["Completed", "Canceled", "Completed"]
    assert done.strategy.sizes[-1] == 0.0
    assert len(done.strategy.closed) == 1


def test_a_bracket_is_placed_anew_on_what_is_held_where_the_bnb_had_run_out(make_exchange, run):
    """A fee in BNB was expected and came out of the coins; the exchange refuses legs for all of them."""
    exchange = make_exchange(fee="0.001")
    exchange.fees = lambda symbol: FeeRates(D("0.001"), D("0.001"), "BNB")
    done = run(exchange, [100.0, 100.0, 98.0, 98.0, 98.0, 111.0, 111.0], {1: bracket})

    assert exchange.asked == [
        ("OTOCO", "BUY LIMIT 1.000", "SELL LIMIT_MAKER 1.000", "SELL STOP_LOSS 1.000"),
        ("OCO", "SELL LIMIT_MAKER 0.999", "SELL STOP_LOSS 0.999"),
    ]
    names = [done.kept[name].getstatusname() for name in ("entry", "stop", "target")]
    assert names == ["Completed", "Canceled", "Completed"]
    assert done.strategy.sizes[-1] == 0.0
    assert len(done.strategy.closed) == 1


def test_a_bracket_with_a_market_entry_protects_what_was_filled(make_exchange, run):
    exchange = make_exchange(fee="0.001")
    done = run(
        exchange, [100.0, 100.0, 94.0, 94.0], {1: lambda s: bracket(s, exectype=bt.Order.Market, price=None)}
    )
    assert exchange.asked == [
        ("place", "BUY", "MARKET", "1.000"),
        ("OCO", "SELL LIMIT_MAKER 0.999", "SELL STOP_LOSS 0.999"),
    ]
    names = [done.kept[name].getstatusname() for name in ("entry", "stop", "target")]
    assert names == ["Completed", "Completed", "Canceled"]
    assert len(done.strategy.closed) == 1


def test_a_bracket_ends_with_its_entry(exchange, run):
    done = run(exchange, FLAT, {1: bracket, 3: lambda s: s.cancel(s.kept["entry"])})
    names = [done.kept[name].getstatusname() for name in ("entry", "stop", "target")]
    assert names == ["Canceled"] * 3


def test_a_bracket_that_cannot_be_is_refused_as_a_whole(exchange, run):
    done = run(exchange, FLAT, {1: lambda s: bracket(s, stopprice=120)})
    assert [done.kept[name].status for name in ("entry", "stop", "target")] == [bt.Order.Rejected] * 3
    assert exchange.asked == []


def test_a_sell_bracket_sells_what_is_held_and_buys_back(exchange, run):
    def act(s):
        s.kept["entry"], s.kept["stop"], s.kept["target"] = s.sell_bracket(
            size=1, price=101, stopprice=110, limitprice=90
        )

    done = run(exchange, [100.0, 100.0, 102.0, 102.0, 89.0, 89.0], {1: lambda s: s.buy(size=1), 2: act})
    assert exchange.asked[1] == ("OTOCO", "SELL LIMIT 1.000", "BUY STOP_LOSS 1.000", "BUY LIMIT_MAKER 1.000")
    assert done.kept["target"].status == bt.Order.Completed
    assert done.strategy.sizes[-1] == 1.0


def test_selling_everything_takes_the_strategy_s_own_stop_away_first(exchange, run):
    script = {
        1: lambda s: s.buy(size=1),
        2: keep("stop", lambda s: s.sell(size=1, price=95, exectype=bt.Order.Stop)),
        4: keep("part", lambda s: s.sell(size=0.5)),
        5: keep("all", lambda s: s.close()),
    }
    done = run(exchange, FLAT, script)
    assert "Cancel them first" in done.strategy.reasons[done.kept["part"].ref]
    assert done.kept["stop"].status == bt.Order.Canceled
    assert done.kept["all"].status == bt.Order.Completed


def test_cash_and_positions_at_the_start(make_exchange, run):
    exchange = make_exchange(base="2")
    with pytest.raises(ConfigError, match="10000 USDT free"):
        run(exchange, FLAT, {}, cash="10001")
    with pytest.raises(ConfigError, match="has 2 free"):
        run(exchange, FLAT, {}, adopt_position={"BTCUSDT": ("3", "90")})
    done = run(exchange, FLAT, {4: lambda s: s.close()}, cash=500, adopt_position={"BTCUSDT": ("1.5", "90")})
    assert done.strategy.sizes[0] == 1.5
    assert done.strategy.values[0] == 650.0
    assert [trade.pnl for trade in done.strategy.closed] == [15.0]
    assert exchange.account.totals["BTC"] == D("0.5")


def test_an_average_price_is_backtrader_s(exchange, run):
    seen = []
    script = {
        1: lambda s: s.buy(size=1),
        3: lambda s: s.buy(size=3),
        4: lambda s: s.sell(size=2),
        5: lambda s: seen.append((s.position.size, s.position.price)),
    }
    done = run(exchange, [100.0, 100.0, 120.0, 130.0, 130.0], script)
    assert seen == [(2.0, 115.0)]
    assert done.broker.getvalue([done.strategy.data]) == 260.0


def test_observers_analyzers_and_a_second_feed_of_the_symbol(exchange, make_bars):
    """What is usual in a script works; feeds of one symbol share its position."""
    cerebro = bt.Cerebro()
    cerebro.setbroker(BinanceBroker(gateway=exchange, inbox=exchange.inbox))
    for name in ("BTCUSDT", "the same"):
        closes = (100.0, 100.0, 104.0, 104.0, 108.0, 108.0, 108.0)
        cerebro.adddata(make_bars(closes=closes, exchange=exchange), name=name)
    cerebro.addanalyzer(bt.analyzers.TradeAnalyzer, _name="trades")
    cerebro.addanalyzer(bt.analyzers.TimeReturn, timeframe=bt.TimeFrame.NoTimeFrame, _name="gain")

    class Slow(bt.Strategy):
        def next(self) -> None:
            if len(self.data) == 2:
                self.buy(data=self.data1, size=1)
                assert self.getposition(self.data0).size == self.getposition(self.data1).size == 1.0
            if len(self.data) == 5:
                self.order_target_percent(data=self.data1, target=0)

    cerebro.addstrategy(Slow)
    (ran,) = cerebro.run()
    assert ran.analyzers.trades.get_analysis().pnl.net.total == pytest.approx(8.0)
    assert ran.broker.getvalue() == 10_008.0
    assert list(ran.analyzers.gain.get_analysis().values()) == [pytest.approx(0.0008)]
