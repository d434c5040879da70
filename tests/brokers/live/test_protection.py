"""Stop-loss, take-profit and trailing stop on the exchange, for any strategy and whatever happens to it."""

from __future__ import annotations

from decimal import Decimal

import backtrader as bt
import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.settings import Protection

D = Decimal
BOTH = Protection(stop_loss_pct=5, take_profit_pct=10)


def keep(name, make):
    def act(strategy):
        strategy.kept[name] = make(strategy)

    return act


def test_an_entry_is_protected_when_buy_returns(make_exchange, run):
    exchange = make_exchange(fee="0.001")

    def act(s):
        s.buy(size=1)
        s.kept["legs"] = exchange.open_legs()

    done = run(exchange, [100.0, 100.0, 94.0, 94.0], {1: act}, protection=BOTH)
    assert done.kept["legs"] == {"LIMIT_MAKER": D("0.999"), "STOP_LOSS": D("0.999")}
    stop, target = done.orders(purpose="stop_loss")[0], done.orders(purpose="take_profit")[0]
    assert (stop.stop_price, target.price) == (D(95), D(110))
    assert stop.bracket == target.bracket == done.orders(purpose="entry")[0].bracket != ""
    tags = {
        order.info["tag"]: order.getstatusname() for order in done.strategy.orders.values() if order.issell()
    }
    assert tags == {"stop_loss": "Completed", "take_profit": "Canceled"}
    assert done.strategy.sizes[-1] == 0.0
    assert len(done.strategy.closed) == 1


@pytest.mark.parametrize(
    ("protection", "type_", "price", "delta"),
    [
        (Protection(stop_loss_pct=5), "STOP_LOSS", None, None),
        (Protection(take_profit_pct=5), "LIMIT", D(105), None),
        (Protection(trailing_stop_pct=2.5), "STOP_LOSS", None, 250),
    ],
)
def test_one_leg_alone(exchange, run, protection, type_, price, delta):  # noqa: PLR0917
    done = run(exchange, [100.0] * 4, {1: lambda s: s.buy(size=1)}, protection=protection)
    (leg,) = done.orders(side="SELL")
    assert (leg.type, leg.price, leg.trailing_delta) == (type_, price, delta)


def test_a_trailing_stop_with_a_target(exchange, run):
    both = Protection(trailing_stop_pct=5, take_profit_pct=30)
    done = run(exchange, [100.0, 100.0, 120.0, 113.0, 113.0], {1: lambda s: s.buy(size=1)}, protection=both)
    assert [trade.pnl for trade in done.strategy.closed] == [13.0]


def test_a_symbol_without_market_stops_gets_a_stop_limit_and_it_is_said(make_exchange, run):
    exchange = make_exchange(orderTypes=["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT"])
    notes = []

    class Notes:
        def __getattr__(self, name):
            return notes.append if name == "note" else (lambda *_: None)

    done = run(exchange, [100.0] * 4, {1: lambda s: s.buy(size=1)}, protection=BOTH, recorder=Notes())
    (stop,) = done.orders(purpose="stop_loss")
    assert (stop.type, stop.stop_price, stop.price) == ("STOP_LOSS_LIMIT", D(95), D("94.05"))
    assert any("stop-limit" in note for note in notes)


def test_what_cannot_be_protected_is_told_before_the_first_order(make_exchange, run):
    no_oco = make_exchange(ocoAllowed=False)
    with pytest.raises(ConfigError, match="no OCO lists"):
        run(no_oco, [100.0], {}, protection=BOTH)
    with pytest.raises(ConfigError, match="TRAILING_DELTA"):
        run(make_exchange(), [100.0], {}, protection=Protection(trailing_stop_pct=30))
    with pytest.raises(ConfigError, match="basis points"):
        run(make_exchange(), [100.0], {}, protection=Protection(trailing_stop_pct=1.234))


def test_an_exit_takes_the_legs_away_first(exchange, run):
    script = {1: lambda s: s.buy(size=1), 3: keep("exit", lambda s: s.close())}
    done = run(exchange, [100.0] * 6, script, protection=BOTH)
    assert [asked[0] for asked in exchange.asked] == ["place", "OCO", "cancel", "place"]
    assert done.kept["exit"].status == bt.Order.Completed
    assert exchange.open_legs() == {}
    assert len(done.strategy.closed) == 1


def test_part_of_an_exit_keeps_the_levels_for_the_rest(exchange, run):
    script = {
        1: lambda s: s.buy(size=1),
        3: lambda s: s.sell(size=0.4),
        5: lambda s: s.kept.update(exchange.open_legs()),
    }
    done = run(exchange, [100.0, 100.0, 102.0, 102.0, 102.0, 102.0], script, protection=BOTH)
    assert done.kept == {"LIMIT_MAKER": D("0.6"), "STOP_LOSS": D("0.6")}
    assert {o.stop_price for o in done.orders(purpose="stop_loss")} == {D(95)}


def test_a_second_purchase_sets_the_levels_anew(exchange, run):
    script = {1: lambda s: s.buy(size=1), 3: lambda s: s.buy(size=1)}
    done = run(exchange, [100.0, 100.0, 104.0, 104.0], script, protection=BOTH)
    live = [o for o in done.orders(purpose="stop_loss") if not o.is_terminal]
    assert [(o.stop_price, o.quantity) for o in live] == [(D("96.9"), D(2))]


def test_an_entry_in_parts_is_protected_as_it_grows(exchange, run):
    seen = []

    def part(quantity):
        def act(s):
            seen.append(dict(exchange.open_legs()))
            exchange.trade_part(next(iter(s.broker.orders)), quantity, "95")

        return act

    script = {
        1: lambda s: s.buy(size=1, price=95, exectype=bt.Order.Limit),
        2: part("0.3"),
        3: part("0.7"),
        4: lambda s: seen.append(dict(exchange.open_legs())),
    }
    run(exchange, [100.0] * 5, script, protection=BOTH)
    assert [legs.get("STOP_LOSS") for legs in seen] == [None, D("0.3"), D(1)]


def test_the_stop_fills_while_the_exit_is_made(exchange, run):
    def race(s):
        leg = next(o.client_id for o in s.broker.orders.values() if o.purpose == "stop_loss")
        exchange.trade_part(leg, "1", "95", silent=True)
        s.kept["exit"] = s.close()

    done = run(exchange, [100.0] * 6, {1: lambda s: s.buy(size=1), 3: race}, protection=BOTH)
    assert done.kept["exit"].status == bt.Order.Canceled
    assert "nothing is left to sell" in done.strategy.reasons[done.kept["exit"].ref]
    assert [asked[:3] for asked in exchange.asked if asked[0] == "place"] == [("place", "BUY", "MARKET")]
    assert len(done.strategy.closed) == 1


def test_a_part_of_the_stop_fills_while_the_exit_is_made(exchange, run):
    def race(s):
        leg = next(o.client_id for o in s.broker.orders.values() if o.purpose == "stop_loss")
        exchange.trade_part(leg, "0.3", "95", silent=True)
        s.kept["exit"] = s.close()

    done = run(exchange, [100.0] * 6, {1: lambda s: s.buy(size=1), 3: race}, protection=BOTH)
    assert done.kept["exit"].executed.size == -0.7
    assert done.kept["exit"].status == bt.Order.Completed
    assert exchange.account.totals["BTC"] == 0


def test_the_exit_waits_for_a_cancel_without_an_answer(exchange, run):
    def leave(s):
        exchange.faults.append("kept")
        s.kept["exit"] = s.close()
        s.kept["entry"] = s.buy(size=1)

    exchange.query_fails = 1
    honest = exchange.query

    def query(symbol, client_id):
        from bt_run.core.errors import Disconnected

        if exchange.asked[-1][0] == "cancel" and exchange.query_fails:
            exchange.query_fails -= 1
            raise Disconnected("asking", reason="cut")
        return honest(symbol, client_id)

    exchange.query = query
    done = run(exchange, [100.0] * 8, {1: lambda s: s.buy(size=1), 3: leave}, protection=BOTH)
    assert done.kept["exit"].status == bt.Order.Completed
    assert "has not ended yet" in done.strategy.reasons[done.kept["entry"].ref]
    assert exchange.account.totals["BTC"] == 0


def test_legs_without_an_answer_are_not_placed_twice(exchange, run):
    exchange.faults.extend([None, "kept"])
    done = run(exchange, [100.0] * 8, {1: lambda s: s.buy(size=1)}, protection=BOTH)
    assert [asked[0] for asked in exchange.asked] == ["place", "OCO"]
    assert exchange.open_legs() == {"LIMIT_MAKER": D(1), "STOP_LOSS": D(1)}
    assert done.broker.trouble == ""


def test_legs_that_somebody_cancels_are_placed_again(exchange, run):
    def kill(s):
        for order in list(s.broker.orders.values()):
            if order.purpose in ("stop_loss", "take_profit"):
                exchange.kill(order.client_id)

    run(exchange, [100.0] * 8, {1: lambda s: s.buy(size=1), 3: kill}, protection=BOTH)
    assert exchange.open_legs() == {"LIMIT_MAKER": D(1), "STOP_LOSS": D(1)}


def test_a_price_that_has_passed_the_stop_already_sells_at_market(exchange, run):
    def buy(s):
        s.buy(size=1, price=100, exectype=bt.Order.Limit)

    def fall(s):
        exchange.trade_part(next(iter(s.broker.orders)), "1", "100")
        exchange.price = D(90)

    done = run(exchange, [101.0, 101.0, 101.0, 90.0, 90.0], {1: buy, 3: fall}, protection=BOTH)
    assert [asked[:3] for asked in exchange.asked][-1] == ("place", "SELL", "MARKET")
    assert done.strategy.sizes[-1] == 0.0
    assert [t.pnl for t in done.strategy.closed] == [-10.0]


def test_a_bracket_of_the_strategy_needs_no_second_protection(exchange, run):
    def act(s):
        s.buy_bracket(size=1, exectype=bt.Order.Market, stopprice=97, limitprice=103)

    run(exchange, [100.0] * 5, {1: act}, protection=BOTH)
    assert [asked[0] for asked in exchange.asked] == ["place", "OCO"]


def test_dust_is_left_without_protection_and_without_noise(exchange, run):
    script = {1: lambda s: s.buy(size=0.06), 3: lambda s: s.sell(size=0.05)}
    done = run(exchange, [100.0] * 30, script, protection=BOTH)
    assert done.strategy.sizes[-1] == 0.0
    assert len(done.strategy.closed) == 1
    assert done.broker.getvalue() == 10_000
    assert [asked[0] for asked in exchange.asked] == ["place", "OCO", "cancel", "place"]


def test_a_target_that_fills_in_parts_leaves_no_rest_without_a_stop(exchange, run):
    def part(s):
        leg = next(o.client_id for o in s.broker.orders.values() if o.purpose == "take_profit")
        exchange.trade_part(leg, "0.4", "110")

    done = run(
        exchange, [100.0, 100.0, 109.0, 109.0, 109.0], {1: lambda s: s.buy(size=1), 3: part}, protection=BOTH
    )
    assert exchange.open_legs() == {"LIMIT_MAKER": D("0.6"), "STOP_LOSS": D("0.6")}
    assert done.strategy.sizes[-1] == 0.6
