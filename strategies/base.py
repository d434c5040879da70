"""The strategy contract: one pure function from bars to signals, on a real Backtrader strategy."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import backtrader as bt
import numpy as np

from bt_run.core.errors import ParamError, StrategyError, nearest
from bt_run.core.market import BAR_COLUMNS, Bars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    from bt_run.core.market import FloatArray

    BoolArray = npt.NDArray[np.bool_]

__all__ = ["SignalStrategy", "Signals"]

_EPOCH_DAY = 719_163  # datetime.date(1970, 1, 1).toordinal(): Backtrader counts days from year 1
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """
    Decisions at the close of each bar, and the curves that led to them.

    The four decisions are boolean arrays of shape (n,); what is not given is never true. A decision at
    the close of bar i trades at the open of bar i+1. `panels` get a panel of their own in plots,
    `overlays` are drawn on the price; float64 arrays of shape (n,), NaN while warming up.
    """

    long_entry: BoolArray
    long_exit: BoolArray
    short_entry: BoolArray | None = None
    short_exit: BoolArray | None = None
    panels: Mapping[str, FloatArray] = field(default_factory=dict)
    overlays: Mapping[str, FloatArray] = field(default_factory=dict)

    def arrays(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """Give every array with its name."""
        for name in ("long_entry", "long_exit", "short_entry", "short_exit"):
            yield name, getattr(self, name)
        yield from self.panels.items()
        yield from self.overlays.items()


class SignalStrategy(bt.Strategy):  # type: ignore[misc]  # backtrader ships no types
    """
    Trade what `signals` says: enter, leave and, where allowed, reverse, one market order at a time.

    A subclass gives ``params``, ``ranges`` (numbers: low and high, inclusive) or ``choices`` (texts),
    and the static method ``signals(bars, p)``. It must be pure, and the signals of the first k bars must
    not change when more bars follow (no look-ahead).

    Rules at the close of each bar:

    - An exit beats an entry of the same side on the same bar. Entries of both sides at once cancel out.
    - Shorts are opened only with ``allow_short=True``; an entry of the other side then closes the position
      and opens the other, in two market orders.
    - How much an entry buys is the sizer's business: Backtrader's default is one unit.

    Works in anybody's script: ``cerebro.addstrategy(Rsi, period=10)``.
    """

    params: Any = (("allow_short", False),)
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    @staticmethod
    def signals(bars: Bars, p: Any) -> Signals:
        """Compute the signals of every bar; `p` holds the parameters as attributes."""
        raise NotImplementedError

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Give the parameters that `signals` takes, with their defaults."""
        return {name: value for name, value in cls.params._getitems() if name != "allow_short"}

    @classmethod
    def check_params(cls, given: Mapping[str, Any]) -> SimpleNamespace:
        """
        Complete the parameters with defaults and check names, types, ranges and choices.

        Raises:
            ParamError: an unknown name (with the nearest known), a wrong type, a value out of range.
        """
        known = cls.defaults()
        for name, value in given.items():
            if name not in known:
                guess = nearest(name, known)
                hint = f" Did you mean {guess!r}?" if guess else ""
                listed = ", ".join(known) or "none"
                raise ParamError(f"{cls.__name__} has no parameter {name!r}.{hint} It has: {listed}.")
            cls._check_value(name, value, known[name])
        return SimpleNamespace(**{**known, **given})

    @classmethod
    def _check_value(cls, name: str, value: Any, default: Any) -> None:
        wanted = float if isinstance(default, float) else type(default)
        fits = isinstance(value, (int, float) if wanted is float else wanted)
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise ParamError(f"{cls.__name__}: {name} is {value!r}; it must be of type {wanted.__name__}.")
        if name in cls.ranges:
            low, high = cls.ranges[name]
            if not low <= value <= high:
                raise ParamError(f"{cls.__name__}: {name} is {value}; it must lie in {low} to {high}.")
        if name in cls.choices and value not in cls.choices[name]:
            raise ParamError(
                f"{cls.__name__}: {name} is {value!r}; choose one of {', '.join(cls.choices[name])}."
            )

    @classmethod
    def compute(cls, bars: Bars, **params: Any) -> Signals:
        """
        Check the parameters, call `signals` and check the shapes of what it returns.

        This is the one way from bars to signals, for every engine. Raises ParamError, StrategyError.
        """
        found = cls.signals(bars, cls.check_params(params))
        none = np.zeros(len(bars), dtype=np.bool_)

        def decision(side: BoolArray | None) -> BoolArray:
            return none if side is None else np.ascontiguousarray(side, dtype=np.bool_)

        complete = Signals(
            long_entry=decision(found.long_entry),
            long_exit=decision(found.long_exit),
            short_entry=decision(found.short_entry),
            short_exit=decision(found.short_exit),
            panels=found.panels,
            overlays=found.overlays,
        )
        for name, array in complete.arrays():
            if np.shape(array) != none.shape:
                raise StrategyError(
                    f"{cls.__name__}.signals returned {name} of shape {np.shape(array)} for {len(bars)} bars; "
                    f"every array it returns must have one value a bar."
                )
        return complete

    def start(self) -> None:
        """Check the parameters before the first bar."""
        self._own_params = {name: getattr(self.p, name) for name in self.defaults()}
        self.check_params(self._own_params)
        self._orders: list[Any] = []
        self.computed: Signals | None = None
        self.reversing = False  # tells the sizer that this sell is an entry, although a long is still held

    def next(self) -> None:
        """Act on the signals of the bar that has just closed."""
        row = self._signal_row()
        if any(order.alive() for order in self._orders):
            return
        size = self.position.size
        if size == 0:
            self._orders = [self._enter(row)]
        else:
            self._orders = self._leave(row, is_long=size > 0)
        self._orders = [order for order in self._orders if order is not None]

    def _enter(self, row: tuple[bool, bool, bool, bool]) -> Any:
        long_entry, long_exit, short_entry, short_exit = row
        go_long = long_entry and not long_exit
        go_short = self.p.allow_short and short_entry and not short_exit
        if go_long and not go_short:
            return self.buy()
        if go_short and not go_long:
            return self.sell()
        return None

    def _leave(self, row: tuple[bool, bool, bool, bool], *, is_long: bool) -> list[Any]:
        long_entry, long_exit, short_entry, short_exit = row
        if is_long:
            if self.p.allow_short and short_entry and not short_exit and not long_entry:
                return self._reverse(self.sell)
            return [self.close()] if long_exit else []
        if long_entry and not long_exit and not short_entry:
            return self._reverse(self.buy)
        return [self.close()] if short_exit else []

    def _reverse(self, enter: Callable[[], Any]) -> list[Any]:
        self.reversing = True
        try:
            return [self.close(), enter()]
        finally:
            self.reversing = False

    def _signal_row(self) -> tuple[bool, bool, bool, bool]:
        """
        Give the four decisions of the current bar.

        Where the bars were loaded beforehand the signals of all are computed once; where they arrive one
        by one, those of all bars so far are computed again and the last element decides.
        """
        position = len(self.data) - 1
        loaded = self.data.buflen()
        if self.computed is None or len(self.computed.long_entry) != loaded:
            self.computed = self.compute(_bars_of(self.data), **self._own_params)
        found = self.computed
        return (
            bool(found.long_entry[position]),
            bool(found.long_exit[position]),
            bool(found.short_entry[position]),  # type: ignore[index]  # compute() fills all four
            bool(found.short_exit[position]),  # type: ignore[index]  # compute() fills all four
        )


def _bars_of(data: Any) -> Bars:
    """Copy the loaded lines of any Backtrader feed into bars; lines that the feed does not have are NaN."""
    days = np.array(data.lines.datetime.array, dtype=np.float64)
    open_time = np.rint((days - _EPOCH_DAY) * _DAY_MS).astype(np.int64)
    columns = {
        name: np.array(getattr(data.lines, name).array, dtype=np.float64)
        for name in BAR_COLUMNS[1:]
        if hasattr(data.lines, name)
    }
    return Bars.of(open_time, **columns)
