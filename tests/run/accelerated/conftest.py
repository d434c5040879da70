"""One strategy on two engines: stock Backtrader, the truth, and the accelerated loop."""

from __future__ import annotations

import itertools
from pathlib import Path

import backtrader as bt
import numpy as np
import pytest

from bt_run.core.interval import Interval
from bt_run.core.market import BarFile, Bars
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings
from bt_run.run.accelerated.bt_engine import run_accelerated
from bt_run.run.bt_cerebro import run_cerebro
from strategies.loader import LoadedStrategy

HOUR_MS = 3_600_000
START_MS = 1_609_459_200_000


def make_bars(seed, count):
    """Draw bars: a walk with gaps, spikes and flat stretches, prices in ticks of 0.01."""
    draw = np.random.default_rng(seed)
    steps = draw.normal(0.0, 0.02, count) * draw.choice([0.0, 1.0, 1.0, 5.0], count)
    close = np.round(100.0 * np.exp(np.cumsum(steps)), 2)
    gaps = draw.normal(0.0, 0.01, count) * draw.choice([0.0, 0.0, 1.0, 4.0], count)
    opened = np.round(np.concatenate(([100.0], close[:-1])) * np.exp(gaps), 2)
    reach = np.abs(draw.normal(0.0, 0.01, (2, count))) * draw.choice([0.0, 1.0], (2, count))
    return Bars.of(
        START_MS + HOUR_MS * np.arange(count, dtype=np.int64),
        open=opened,
        high=np.round(np.maximum(opened, close) * (1 + reach[0]), 2),
        low=np.round(np.minimum(opened, close) * (1 - reach[1]), 2),
        close=close,
        volume=np.round(draw.lognormal(1.0, 1.0, count), 3),
    )


def as_file(bars):
    """Wrap bars as a file of hours."""
    return BarFile(Path("bars.csv"), "BTCUSDT", Interval.parse("1h"), bars, sha256="")


def order_facts(order):
    """Give all that an order tells."""
    bits = [tuple(sorted(vars(bit).items())) for bit in order.executed.exbits]
    sides = [
        tuple((name, value) for name, value in sorted(vars(side).items()) if name != "exbits")
        for side in (order.created, order.executed)
    ]
    facts = ("ref", "ordtype", "exectype", "size", "status", "valid", "tradeid", "triggered", "dteos", "plimit")
    own = [getattr(order, name) for name in facts]
    others = ("owner", "data", "parent")
    terms = [(name, value) for name, value in order.p._getitems() if name not in others]
    return (type(order), own, terms, sides, bits, list(order.info.items()), order.alive(), order.active())


def trade_facts(trade):
    """Give all that a trade tells."""
    return tuple(
        (name, value) for name, value in sorted(vars(trade).items()) if name not in ("data", "history")
    )


def account_facts(strategy):
    """Give all that broker and position tell."""
    broker, position = strategy.broker, strategy.position
    names = ("_value", "_valuelever", "_valuemkt", "_valuemktlever", "_leverage", "_unrealized")
    return (
        broker.getcash(),
        broker.getvalue(),
        broker.get_value_lever(),
        broker.fundvalue,
        broker.fundshares,
        *(getattr(broker, name) for name in names),
        position.size,
        position.price,
        position.adjbase,
        getattr(position, "datetime", None),
    )


class Recorded(bt.Strategy):
    """A strategy that writes down every order and trade it is told of, and how it ends."""

    params = (("log", None),)

    def note(self, *facts):
        self.p.log.append((len(self), *facts))

    def notify_order(self, order):
        self.note("order", order_facts(order))

    def notify_trade(self, trade):
        self.note("trade", trade_facts(trade))

    def stop(self):
        lines = [*self.data.lines, *self.lines]
        for indicator in self.getindicators():
            lines += list(getattr(indicator.lines, "lines", indicator.lines))
        self.note("lines", [(line.array.tobytes(), line.idx, len(line), line.buflen()) for line in lines])
        trades = [
            trade_facts(trade) for kept in self._trades.values() for some in kept.values() for trade in some
        ]
        self.note("end", account_facts(self), trades, [order_facts(order) for order in self._orders])
        self.note("phase", self._minperstatus, self._minperiod)
        self.note("ticks", self.data.tick_close, self.data.tick_last, [type(line) for line in lines])


def run_on(engine, cls, bars, settings, *, params, source):
    """Run a class on one engine; give what came of it, and what it wrote down."""
    bt.order.OrderBase.refbasis = itertools.count(1)
    bt.trade.Trade.refbasis = itertools.count(1)
    vars(bt.lineiterator.LinesCoupler).pop("counter", None)  # it numbers the names of the curves of couplers
    log, done = [], []
    logged = {"log": log} if "log" in cls.params._getkeys() else {}
    strategy = LoadedStrategy(cls.__name__, cls, {**logged, **params}, Path(source))
    try:
        outcome = engine(strategy, as_file(bars), settings, progress=done.append)
    except Exception as error:  # noqa: BLE001  # whatever one engine raises, the other must raise
        return None, {"error": repr(error), "story": getattr(error, "story", ""), "log": log, "done": done}
    curve = [getattr(outcome.curve, name).tobytes() for name in ("equity", "cash", "position")]
    drawn = [
        {name: line.tobytes() for name, line in some.items()} for some in (outcome.panels, outcome.overlays)
    ]
    return outcome, {
        "curve": curve,
        "fills": outcome.fills,
        "rejected": outcome.rejected,
        "drawn": drawn,
        "log": log,
        "done": done,
    }


@pytest.fixture(scope="session")
def same():
    """Give a function that runs a class on both engines, compares everything by ==, and gives the outcome."""

    def run(cls, bars, *, fallback="", settings=None, source=__file__, **params):
        settings = settings or BacktestSettings(cash=10_000.0, commission=0.001, stake=Stake.parse("3"))
        _, wanted = run_on(run_cerebro, cls, bars, settings, params=params, source=source)
        outcome, found = run_on(run_accelerated, cls, bars, settings, params=params, source=source)
        for name, value in wanted.items():
            pairs = zip(value, found[name], strict=False) if name == "log" else ()
            for number, (one, other) in enumerate(pairs):
                assert repr(one) == repr(other), f"entry {number} of the log"

            assert repr(value) == repr(found[name]), name
        if outcome is not None:
            assert fallback == outcome.fallback
        return outcome, found

    return run


@pytest.fixture(scope="session")
def recorded():
    """Give the class that writes down what it is told."""
    return Recorded


@pytest.fixture(scope="session")
def facts_of_account():
    """Give the function that reads all of an account."""
    return account_facts


@pytest.fixture(scope="session")
def draw_bars():
    """Give the function that draws bars from a seed."""
    return make_bars


@pytest.fixture(scope="session")
def as_loaded():
    """Give a function that wraps a class and bars as the engines want them."""

    def wrap(cls, bars, **params):
        return LoadedStrategy(cls.__name__, cls, params, Path(__file__)), as_file(bars)

    return wrap
