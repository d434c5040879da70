"""Strategies that do anything at any bar: the accelerated loop gives what stock Backtrader gives, by ==."""

from __future__ import annotations

import datetime
import random

import backtrader as bt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings, Protection

QUICKLY = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="session")
def wanderer(recorded, facts_of_account):
    """Give a class that orders, cancels, looks and changes the account at random."""

    class Wanderer(recorded):
        params = (("seed", 0), ("haste", 0.2), ("odd", False), ("period", 3))

        def __init__(self):
            self.draw = random.Random(self.p.seed)
            self.mean = bt.ind.SMA(self.data, period=self.p.period)
            self.kept = []

        def prenext(self):
            self.next()

        def next(self):
            if self.draw.random() < self.p.haste:
                acts = ORDERS + ASKS + (ODD if self.p.odd else ())
                self.draw.choice(acts)(self)

        def near(self):
            return self.data.close[0] * self.draw.choice((0.9, 0.97, 0.99, 1.0, 1.01, 1.03, 1.1))

        def put(self, **how):
            side = self.draw.choice((self.buy, self.buy, self.sell, self.close))
            size = self.draw.choice((None, None, 1, 2.5, 40, 1000))
            self.kept.append(side(**({"size": size} if size and side != self.close else {}), **how))

        def look(self):
            self.note("account", facts_of_account(self))

    return Wanderer


def market(me):
    me.put()


def at_close(me):
    me.put(exectype=bt.Order.Close)


def limit(me):
    me.put(exectype=bt.Order.Limit, price=me.near(), valid=datetime.timedelta(hours=me.draw.randint(0, 5)))


def stop(me):
    me.put(exectype=bt.Order.Stop, price=me.near(), valid=me.draw.choice((None, me.data.datetime[0] + 0.2)))


def stop_limit(me):
    me.put(exectype=bt.Order.StopLimit, price=me.near(), plimit=me.near())


def trail(me):
    me.put(exectype=bt.Order.StopTrail, trailpercent=me.draw.choice((0.01, 0.05)))


def trail_limit(me):
    price = me.data.close[0]
    me.put(exectype=bt.Order.StopTrailLimit, price=price, plimit=price * 1.01, trailamount=2.0)


def bracket(me):
    make, up = (me.buy_bracket, 1) if me.draw.random() < 0.6 else (me.sell_bracket, -1)
    price = me.near()
    me.kept += make(price=price, stopprice=price * (1 - 0.03 * up), limitprice=price * (1 + 0.03 * up), size=2)


def one_cancels_other(me):
    first = me.buy(exectype=bt.Order.Limit, price=me.data.close[0] * 0.98, size=1)
    me.kept += [first, me.sell(exectype=bt.Order.Stop, price=me.data.close[0] * 0.97, size=1, oco=first)]


def tagged(me):
    me.put(tag="because", tradeid=me.draw.choice((0, 1)))


def cancel(me):
    alive = [order for order in me.kept if order is not None and order.alive()]
    if alive:
        me.cancel(me.draw.choice(alive))


def target(me):
    make = me.draw.choice((me.order_target_percent, me.order_target_size))
    me.kept.append(make(target=me.draw.choice((0, 0.3, 0.9, -0.4))))


def look(me):
    me.look()


def look_back(me):
    ago = -me.draw.randint(0, min(3, len(me) - 1))
    me.note("bars", me.data.close[ago], me.mean[ago], me.datetime[ago], list(me.data.close.get(size=2)))


def add_cash(me):
    me.broker.add_cash(me.draw.choice((500.0, -500.0)))
    me.note("value", me.broker.getvalue())


def take_cash(me):
    me.broker.cash -= 7.0
    me.look()


def set_cash(me):
    me.broker.set_cash(5_000.0)
    me.look()


def costs(me):
    me.broker.setcommission(
        commission=me.draw.choice((0.0, 0.002)),
        leverage=me.draw.choice((1.0, 3.0)),
        interest=me.draw.choice((0.0, 0.1)),
        interest_long=me.draw.random() < 0.5,
        mult=me.draw.choice((1.0, 2.0)),
        margin=me.draw.choice((None, None, 20.0)),
    )


def short_cash(me):
    me.broker.set_shortcash(me.draw.random() < 0.5)


def cheat_on_close(me):
    me.broker.set_coc(me.draw.random() < 0.5)


def no_check(me):
    me.broker.set_checksubmit(me.draw.random() < 0.5)


def move_position(me):
    me.position.size = me.draw.choice((0, 1.5, 3))


ORDERS = (
    market,
    market,
    at_close,
    limit,
    stop,
    stop_limit,
    trail,
    trail_limit,
    bracket,
    one_cancels_other,
    tagged,
    cancel,
    target,
)
ASKS = (look, look_back)
ODD = (add_cash, take_cash, set_cash, costs, short_cash, cheat_on_close, no_check, move_position)


@QUICKLY
@given(
    seed=st.integers(0, 10**9),
    count=st.integers(1, 150),
    haste=st.sampled_from((0.02, 0.1, 0.5)),
    odd=st.booleans(),
    slippage=st.sampled_from((0.0, 0.002)),
    stake=st.sampled_from(("3", "50%", "900USDT")),
    protection=st.sampled_from((Protection(), Protection(stop_loss_pct=2.0, take_profit_pct=3.0))),
)
def test_what_a_strategy_does_at_random_gives_the_same_numbers(
    *, same, wanderer, draw_bars, seed, count, haste, odd, slippage, stake, protection
):
    """Orders of every type, cancels, targets, questions, and an account that is changed under way."""
    account = BacktestSettings(
        cash=10_000.0, commission=0.001, slippage=slippage, stake=Stake.parse(stake), protection=protection
    )
    same(
        wanderer,
        draw_bars(seed, count),
        settings=account,
        seed=seed,
        haste=haste,
        odd=odd,
        period=min(3, count),
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_a_long_random_run_gives_the_same_numbers(same, wanderer, draw_bars, seed):
    """Longer than a block of the loop, so that quiet stretches are cut by its borders."""
    same(wanderer, draw_bars(seed, 9_000), seed=seed, haste=0.02, odd=bool(seed % 2))
