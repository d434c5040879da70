"""The backtest broker against an independent simulation in plain Python, and against stock Backtrader."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.bt_backtest import BacktestBroker
from brokers.bt_costs import StakeSizer, set_costs
from bt_run.core.errors import ConfigError
from bt_run.core.market import Bars, Interval
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings, Protection
from feeds import ArrayFeed

DAY = 86_400_000


class Scripted(bt.Strategy):
    """Do at each bar what the script says: ``buy``, ``sell``, ``close``, ``reverse`` or nothing."""

    params = (("script", ()),)

    def next(self) -> None:
        """Follow the script; entries only from flat, exits only from a position."""
        word = self.p.script[len(self) - 1]
        held = self.position.size
        if word == "close" and held:
            self.close()
        elif word in ("buy", "sell") and not held:
            getattr(self, word)()


@dataclass
class Account:
    """A naive simulation of the documented fill rules, one position at a time."""

    cash: float
    commission: float
    slippage: float
    protection: Protection
    position: float = 0.0
    entry: float = 0.0
    stop: float | None = None
    target: float | None = None
    fills: list[tuple[int, float, float, str]] = field(default_factory=list)

    def fill(self, bar: int, size: float, price: float, tag: str) -> None:
        """Book one execution."""
        self.cash -= size * price + abs(size) * price * self.commission
        self.position += size
        self.fills.append((bar, size, price, tag))

    def slipped(self, size: float, price: float, high: float, low: float) -> float:
        """Worsen a price, but stay inside the bar."""
        return min(price * (1 + self.slippage), high) if size > 0 else max(price * (1 - self.slippage), low)

    def enter(self, bar: int, size: float, ohlc: tuple[float, ...]) -> None:
        """Enter at the open, and reckon the protective levels from the price paid."""
        open_, high, low, _ = ohlc
        self.entry = self.slipped(size, open_, high, low)
        self.fill(bar, size, self.entry, "signal")
        sign = 1 if size > 0 else -1
        p = self.protection
        stop_pct = p.stop_loss_pct if p.stop_loss_pct is not None else p.trailing_stop_pct
        self.stop = None if stop_pct is None else self.entry * (1 - sign * stop_pct / 100)
        self.target = None if p.take_profit_pct is None else self.entry * (1 + sign * p.take_profit_pct / 100)

    def protect(self, bar: int, ohlc: tuple[float, ...]) -> None:
        """Work the stop, then the target, on one bar."""
        open_, high, low, close = ohlc
        sign = 1 if self.position > 0 else -1
        out = -self.position
        if self.stop is not None and (low <= self.stop if sign > 0 else high >= self.stop):
            gapped = open_ <= self.stop if sign > 0 else open_ >= self.stop
            price = self.slipped(out, open_ if gapped else self.stop, high, low)
            self.fill(bar, out, price, "stop_loss" if self.protection.stop_loss_pct else "trailing_stop")
            return
        if self.target is not None and (high >= self.target if sign > 0 else low <= self.target):
            better = open_ >= self.target if sign > 0 else open_ <= self.target
            # A limit never slips past itself. Backtrader keeps a bought one inside the bar too, but not a sold
            # one: its _try_exec_limit computes that bound and then passes the limit instead.
            worst = (high, self.target) if sign > 0 else (min(self.target, high), low)
            price = self.slipped(out, open_, *worst) if better else self.target
            self.fill(bar, out, price, "take_profit")
            return
        if self.protection.trailing_stop_pct is not None:
            moved = close * (1 - sign * self.protection.trailing_stop_pct / 100)
            self.stop = max(self.stop, moved) if sign > 0 else min(self.stop, moved)


def simulate(bars: Bars, script: list[str], config: BacktestSettings) -> tuple[Account, list[float]]:
    """Run the naive simulation; gives the account and the equity at every close."""
    account = Account(config.cash, config.commission, config.slippage, config.protection)
    rows = list(zip(bars.open, bars.high, bars.low, bars.close, strict=True))
    equity, wish = [], ""
    wanted = 0.0
    for bar, ohlc in enumerate(rows):
        if wish == "close":
            account.fill(bar, -account.position, account.slipped(-account.position, *ohlc[:3]), "signal")
        elif wish:
            account.enter(bar, wanted, ohlc)
        if account.position and config.protection:
            account.protect(bar, ohlc)
        close = ohlc[3]
        equity.append(account.cash + account.position * close)
        word, wish = script[bar], ""
        if word == "close" and account.position:
            wish = "close"
        elif word in ("buy", "sell") and not account.position:
            size = config.stake.size(equity=equity[-1], close=close, lot_step=config.lot_step)
            wish, wanted = (word, size if word == "buy" else -size) if size else ("", 0.0)
    return account, equity


def run(bars: Bars, script: list[str], config: BacktestSettings, broker: Any = None) -> Any:
    """Run the script in Cerebro on our broker, or on the one given."""
    cerebro = bt.Cerebro(stdstats=False)
    broker = broker or BacktestBroker(bars=bars, protection=config.protection)
    cerebro.setbroker(broker)
    set_costs(broker, config)
    cerebro.adddata(ArrayFeed(bars, interval=Interval.parse("1d")))
    cerebro.addsizer(StakeSizer, stake=config.stake, lot_step=config.lot_step)
    cerebro.addstrategy(Scripted, script=tuple(script))
    cerebro.run()
    return broker


@st.composite
def bars_and_script(draw: Any) -> tuple[Bars, list[str]]:
    """Draw bars with gaps, spikes and flats, and a script for them."""
    count = draw(st.integers(1, 25))
    step = st.floats(-0.12, 0.12)
    opens, highs, lows, closes = [], [], [], []
    price = 100.0
    for _ in range(count):
        first = max(price * (1 + draw(step)), 1.0) if draw(st.booleans()) else price
        price = max(first * (1 + draw(step)), 1.0)
        opens.append(first)
        closes.append(price)
        highs.append(max(first, price) * (1 + abs(draw(step))))
        lows.append(min(first, price) * (1 - abs(draw(step))))
    bars = Bars.of(np.arange(count) * DAY, open=opens, high=highs, low=lows, close=closes)
    words = st.sampled_from(["", "", "buy", "sell", "close"])
    return bars, draw(st.lists(words, min_size=count, max_size=count))


PROTECTIONS = st.sampled_from(
    [
        Protection(stop_loss_pct=3.0),
        Protection(take_profit_pct=4.0),
        Protection(stop_loss_pct=5.0, take_profit_pct=2.0),
        Protection(trailing_stop_pct=4.0),
        Protection(trailing_stop_pct=6.0, take_profit_pct=3.0),
        Protection(),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    drawn=bars_and_script(),
    protection=PROTECTIONS,
    slippage=st.sampled_from([0.0, 0.002]),
    commission=st.sampled_from([0.0, 0.001]),
    stake=st.sampled_from(["50%", "1", "2000USDT"]),
)
def test_fills_and_equity_equal_the_documented_rules(
    drawn: tuple[Bars, list[str]], protection: Protection, slippage: float, commission: float, stake: str
):
    """Next open, both fees, stop before target, gaps at the open, the entry bar counts: bar by bar."""
    bars, script = drawn
    config = BacktestSettings(
        commission=commission, slippage=slippage, stake=Stake.parse(stake), protection=protection
    )
    broker = run(bars, script, config)
    account, equity = simulate(bars, script, config)

    assert [(f.bar, f.size, f.tag) for f in broker.fills] == [(b, s, t) for b, s, _, t in account.fills]
    assert [f.price for f in broker.fills] == pytest.approx([p for _, _, p, _ in account.fills], rel=1e-12)
    assert broker.curve.equity.tolist() == pytest.approx(equity, rel=1e-9)


@settings(max_examples=100, deadline=None)
@given(
    drawn=bars_and_script(), slippage=st.sampled_from([0.0, 0.003]), stake=st.sampled_from(["100%", "3", "95%"])
)
def test_without_protection_it_is_stock_backtrader(drawn: tuple[Bars, list[str]], slippage: float, stake: str):
    """Cash, value and the number of refused orders equal those of Backtrader's own broker."""
    bars, script = drawn
    config = BacktestSettings(cash=500.0, slippage=slippage, stake=Stake.parse(stake))
    ours = run(bars, script, config)
    stock = run(bars, script, config, bt.brokers.BackBroker())

    assert (stock.getcash(), stock.getvalue()) == (ours.getcash(), ours.getvalue())
    assert sum(order.status == order.Margin for order in stock.orders) == len(ours.rejected)
    assert stock.getvalue() == ours.curve.equity[-1]


class Watching(Scripted):
    """Follow the script, and note all that the broker says about every bar."""

    def __init__(self) -> None:
        self.notes: list[Any] = []

    def notify_fund(self, cash: float, value: float, fundvalue: float, shares: float) -> None:
        """Note it before the bar's decision, and replace the cash once in between."""
        if len(self) == 4:
            self.broker.set_cash(6_000.0)
        broker, held = self.broker, self.position
        values = [broker.get_value(mkt=mkt, lever=lever) for mkt in (False, True) for lever in (False, True)]
        self.notes.append((cash, value, fundvalue, shares, values, broker.get_leverage(), broker._unrealized))
        self.notes.append((held.size, held.price, getattr(held, "datetime", None), held.adjbase))


@settings(max_examples=100, deadline=None)
@given(
    drawn=bars_and_script(),
    costs=st.sampled_from(
        [
            {"commission": 0.001},
            {"commission": 0.001, "interest": 0.2},
            {"commission": 0.001, "interest": 0.2, "interest_long": True},
            {"commission": 2.0, "margin": 10.0, "mult": 5.0},
            {"commission": 0.001, "leverage": 3.0},
        ]
    ),
)
def test_quiet_bars_leave_what_backtrader_leaves(drawn: tuple[Bars, list[str]], costs: dict[str, Any]):
    """Values, leverage, fund and position are those of Backtrader's own broker at every bar, to the bit."""
    bars, script = drawn
    notes = []
    for broker in (BacktestBroker(bars=bars), bt.brokers.BackBroker()):
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(broker)
        broker.setcash(5_000.0)
        broker.setcommission(**costs)
        cerebro.adddata(ArrayFeed(bars, interval=Interval.parse("1d")))
        cerebro.addstrategy(Watching, script=tuple(script))
        notes.append(cerebro.run()[0].notes)

    assert notes[1] == notes[0]


def daily(*rows: tuple[float, float, float, float]) -> Bars:
    """Make daily bars of open, high, low, close rows."""
    opens, highs, lows, closes = zip(*rows, strict=True)
    return Bars.of(np.arange(len(rows)) * DAY, open=opens, high=highs, low=lows, close=closes)


def test_an_exit_and_a_gapped_stop_on_one_open_sell_once():
    """The exit goes first and takes the stop away; nothing is sold short."""
    bars = daily((100, 100, 100, 100), (100, 101, 99, 100), (80, 82, 78, 80), (80, 80, 80, 80))
    broker = run(
        bars,
        ["buy", "close", "", ""],
        BacktestSettings(stake=Stake.parse("1"), protection=Protection(stop_loss_pct=5)),
    )

    assert [(1, 1.0, "signal"), (2, -1.0, "signal")] == [(f.bar, f.size, f.tag) for f in broker.fills]
    assert broker.curve.position[-1] == 0.0


def test_an_entry_that_cash_cannot_pay_is_listed_with_the_reason():
    """A gap up makes 100 % of equity too dear at the open; the refusal names the bar and the cash."""
    bars = daily((100, 100, 100, 100), (150, 150, 150, 150), (150, 150, 150, 150))
    broker = run(
        bars, ["buy", "", ""], BacktestSettings(cash=1000.0, commission=0.0, stake=Stake.parse("100%"))
    )
    (refused,) = broker.rejected

    assert broker.fills == ()
    assert (1, "buy", 10.0) == (refused.bar, refused.side, refused.size)
    assert "not enough cash: 1,000.00" in refused.reason


def test_orders_carry_the_tag_that_the_strategy_gave():
    """buy(tag=...) comes out as the fill's tag."""

    class Tagged(bt.Strategy):
        def next(self) -> None:
            if len(self) == 1:
                self.buy(size=1, tag="breakout")

    bars = daily((100, 100, 100, 100), (100, 100, 100, 100))
    cerebro = bt.Cerebro(stdstats=False)
    broker = BacktestBroker(bars=bars)
    cerebro.setbroker(broker)
    cerebro.adddata(ArrayFeed(bars, interval=Interval.parse("1d")))
    cerebro.addstrategy(Tagged)
    cerebro.run()

    assert ["breakout"] == [f.tag for f in broker.fills]


def test_two_stops_for_one_position_are_refused():
    """A fixed and a trailing stop cannot both hold."""
    with pytest.raises(ConfigError, match="trailing"):
        Protection(stop_loss_pct=5, trailing_stop_pct=5)


class Piecemeal(bt.Strategy):
    """Buy one, buy one more, sell one: the protection has to follow."""

    def next(self) -> None:
        """Act on the first three bars."""
        if len(self) in (1, 2):
            self.buy(size=1)
        elif len(self) == 3:
            self.sell(size=1)


def test_protection_follows_a_position_that_grows_and_shrinks():
    """The stop covers what is held, at 10 % below the average entry price."""
    bars = daily(
        (100, 100, 100, 100),
        (100, 100, 100, 100),
        (110, 110, 110, 110),
        (110, 110, 110, 110),
        (110, 110, 90, 95),
    )
    cerebro = bt.Cerebro(stdstats=False)
    broker = BacktestBroker(bars=bars, protection=Protection(stop_loss_pct=10))
    cerebro.setbroker(broker)
    cerebro.adddata(ArrayFeed(bars, interval=Interval.parse("1d")))
    cerebro.addstrategy(Piecemeal)
    cerebro.run()
    last = broker.fills[-1]

    assert (4, -1.0, "stop_loss") == (last.bar, last.size, last.tag)
    assert last.price == pytest.approx(105 * 0.9)
    assert broker.curve.position[-1] == 0.0
