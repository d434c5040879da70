"""What exchanges do to orders: answers that are lost, told twice, told late, told in the wrong order."""

from __future__ import annotations

from decimal import Decimal

import backtrader as bt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.gateway import OrderSeen
from brokers.holdings import Ledger
from brokers.order_events import Filled
from brokers.orders import State
from bt_run.core.settings import Protection

D = Decimal
FLAT = [100.0] * 8


def keep(name, make):
    def act(strategy):
        strategy.kept[name] = make(strategy)

    return act


def test_the_stream_repeats_everything_and_nothing_counts_twice(make_exchange, run):
    exchange = make_exchange(fee="0.001")
    exchange.echo = True
    script = {1: keep("o", lambda s: s.buy(size=2)), 3: lambda s: s.sell(size=1), 5: lambda s: s.close()}
    done = run(exchange, FLAT, script)
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Accepted", "Completed"]
    assert done.kept["o"].executed.size == 2.0
    assert D(str(done.broker.getcash())) == exchange.account.totals["USDT"]


def test_a_lost_answer_is_asked_for_and_not_sent_again(exchange, run):
    exchange.faults.append("kept")
    script = {1: keep("o", lambda s: s.buy(size=1)), 5: lambda s: s.close()}
    done = run(exchange, FLAT, script)
    assert [asked[:3] for asked in exchange.asked] == [("place", "BUY", "MARKET"), ("place", "SELL", "MARKET")]
    assert done.kept["o"].status == bt.Order.Completed
    assert len(done.strategy.closed) == 1


def test_fills_that_come_over_the_stream_while_the_answer_is_lost(exchange, run):
    exchange.faults.append("streamed")
    done = run(exchange, FLAT, {1: keep("o", lambda s: s.buy(size=1))})
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Accepted", "Completed"]


def test_nothing_new_is_sent_while_an_order_is_unknown(exchange, run):
    def act(s):
        exchange.faults.append("kept")
        s.kept["entry"] = s.buy(size=1)
        s.kept["again"] = s.buy(size=1)
        s.kept["exit"] = s.sell(size=1)

    done = run(exchange, FLAT, {1: lambda s: s.buy(size=1), 2: act})
    for name in ("again", "exit"):
        assert done.kept[name].status == bt.Order.Rejected
        assert "not known whether" in done.strategy.reasons[done.kept[name].ref]
    assert done.broker.getposition(done.strategy.data).size == 2.0


def test_an_order_that_never_arrived_is_rejected_after_a_minute(exchange, run):
    exchange.faults.append("lost")
    script = {1: keep("o", lambda s: s.buy(size=1)), 6: keep("later", lambda s: s.buy(size=1))}
    done = run(exchange, FLAT, script)
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Rejected"]
    assert "did not know it" in done.strategy.reasons[done.kept["o"].ref]
    assert done.kept["later"].status == bt.Order.Completed


def test_a_part_is_held_at_once_and_a_cancel_keeps_it(exchange, run):
    def part(s):
        exchange.trade_part(s.kept["id"](), "0.4", "95")

    def name_it(s):
        s.kept["id"] = lambda: next(iter(s.broker.orders))

    script = {
        1: keep("o", lambda s: s.buy(size=1, price=95, exectype=bt.Order.Limit)),
        2: name_it,
        3: part,
        5: lambda s: s.cancel(s.kept["o"]),
        7: lambda s: s.close(),
    }
    done = run(exchange, FLAT, script)
    assert done.strategy.sizes[4] == 0.4
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Accepted", "Partial", "Canceled"]
    assert (done.kept["o"].executed.size, done.kept["o"].executed.remsize) == (0.4, 0.6)
    assert [trade.pnl for trade in done.strategy.closed] == [pytest.approx(2.0)]


def test_a_trade_that_comes_after_the_cancel_counts(exchange, run):
    script = {
        1: keep("o", lambda s: s.buy(size=1, price=95, exectype=bt.Order.Limit)),
        3: lambda s: s.cancel(s.kept["o"]),
        5: lambda s: exchange.trade_late(next(iter(s.broker.orders)), "0.3", "95"),
        7: lambda s: s.close(),
    }
    done = run(exchange, FLAT, script)
    assert done.strategy.statuses(done.kept["o"]) == ["Submitted", "Accepted", "Canceled", "Canceled"]
    assert done.strategy.sizes[5] == 0.3
    assert len(done.strategy.closed) == 1


def test_a_cancel_without_an_answer_is_asked_for(exchange, run):
    def cancel(s):
        exchange.faults.append("lost")
        s.cancel(s.kept["o"])

    script = {1: keep("o", lambda s: s.buy(size=1, price=95, exectype=bt.Order.Limit)), 3: cancel}
    done = run(exchange, FLAT, script)
    assert done.kept["o"].status == bt.Order.Canceled
    assert [asked[0] for asked in exchange.asked] == ["place", "cancel", "cancel"]


def test_a_cancel_that_comes_too_late(exchange, run):
    def race(s):
        exchange.trade_part(next(iter(s.broker.orders)), "1", "95", silent=True)
        s.cancel(s.kept["o"])
        s.kept["at once"] = s.position.size

    script = {1: keep("o", lambda s: s.buy(size=1, price=95, exectype=bt.Order.Limit)), 3: race}
    done = run(exchange, FLAT, script)
    assert done.kept["o"].status == bt.Order.Completed
    assert done.kept["at once"] == 1.0


def test_somebody_cancels_on_the_web_site(exchange, run):
    script = {
        1: keep("o", lambda s: s.buy(size=1, price=95, exectype=bt.Order.Limit)),
        3: lambda s: exchange.kill(next(iter(s.broker.orders))),
    }
    done = run(exchange, FLAT, script)
    assert done.kept["o"].status == bt.Order.Canceled


def test_a_contradiction_stops_entries_and_not_exits(exchange, run):
    def nonsense(s):
        known = next(iter(s.broker.orders))
        fill = Filled(987, D(50), D(100), D(0), "USDT", 1, False)
        exchange.inbox.put(OrderSeen("BTCUSDT", known, 1, fill))

    script = {
        1: lambda s: s.buy(size=1),
        2: nonsense,
        4: keep("entry", lambda s: s.buy(size=1)),
        5: keep("exit", lambda s: s.close()),
    }
    done = run(exchange, FLAT, script)
    assert "contradict" in done.strategy.reasons[done.kept["entry"].ref]
    assert done.kept["exit"].status == bt.Order.Completed
    assert done.broker.ledger.holding("BTCUSDT").quantity == 0


def test_a_joining_leg_finds_the_first_one_filled(exchange, run):
    def second(s):
        first = next(o.client_id for o in s.broker.orders.values() if o.side == "SELL")
        exchange.trade_part(first, "1", "95", silent=True)
        s.kept["target"] = s.sell(size=1, price=110, exectype=bt.Order.Limit, oco=s.kept["stop"])

    script = {
        1: lambda s: s.buy(size=1),
        2: keep("stop", lambda s: s.sell(size=1, price=95, exectype=bt.Order.Stop)),
        4: second,
    }
    done = run(exchange, FLAT, script)
    assert done.kept["stop"].status == bt.Order.Completed
    assert done.kept["target"].status == bt.Order.Canceled
    assert done.strategy.sizes[-1] == 0.0


def test_a_list_without_an_answer(exchange, run):
    def protect(s):
        exchange.faults.append("kept")
        s.kept["stop"] = s.sell(size=1, price=95, exectype=bt.Order.Stop)
        s.kept["target"] = s.sell(size=1, price=110, exectype=bt.Order.Limit, oco=s.kept["stop"])

    done = run(exchange, [100.0] * 6 + [94.0, 94.0], {1: lambda s: s.buy(size=1), 2: protect})
    assert done.kept["stop"].status == bt.Order.Completed
    assert done.kept["target"].status == bt.Order.Canceled
    assert [asked[0] for asked in exchange.asked] == ["place", "OCO"]


STEPS = ("buy", "sell", "close", "limit", "stop", "oco", "bracket", "cancel")
FAULTS = (None, None, None, "lost", "kept", "streamed")


def _random_step(step, size):
    def act(s):
        if step == "buy":
            s.buy(size=size)
        elif step == "sell":
            s.sell(size=size)
        elif step == "close":
            s.close()
        elif step == "limit":
            s.buy(size=size, price=s.data.close[0] - 2, exectype=bt.Order.Limit)
        elif step == "stop":
            s.sell(size=size, price=s.data.close[0] - 3, exectype=bt.Order.Stop)
        elif step == "oco":
            first = s.sell(size=size, price=s.data.close[0] - 3, exectype=bt.Order.Stop)
            s.sell(size=size, price=s.data.close[0] + 3, exectype=bt.Order.Limit, oco=first)
        elif step == "bracket":
            price = s.data.close[0]
            s.buy_bracket(size=size, price=price - 1, stopprice=price - 4, limitprice=price + 4)
        elif step == "cancel":
            for order in s.broker.get_orders_open():
                s.cancel(order)

    return act


@settings(max_examples=60, deadline=None)
@given(
    script=st.dictionaries(
        st.integers(1, 24), st.tuples(st.sampled_from(STEPS), st.sampled_from([0.2, 0.5, 1.0])), max_size=16
    ),
    closes=st.lists(st.integers(92, 108), min_size=24, max_size=24),
    faults=st.lists(st.sampled_from(FAULTS), max_size=12),
    fee=st.sampled_from(["0", "0.001"]),
    echo=st.booleans(),
    protection=st.sampled_from([Protection(), Protection(stop_loss_pct=3, take_profit_pct=4)]),
)
def test_the_books_are_the_sum_of_the_trades(  # noqa: PLR0917 - hypothesis gives them by name
    make_exchange, run, script, closes, faults, fee, echo, protection
):
    exchange = make_exchange(fee=fee, base="3")
    exchange.faults.extend(faults)
    exchange.echo = echo
    quiet = [100.0] * 12  # until every doubt is resolved
    acts = {bar: _random_step(*step) for bar, step in script.items()}
    done = run(exchange, [float(c) for c in closes] + quiet, acts, cash=5000, protection=protection)
    assert done.broker.trouble == ""
    assert not any(order.state in (State.UNKNOWN, State.SENT) for order in done.broker.orders.values())
    ledger = Ledger("USDT", D(5000)).with_symbol("BTCUSDT", "BTC", "USDT")
    sides = {taken.exchange_id: taken.order.side for taken in exchange.account.orders.values()}
    for trade in exchange.account.trades:
        ledger = ledger.book("BTCUSDT", sides[trade.exchange_id], trade.filled())
    assert done.broker.ledger.cash == ledger.cash
    assert done.broker.ledger.holding("BTCUSDT").quantity == ledger.holding("BTCUSDT").quantity
    # The user's own coins and cash were not touched.
    assert exchange.account.totals["BTC"] == 3 + ledger.holding("BTCUSDT").quantity
    assert exchange.account.totals["USDT"] == 5000 + ledger.cash
    if protection:
        bare = done.broker.getposition(done.strategy.data).size - float(exchange.balances()["BTC"].locked)
        assert 0 <= bare + 1e-9 < 0.05  # less than the exchange takes an order for
    for order in done.strategy.orders.values():
        if order.status == bt.Order.Completed:
            assert order.executed.remsize == 0.0


def test_a_bracket_waits_for_the_answer_about_its_entry(exchange, run):
    exchange.faults.append("kept")

    def act(s):
        s.kept["all"] = s.buy_bracket(size=1, exectype=bt.Order.Market, stopprice=95, limitprice=110)

    done = run(exchange, FLAT, {1: act})
    assert [o.getstatusname() for o in done.kept["all"]] == ["Completed", "Accepted", "Accepted"]
    assert [asked[0] for asked in exchange.asked] == ["place", "OCO"]


def test_a_market_order_in_many_trades_is_one_position(make_exchange, run):
    exchange = make_exchange(fee="0.001")
    exchange.split = ("0.1", "0.2", "0.7")
    done = run(exchange, FLAT, {1: keep("o", lambda s: s.buy(size=1)), 3: lambda s: s.close()})
    assert done.strategy.statuses(done.kept["o"])[-3:] == ["Partial", "Partial", "Completed"]
    assert done.kept["o"].executed.size == pytest.approx(1.0)
    assert done.strategy.sizes[2] == 0.999
