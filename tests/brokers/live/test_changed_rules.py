"""The exchange changes the rules of a symbol while a run trades it: status, tick, lot step."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from brokers.filters import Range
from brokers.live.markets import Markets
from bt_run.core.errors import Disconnected
from bt_run.core.settings import Protection

D = Decimal
SYMBOL = "BTCUSDT"
STOP = Protection(stop_loss_pct=5)


def rule(exchange, **changes):
    """Let the exchange have other rules from now on."""
    exchange._filters[SYMBOL] = replace(exchange._filters[SYMBOL], **changes)


def stops(exchange):
    return [
        (o.order.quantity, o.order.stop_price)
        for o in exchange.account.orders.values()
        if o.works and o.order.stop_price
    ]


def test_a_symbol_that_did_not_trade_at_the_start_is_traded_when_it_does(make_exchange, run):
    """A halt ends; a run that began in it must not refuse entries, exits and stops for ever."""
    exchange = make_exchange(status="BREAK")
    script = {
        1: lambda s: s.buy(size=1),
        2: lambda s: rule(exchange, status="TRADING"),
        4: lambda s: s.buy(size=1),
    }
    done = run(exchange, [100.0] * 6, script, protection=STOP)

    assert [0.0, 1.0] == [done.strategy.sizes[2], done.strategy.sizes[-1]]
    assert [(D(1), D(95))] == stops(exchange)


def test_a_coarser_tick_leaves_no_holding_without_its_stop(exchange, run):
    """The refusal shows that the rules have changed; they are asked for, and the stop follows them."""
    tick = Range(D(1), D(1_000_000), D(1))
    script = {
        1: lambda s: s.buy(size=2),
        2: lambda s: rule(exchange, price=tick),
        3: lambda s: s.sell(size=1),
    }
    run(exchange, [100.5] * 6, script, protection=STOP)

    assert [(D(1), D(96))] == stops(exchange)


def test_a_coarser_step_leaves_no_exit_refused_for_ever(exchange, run):
    step = Range(D("0.1"), D(9000), D("0.1"))
    script = {
        1: lambda s: s.buy(size=2.05),
        2: lambda s: rule(exchange, lot=step),
        3: lambda s: s.close(),
        5: lambda s: s.close(),
    }
    done = run(exchange, [100.0] * 7, script)

    assert ("place", "SELL", "MARKET", "2.0") == exchange.asked[-1]
    assert 0.0 == done.strategy.sizes[-1]


def test_rules_that_cannot_be_asked_for_are_asked_for_again(exchange, run, monkeypatch):
    tick = Range(D(1), D(1_000_000), D(1))
    asked = []

    def fail(markets, symbol):
        asked.append(symbol)
        raise Disconnected("The rules", reason="no connection")

    script = {
        1: lambda s: s.buy(size=2),
        2: lambda s: (rule(exchange, price=tick), monkeypatch.setattr(Markets, "read_rules", fail)),
        3: lambda s: s.sell(size=1),
        6: lambda s: monkeypatch.undo(),
    }
    run(exchange, [100.5] * 10, script, protection=STOP)

    assert asked
    assert [(D(1), D(96))] == stops(exchange)
