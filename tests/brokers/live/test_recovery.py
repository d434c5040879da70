"""What was there before: books, orders and holdings of an earlier run, and what only a check finds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

import backtrader as bt
import pytest

from brokers.gateway import AccountReport, BalancesSeen, StreamChanged
from brokers.guard import EntryRequest
from brokers.holdings import Ledger
from brokers.order_events import Accepted, Submitted
from brokers.orders import Order, apply
from bt_run.core.errors import ConfigError, JournalError
from bt_run.core.settings import Protection

D = Decimal
FLAT = [100.0] * 8
BOTH = Protection(stop_loss_pct=5, take_profit_pct=10)


def keep(name, make):
    def act(strategy):
        strategy.kept[name] = make(strategy)

    return act


def books(quantity="1", price="90", cash="500"):
    ledger = Ledger("USDT", D(cash)).with_symbol("BTCUSDT", "BTC", "USDT")
    held = replace(ledger.holding("BTCUSDT"), quantity=D(quantity), cost=D(quantity) * D(price))
    return replace(ledger, holdings=MappingProxyType({"BTCUSDT": held}))


def resting(exchange, **asked):
    """Give an order of an earlier run that rests on the exchange."""
    order = Order(
        **({"client_id": "btr-0b-00000001", "symbol": "BTCUSDT", "created_ms": 1} | asked),
    )
    accepted = next(e for e in exchange.place(order) if isinstance(e, Accepted))
    exchange.asked.clear()
    return apply(apply(order, Submitted()), accepted)


def test_a_holding_and_its_order_are_taken_over(make_exchange, run):
    exchange = make_exchange(base="1")
    stop = resting(exchange, side="SELL", type="STOP_LOSS", quantity=D(1), stop_price=D(80), purpose="exit")
    script = {
        2: keep("seen", lambda s: (s.position.size, s.position.price)),
        4: keep("out", lambda s: s.close()),
    }
    done = run(exchange, FLAT, script, prepare=lambda b: b.restore([stop], books()))
    assert done.kept["seen"] == (1.0, 90.0)
    assert done.strategy.values[0] == 600.0
    restored = [o for o in done.strategy.orders.values() if o.info.get("restored")]
    assert [o.getstatusname() for o in restored] == ["Completed", "Canceled"]
    assert done.kept["out"].status == bt.Order.Completed
    assert [trade.pnl for trade in done.strategy.closed] == [10.0]


def test_nothing_is_cancelled_on_history(make_exchange, run):
    """A strategy that meets its past again must not take away what protects it now."""
    exchange = make_exchange(base="1")
    stop = resting(exchange, side="SELL", type="STOP_LOSS", quantity=D(1), stop_price=D(80), purpose="exit")

    def cancel_all(s):
        return [s.broker.cancel(order) for order in s.broker.get_orders_open()]

    script = {1: keep("old", cancel_all), 4: keep("new", cancel_all)}
    done = run(exchange, FLAT, script, live_from=3, prepare=lambda b: b.restore([stop], books()))
    assert done.kept["old"] == [False]
    assert done.kept["new"] == [True]
    assert exchange.asked == [("cancel", "SELL", "STOP_LOSS")]


def test_protection_of_an_earlier_run_stays_and_a_bare_holding_gets_one(make_exchange, run):
    exchange = make_exchange(base="1")
    one = Protection(stop_loss_pct=5)
    leg = resting(
        exchange,
        side="SELL",
        type="STOP_LOSS",
        quantity=D(1),
        stop_price=D(85),
        purpose="stop_loss",
        bracket="b",
    )
    run(exchange, FLAT, {}, protection=one, prepare=lambda b: b.restore([leg], books()))
    assert exchange.asked == []
    bare = make_exchange(base="1")
    done = run(bare, FLAT, {}, protection=one, prepare=lambda b: b.restore([], books()))
    assert [asked[:3] for asked in bare.asked] == [("place", "SELL", "STOP_LOSS")]
    assert done.orders(purpose="stop_loss")[0].stop_price == D("85.5")


def test_an_order_whose_answer_a_crash_has_lost_is_asked_for(exchange, run):
    order = Order("btr-0b-00000001", "BTCUSDT", "BUY", "MARKET", quantity=D(1), purpose="entry")
    exchange.place(order)
    exchange.asked.clear()
    sent = apply(order, Submitted())
    done = run(exchange, FLAT, {}, prepare=lambda b: b.restore([sent], books("0", "0", "10000")))
    assert done.broker.ledger.holding("BTCUSDT").quantity == 1
    assert exchange.asked == []


def test_books_and_an_adopted_position_exclude_each_other(make_exchange, run):
    with pytest.raises(ConfigError, match="new books only"):
        run(
            make_exchange(base="1"),
            FLAT,
            {},
            adopt_position={"BTCUSDT": (1, 90)},
            prepare=lambda b: b.restore([], books()),
        )


def report(exchange, *, asked=(), trades=(), balances=None):
    return AccountReport(
        exchange.now_ms,
        exchange.open_orders("BTCUSDT"),
        {one.client_id: one for one in asked},
        tuple(trades),
        exchange.balances() if balances is None else balances,
    )


def test_a_check_finds_a_trade_that_the_stream_lost(exchange, run):
    def lose(s):
        exchange.trade_part(next(iter(s.broker.orders)), "1", "95", silent=True)

    script = {
        1: keep("o", lambda s: s.buy(size=1, price=95, exectype=bt.Order.Limit)),
        2: lose,
        4: lambda s: exchange.inbox.put(report(exchange, trades=exchange.trades("BTCUSDT"))),
    }
    done = run(exchange, FLAT, script)
    assert done.kept["o"].status == bt.Order.Completed
    assert done.strategy.sizes[3:5] == [0.0, 1.0]
    assert done.broker.trouble == ""


def test_a_doubt_counts_when_it_is_repeated_and_ends_when_it_is_gone(exchange, run):
    poor = {"USDT": replace(exchange.balances()["USDT"], free=D(5))}
    seen = []

    def check(balances):
        def act(s):
            seen.append(s.broker.trouble)
            exchange.inbox.put(report(exchange, balances=balances))

        return act

    script = {2: check(poor), 3: check(poor), 4: check(None)}
    script[5] = lambda s: seen.append(s.broker.trouble)
    script[4] = lambda s: (check(None)(s), s.kept.update(o=s.buy(size=1)))
    done = run(exchange, FLAT, script)
    assert seen[:2] == ["", ""]
    assert "something else has sold or withdrawn it" in seen[2]
    assert seen[3] == ""
    assert "contradict" in done.strategy.reasons[done.kept["o"].ref]


def test_an_order_that_the_exchange_does_not_know_any_more_is_told_of(exchange, run):
    """A testnet is wiped while the run goes on; each bar is a minute, and each sees one check."""
    seen = []

    def wipe(s):
        exchange.query = lambda symbol, client_id: None
        exchange.open_orders = lambda symbol: ()

    def check(s):
        seen.append(s.broker.trouble)
        exchange.inbox.put(report(exchange))

    script = {1: keep("o", lambda s: s.buy(size=1, price=50, exectype=bt.Order.Limit)), 2: wipe}
    script |= dict.fromkeys(range(3, 7), check)
    script[7] = lambda s: seen.append(s.broker.trouble)
    run(exchange, FLAT, script)
    assert seen[:3] == ["", "", ""]
    assert "seems to have been reset" in seen[-1]


@pytest.mark.parametrize(("trade_id", "is_told"), [(7, True), (8, False)])
def test_a_trade_of_the_books_that_is_not_listed_any_more_stops_entries(exchange, run, trade_id, is_told):
    """The bot holds nothing and has nothing open, so nothing else shows that the testnet was wiped."""
    ledger = replace(books("0", "0", "10000"), booked=frozenset({("BTCUSDT", 7)}))
    seen = []

    def check(s, lost):
        seen.append(s.broker.trouble)
        exchange.inbox.put(replace(report(exchange), lost=lost))

    def forget(s):
        """An hour after an order is over, the books forget its trades."""
        desk = s.broker._session.desk
        desk.ledger = desk.ledger.without({("BTCUSDT", 7)})
        check(s, {"BTCUSDT": trade_id})

    script = {1: lambda s: check(s, {}), 2: forget, 3: forget, 4: forget}
    script[5] = lambda s: s.kept.update(o=s.buy(size=1))
    done = run(exchange, FLAT, script, prepare=lambda b: b.restore([], ledger))
    assert seen[:3] == ["", "", ""]
    assert ("it does not list the trade 7 of BTCUSDT any more" in seen[3]) == is_told
    assert (done.broker.ledger.holding("BTCUSDT").quantity == 0) == is_told


class Record:
    """Writes down every call, and what had been asked of the exchange by then."""

    def __init__(self, exchange, fail=()):
        self.calls = []
        self.exchange = exchange
        self.fail = fail

    def check(self):
        """Nothing is kept: `fail` raises at once."""

    def __getattr__(self, name):
        def call(*args):
            self.calls.append((name, len(self.exchange.asked), args))
            if name in self.fail:
                raise JournalError("The disk is full.")

        return call


def test_the_record_has_the_intent_before_the_request_leaves(exchange, run):
    record = Record(exchange)
    script = {
        1: lambda s: s.buy(size=1),
        2: lambda s: s.buy(size=-0.0001),
        3: lambda s: exchange.inbox.put(StreamChanged("down", "cut", 1)),
        4: lambda s: exchange.inbox.put(BalancesSeen({}, 1)),
    }
    run(exchange, FLAT, script, recorder=record)
    assert [call[:2] for call in record.calls] == [
        ("intent", 0),
        ("changed", 1),  # Submitted: told after the request, which waits for nothing but the intent
        ("changed", 1),  # Accepted
        ("changed", 1),  # Filled
        ("fill", 1),
        ("refused", 1),
        ("stream", 1),
        ("balances", 1),
    ]


def test_what_cannot_be_written_down_is_not_sent(exchange, run):
    with pytest.raises(JournalError):
        run(exchange, FLAT, {1: lambda s: s.buy(size=1)}, recorder=Record(exchange, fail=("intent",)))
    assert exchange.asked == []


def test_a_guard_forbids_entries_and_is_not_asked_about_exits(exchange, run):
    asked = []

    class Guard:
        def judge(self, request):
            asked.append(request)
            return "the day's loss is reached" if len(asked) > 1 else None

    script = {1: lambda s: s.buy(size=2), 2: keep("no", lambda s: s.buy(size=1)), 4: lambda s: s.close()}
    done = run(exchange, FLAT, script, guard=Guard())
    assert asked[1] == EntryRequest(
        "BTCUSDT", "MARKET", D(1), D(100), D(100), D(2), D(9800), D(10000), asked[1].time_ms
    )
    assert done.strategy.reasons[done.kept["no"].ref] == "the day's loss is reached"
    assert done.strategy.sizes[-1] == 0.0


def test_symbols_are_found_and_checked(exchange, run):
    with pytest.raises(ConfigError, match="ETH"):
        run(exchange, FLAT, {}, symbols={"ETH": "ETHUSDT"})
    done = run(exchange, FLAT, {1: lambda s: s.buy(size=1)}, symbols={"BTCUSDT": "btcusdt"})
    assert done.strategy.sizes[-1] == 1.0
