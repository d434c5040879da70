"""
The backtest broker that does nothing on a bar on which nothing happens.

While no order is alive, cash and holding stay the same and only the close changes the account. Such bars are
booked together when the next thing happens, or when somebody asks.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from brokers.bt_backtest import BacktestBroker
from brokers.bt_orders import ORDER_TERMS, copy_order, make_order

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray
    from bt_run.run.accelerated.bt_cursor import Cursor

__all__ = ["AcceleratedBroker"]

_NEVER = float("nan")  # equal to no holding
_POSITIONAL = (
    *("owner", "data", "size", "price", "plimit", "exectype", "valid", "tradeid", "oco", "trailamount"),
    *("trailpercent", "parent", "transmit", "histnotify", "_checksubmit"),
)
_PLAIN_COSTS = (bt.CommInfoBase, bt.CommissionInfo)


def _marked(name: str) -> property:
    """Make an attribute that is up to date whenever it is read."""
    slot = f"_kept{name}"

    def get(self: Any) -> Any:
        self.mark()
        return self.__dict__[slot]

    def put(self: Any, value: Any) -> None:
        self.__dict__[slot] = value

    return property(get, put)


class AcceleratedBroker(BacktestBroker):
    """
    `BacktestBroker` that leaves quiet bars for later.

    Without a cursor it is the `BacktestBroker` that it is derived from. With one, the run loop calls `work` on
    the bars that are not quiet, instead of `next` on every bar; all attributes read as if every bar had been
    worked.
    """

    _value = _marked("_value")
    _valuelever = _marked("_valuelever")
    _valuemkt = _marked("_valuemkt")
    _valuemktlever = _marked("_valuemktlever")
    _leverage = _marked("_leverage")
    _unrealized = _marked("_unrealized")
    _fundval = _marked("_fundval")

    _cursor: Cursor | None = None
    _done = -1

    quiet_size = _NEVER
    """The holding with which the bars are quiet as long as no order is alive; NaN where none are."""

    def init(self) -> None:
        """Open empty books; called by Backtrader at the start of every run."""
        super().init()
        self.positions: Any = defaultdict(lambda: _Position(self))

    @property
    def cash(self) -> float:
        """Free cash; setting it books the quiet bars before."""
        return self._cash

    @cash.setter
    def cash(self, value: float) -> None:
        self.mark()
        self._cash: float = value

    def attend(self, cursor: Cursor, data: Any) -> None:
        """Work bars where the cursor stands, from now on."""
        self._cursor, self._data = cursor, data
        self._done = -1
        self.quiet_size = _NEVER

    def leave(self) -> None:
        """Book what is left and be a plain `BacktestBroker` again."""
        self.mark()
        self._cursor = None

    def work(self) -> None:
        """Work the bar at the cursor as Backtrader does, and find out whether bars like it will be quiet."""
        cursor = self._cursor
        assert cursor is not None  # noqa: S101  # the loop calls attend() first
        bar = cursor.row
        if self._done < bar - 1:
            self._book_until(bar - 1)  # next() sets anew what else mark() would
        self._done = bar
        self.next()
        self.quiet_size = self._find_quiet_size()

    def mark(self) -> None:
        """Book the quiet bars up to where the cursor stands."""
        if self._cursor is not None and self._done < self._cursor.row:
            self._book_until(self._cursor.row)
            self._mark_to_market(self._data, self.positions[self._data])

    def buy(self, *args: Any, **kwargs: Any) -> Any:
        """Make a buy order, as Backtrader does."""
        return self._submit(bt.BuyOrder, dict(zip(_POSITIONAL, args, strict=False)) | kwargs)

    def sell(self, *args: Any, **kwargs: Any) -> Any:
        """Make a sell order, as Backtrader does."""
        return self._submit(bt.SellOrder, dict(zip(_POSITIONAL, args, strict=False)) | kwargs)

    def _submit(self, kind: type[Any], terms: dict[str, Any]) -> Any:
        oco, check = terms.pop("oco", None), terms.pop("_checksubmit", True)
        terms["pricelimit"] = terms.pop("plimit", None)
        info = {name: terms.pop(name) for name in tuple(terms) if name not in ORDER_TERMS}
        order = make_order(kind, terms)
        order.addinfo(**info)
        self._ocoize(order, oco)
        return self.submit(order, check=check)

    def notify(self, order: Any) -> None:
        """Tell the strategy of an order, with the next news, and write down what happened to it."""
        self.notifs.append(copy_order(order))
        self._write_down(order)

    def add_cash(self, cash: float) -> None:
        """Add cash with the next bar, as Backtrader does."""
        self.mark()
        super().add_cash(cash)

    def setcommission(self, *args: Any, **kwargs: Any) -> None:
        """Take other costs from here on."""
        self.forget_quiet()
        super().setcommission(*args, **kwargs)

    def addcommissioninfo(self, comminfo: Any, name: str | None = None) -> None:
        """Take other costs from here on."""
        self.forget_quiet()
        super().addcommissioninfo(comminfo, name)

    def set_shortcash(self, shortcash: bool) -> None:
        """Reckon shorts in another way from here on."""
        self.forget_quiet()
        super().set_shortcash(shortcash)

    def forget_quiet(self) -> None:
        """Book the quiet bars so far, and work the next one to see whether it is one."""
        self.mark()
        self.quiet_size = _NEVER

    def _find_quiet_size(self) -> Any:
        if len(self.positions) > 1:
            return _NEVER
        size = self.positions[self._data].size
        if not size:
            return size
        costs = self.getcommissioninfo(self._data)
        plain = type(costs) in _PLAIN_COSTS and costs.stocklike and not costs.p.interest
        return size if plain and self.p.shortcash else _NEVER

    def _book_until(self, last: int) -> None:
        """Write the books of the quiet bars up to `last`, and what of the position outlives it."""
        size = self.quiet_size
        bars = slice(self._done + 1, last + 1)
        self._done = self._bar = last
        books = self._books
        books[0, bars] = self._values(bars) if size else self.cash
        books[1, bars] = self.cash
        books[2, bars] = size
        if size:
            self.positions[self._data].adjbase = self._data.close.array[last]

    def _values(self, bars: slice) -> FloatArray:
        """Reckon the account at the close of quiet bars, with the steps of Backtrader's _get_value()."""
        position = self.positions[self._data]
        costs = self.getcommissioninfo(self._data)
        closes = np.frombuffer(self._data.close.array, dtype=np.float64)[bars]
        worth = self.quiet_size * closes
        gain = self.quiet_size * (closes - position.price) * costs.p.mult
        unlevered = np.where(worth > 0, (worth - gain) / costs.get_leverage() + gain, worth)
        return np.asarray(self.cash + unlevered, dtype=np.float64)


class _Position(bt.Position):  # type: ignore[misc]  # backtrader ships no types
    """A position whose time and adjusted price are those of the last bar, also where that was a quiet one."""

    def __init__(self, broker: AcceleratedBroker) -> None:
        self._broker = broker
        super().__init__()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("size", "price"):  # a strategy may set them too
            self._broker.mark()
        super().__setattr__(name, value)

    @property
    def datetime(self) -> Any:
        self._broker.mark()
        return self._datetime

    @datetime.setter
    def datetime(self, value: Any) -> None:
        self._datetime = value

    @property
    def adjbase(self) -> Any:
        self._broker.mark()
        return self._adjbase

    @adjbase.setter
    def adjbase(self, value: Any) -> None:
        self._adjbase = value
