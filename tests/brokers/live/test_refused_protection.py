"""What becomes of a holding whose protection the exchange refuses, for reasons that came after the start."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from brokers.filters import PercentPrice
from brokers.order_events import Rejected
from brokers.recorder import NoRecord
from bt_run.core.settings import Protection

D = Decimal
FULL = "Filter failure: MAX_NUM_ORDER_LISTS"
SYMBOL = "BTCUSDT"


def rule(exchange, **changes):
    """Let the exchange have other rules from now on."""
    exchange._filters[SYMBOL] = replace(exchange._filters[SYMBOL], **changes)


def near(up="1.2", down="0.8"):
    """Prices of orders must lie so near to the market."""
    return PercentPrice("PERCENT_PRICE_BY_SIDE", D(up), D(down), D(up), D(down), 5)


def look(name, exchange):
    """Keep the open legs under a name."""
    return lambda s: s.kept.update({name: exchange.open_legs()})


def test_a_target_too_far_from_the_market_costs_nobody_the_stop(exchange, run):
    """A list is refused as a whole; the stop goes alone, and the target follows when the market comes near."""
    rule(exchange, percent_price=(near(),))
    script = {
        1: lambda s: s.buy(size=2),
        2: lambda s: s.sell(size=1),
        3: look("far", exchange),
        80: look("still far", exchange),
        170: look("near", exchange),
    }
    closes = [100.0, *[98.0] * 79, *[100.0] * 92]
    done = run(exchange, closes, script, protection=Protection(stop_loss_pct=5, take_profit_pct=19))

    alone = {"STOP_LOSS": D(1)}
    assert {"far": alone, "still far": alone, "near": {"LIMIT_MAKER": D(1), **alone}} == done.kept
    assert 2 > sum(asked[0] == "cancel" for asked in exchange.asked[4:])


def test_a_list_that_is_refused_for_any_reason_leaves_the_stop(exchange, run, monkeypatch):
    """Whatever speaks against a list, such as too many of them, may not speak against a stop."""
    monkeypatch.setattr(
        exchange, "place_list", lambda kind, orders: {o.client_id: (Rejected(-1013, FULL),) for o in orders}
    )
    script = {1: lambda s: s.buy(size=1), 20: look("later", exchange)}
    done = run(exchange, [100.0] * 21, script, protection=Protection(stop_loss_pct=5, take_profit_pct=19))

    assert {"later": {"STOP_LOSS": D(1)}} == done.kept


def test_a_stop_that_is_refused_too_is_told_once_and_tried_again(exchange, run, monkeypatch):
    """Nothing holds the position then; a person must know."""
    notes = []
    recorder = NoRecord()
    recorder.note = notes.append
    refuse = (Rejected(-1013, FULL),)
    with monkeypatch.context() as patch:
        patch.setattr(
            exchange, "place_list", lambda kind, orders: dict.fromkeys([o.client_id for o in orders], refuse)
        )
        buy = exchange.place
        patch.setattr(exchange, "place", lambda order: refuse if order.side == "SELL" else buy(order))
        script = {1: lambda s: s.buy(size=1), 5: lambda s: patch.undo(), 8: look("later", exchange)}
        done = run(
            exchange,
            [100.0] * 9,
            script,
            protection=Protection(stop_loss_pct=5, take_profit_pct=19),
            recorder=recorder,
        )

    assert ["BTCUSDT: what is held has no protection, the exchange refused it: " + FULL] == notes
    assert "STOP_LOSS" in done.kept["later"]


def test_a_refusal_that_is_over_delays_nothing(exchange, run, monkeypatch):
    """The pause between attempts is for attempts that fail; legs that stood are replaced at once."""
    refuse = (Rejected(-1013, FULL),)
    protection = Protection(stop_loss_pct=5)

    def sell_a_part(s):
        s.broker.next()  # the turn that the acceptance of the legs brings
        s.kept["before"] = exchange.open_legs()
        s.sell(size=1)
        s.kept["after"] = exchange.open_legs()

    with monkeypatch.context() as patch:
        buy = exchange.place
        patch.setattr(exchange, "place", lambda order: refuse if order.side == "SELL" else buy(order))
        script = {1: lambda s: s.buy(size=2), 9: lambda s: patch.undo(), 10: sell_a_part}
        done = run(exchange, [100.0] * 11, script, protection=protection)

    assert {"before": {"STOP_LOSS": D(2)}, "after": {"STOP_LOSS": D(1)}} == done.kept
