"""
`bt.talib` where bars arrive one by one: the values of a backtest.

Backtrader computes a TA-Lib indicator once over all bars in a backtest, and anew at each bar where they arrive
one by one (``preload=False``, ``runonce=False``, a live feed). There it has three faults:

- A function that TA-Lib does not mark as unstable sees the last `lookback` bars only. But MACD, TEMA, STOCHRSI
  and others remember all bars, and OBV, AD or VWAP begin anew at every bar. Rolling sums differ in the last
  digits.
- The other functions see all bars, as a copy made at each bar.
- Before an indicator's minimum period there is no value, where a backtest has one: 0 for candles.

`mend_talib` lets every function see all bars so far, in the memory of Backtrader's lines, without a copy.
TA-Lib looks at no later bar, so the last value is the one of a backtest, to the last bit. What it costs is in
docs/parity.md.
"""

from __future__ import annotations

from contextlib import ExitStack
from math import isnan
from threading import Lock
from typing import TYPE_CHECKING, Any

import backtrader as bt
import numpy as np

from bt_run.core.errors import StrategyError
from bt_run.core.market import BAR_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.market import FloatArray

__all__ = ["mend_talib"]

_lock = Lock()
_holders: list[ExitStack] = []
_stock: dict[str, Any] = {}


def mend_talib() -> ExitStack:
    """
    Make `bt.talib` give the values of a backtest where bars arrive one by one, until the result is closed.

    ``with mend_talib(): cerebro.run()``, or call it and `close()` what it returns. It may be called again while
    it holds; the last to close puts Backtrader's own methods back. Backtests that compute all at once never
    come here: they have the same values and the same speed with it and without.

    An indicator of several feeds is NaN at a bar that another feed has not delivered yet, and is put right when
    that bar comes. Bars are paired by their number, as in a backtest.

    While it holds, a run raises StrategyError where an input forgets old bars (``exactbars``).
    """
    holder = ExitStack()
    with _lock:
        if not _holders:
            for name in ("next", "prenext"):
                _stock[name] = vars(bt.talib._TALibIndicator).get(name)
                setattr(bt.talib._TALibIndicator, name, _next)
        _holders.append(holder)
    holder.callback(_release, holder)
    return holder


def _release(holder: ExitStack) -> None:
    with _lock:
        _holders.remove(holder)
        if _holders:
            return
        for name, method in _stock.items():
            if method is None:  # it was inherited
                delattr(bt.talib._TALibIndicator, name)
            else:
                setattr(bt.talib._TALibIndicator, name, method)


def _next(indicator: Any) -> None:
    """Set the lines of the current bar; takes the place of `next` and `prenext`."""
    lines = [data.lines[0] for data in indicator.datas]
    for line, value in zip(indicator.lines, _row(indicator, lines, len(indicator)), strict=False):
        line[0] = value


def _row(indicator: Any, lines: list[Any], size: int) -> list[Any]:
    """Give the values of the last of `size` bars, one a line of the indicator."""
    for line in lines:
        if line.mode == line.QBuffer:
            raise StrategyError(
                f"bt.talib.{type(indicator).__name__} needs every bar since the start, and this run forgets "
                f"old ones. Run it without exactbars."
            )
        if len(line) < size:  # another feed has not delivered this bar yet
            return [np.nan] * indicator.size()
    ahead = vars(indicator).get("_ahead")
    if ahead is None:
        ahead = indicator._ahead = _Ahead(indicator, lines)
    found: list[Any] | None = ahead.row(size)
    if found is not None:
        return found
    # A line cannot grow while a view of it lives; these live until the end of this call.
    inputs = [_view(line, size) for line in lines]
    if any(isnan(values[-1]) for values in inputs) and not np.any(_are_known(inputs)):
        # Of inputs that are NaN throughout TA-Lib computes the last value all the same: AD gives 0. One more
        # NaN behind it makes the bar a leading one, as it is in a backtest.
        inputs = [np.array([values[-1], np.nan]) for values in inputs]
        return [values[0] for values in _outputs(indicator, inputs)]
    return [values[-1] for values in _outputs(indicator, inputs, last_only=True)]


def _view(line: Any, size: int) -> FloatArray:
    return np.frombuffer(line.array, dtype=np.float64, count=size)


def _are_known(inputs: Sequence[FloatArray]) -> Any:
    """Tell for each bar whether all inputs are known."""
    return ~np.any([np.isnan(values) for values in inputs], axis=0)


def _outputs(indicator: Any, inputs: Sequence[FloatArray], *, last_only: bool = False) -> list[Any]:
    """Call TA-Lib and compute the mark of a candle with the arithmetic of Backtrader's `once`."""
    found = indicator._tafunc(*inputs, **indicator.p._getkwargs())
    outputs = list(found) if isinstance(found, (tuple, list)) else [found]
    if indicator._iscandle:
        first = -1 if last_only else 0
        price = inputs[indicator.CANDLEREF][first:] * indicator.CANDLEOVER
        outputs.append(price * (outputs[0][first:] / 100.0))
    return outputs


class _Ahead:
    """
    The values of bars that the feeds hold already but have not delivered yet, as in a live run's warm-up.

    Computed at once and handed out bar by bar, because one bar more at each call takes time that grows with
    the square of the bars. Only where every input is a line of a feed that has `loaded`, the bars that are
    certain, and only while the lines hold the very same numbers: after the first that differs never again.
    """

    def __init__(self, indicator: Any, lines: Sequence[Any]) -> None:
        self.indicator = indicator
        self.lines = lines
        self.sources = _sources_of(indicator, lines)
        self.inputs: list[FloatArray] = []
        self.outputs: list[Any] = []

    def row(self, size: int) -> list[Any] | None:
        """Give the values of the last of `size` bars; None where they must be computed from the lines."""
        if not self.sources or (self._ready < size and not self._refill(size)):
            return None
        bar = size - 1
        if not all(
            _is_same(line.array[bar], values[bar]) for line, values in zip(self.lines, self.inputs, strict=True)
        ):
            self._give_up()
            return None
        return [values[bar] for values in self.outputs]

    @property
    def _ready(self) -> int:
        return len(self.inputs[0]) if self.inputs else 0

    def _refill(self, size: int) -> bool:
        """Compute what the feeds hold; False where it is no more than they have delivered."""
        held = [feed.loaded for feed, _ in self.sources]
        count = min(0 if bars is None else len(bars) for bars in held)
        if count <= size:
            return False
        self.inputs = [getattr(bars, name)[:count] for bars, (_, name) in zip(held, self.sources, strict=True)]
        if not all(
            np.array_equal(_view(line, size), values[:size], equal_nan=True)
            for line, values in zip(self.lines, self.inputs, strict=True)
        ):
            self._give_up()
            return False
        if not np.any(_are_known(self.inputs)):
            self.inputs = []
            return False
        self.outputs = _outputs(self.indicator, self.inputs)
        return True

    def _give_up(self) -> None:
        self.sources, self.inputs, self.outputs = [], [], []


def _is_same(first: float, second: float) -> bool:
    return bool(first == second or (isnan(first) and isnan(second)))


def _sources_of(indicator: Any, lines: Sequence[Any]) -> list[tuple[Any, str]]:
    """Find for each input line the feed with `loaded` and the column; nothing where one has none."""
    owner = indicator
    while owner is not None and not isinstance(owner, bt.Strategy):
        owner = getattr(owner, "_owner", None)
    known = {
        id(getattr(feed.lines, name)): (feed, name)
        for feed in getattr(owner, "datas", ())
        if hasattr(feed, "loaded")
        for name in BAR_COLUMNS[1:]
        if hasattr(feed.lines, name)
    }
    return [known[id(line)] for line in lines] if all(id(line) in known for line in lines) else []
