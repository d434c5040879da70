"""The strategy contract: one pure function from bars to signals, on a real Backtrader strategy."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import backtrader as bt
import numpy as np

from bt_run.core.errors import ParamError, StrategyError
from bt_run.core.market import Bars
from strategies.line_history import LineHistory
from strategies.params import check_value, unknown_param

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

    from bt_run.core.market import FloatArray

    BoolArray = npt.NDArray[np.bool_]

__all__ = [
    "GO_LONG",
    "GO_SHORT",
    "LEAVE_LONG",
    "LEAVE_SHORT",
    "SignalStrategy",
    "Signals",
    "decision_code",
    "decision_codes",
]

_DECISIONS = ("long_entry", "long_exit", "short_entry", "short_exit")
_TRUTHS = np.dtype(np.bool_)
GO_LONG, GO_SHORT, LEAVE_LONG, LEAVE_SHORT = 1, 2, 4, 8
"""What the signals of a bar want, as the bits of one byte."""


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
        for name in _DECISIONS:
            yield name, getattr(self, name)
        yield from self.panels.items()
        yield from self.overlays.items()


class SignalStrategy(bt.Strategy):  # type: ignore[misc]  # backtrader ships no types
    """
    Trade what `signals` says: enter, leave and, where allowed, reverse, one market order at a time.

    A subclass gives ``params``, ``ranges`` (numbers: low and high, inclusive) or ``choices`` (texts),
    and the static method ``signals(bars, p)``. It must be pure, and the signals of the first k bars must
    not change when more bars follow (no look-ahead). Where two parameters must fit each other it gives
    ``find_conflict(p)`` too. It trades the first data feed, whose bars must all be kept (no exactbars).

    Rules at the close of each bar:

    - An exit beats an entry of the same side on the same bar. Entries of both sides at once cancel out.
    - Shorts are opened only with ``allow_short=True``; an entry of the other side then closes the position
      and opens the other, in two market orders. Without it the short side is not looked at.
    - While an order waits for its fill, signals are passed over.
    - How much an entry buys is the sizer's business: Backtrader's default is one unit.

    Works in anybody's script: ``cerebro.addstrategy(Rsi, period=10)``.
    """

    params: Any = (("allow_short", False),)
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}
    choices: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    uses_order_flow: ClassVar[bool] = False
    """Whether it looks at `Bars.flow`, which live runs must listen for."""

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
        for name in (*cls.ranges, *cls.choices):
            if name not in known:
                raise unknown_param(f"{cls.__name__} (in ranges or choices)", name, known)
        for name, value in given.items():
            if name not in known:
                raise unknown_param(cls.__name__, name, known)
            check_value(
                cls.__name__,
                name,
                value,
                default=known[name],
                limits=cls.ranges.get(name),
                choices=cls.choices.get(name),
            )
        complete = SimpleNamespace(**{**known, **given})
        conflict = cls.find_conflict(complete)
        if conflict is not None:
            raise ParamError(f"{cls.__name__}: {conflict}")
        return complete

    @staticmethod
    def find_conflict(p: Any) -> str | None:
        """
        Say in a sentence why these parameters do not fit together, each being in its range; None where they do.

        Searches over grids skip what this refuses.
        """
        return None

    @staticmethod
    def remark(bars: Bars, p: Any) -> str | None:
        """
        Say in a sentence, without its full stop, what a reader of these signals must know; None where nothing.

        Runs show it beside what they know of the data, such as columns that the strategy had to do without.
        """
        return None

    @classmethod
    def compute(cls, bars: Bars, **params: Any) -> Signals:
        """
        Check the parameters, call `signals` and check the shapes of what it returns.

        This is the one way from bars to signals, for every engine. Raises ParamError, StrategyError.
        """
        return cls._compute(bars, cls.check_params(params))

    @classmethod
    def _compute(cls, bars: Bars, checked: SimpleNamespace) -> Signals:
        found = cls.signals(bars, checked)
        if not isinstance(found, Signals):
            raise StrategyError(
                f"{cls.__name__}.signals returned {type(found).__name__}; it must return Signals(...)."
            )
        expected = (len(bars),)

        def decision(name: str, side: BoolArray | None) -> BoolArray:
            if side is None:
                return np.zeros(expected, dtype=_TRUTHS)
            array = np.ascontiguousarray(side)
            if array.dtype != _TRUTHS:
                raise StrategyError(
                    f"{cls.__name__}.signals returned {name} of type {array.dtype}; it must hold booleans, "
                    f"as a comparison gives them."
                )
            return array

        complete = Signals(
            decision("long_entry", found.long_entry),
            decision("long_exit", found.long_exit),
            decision("short_entry", found.short_entry),
            decision("short_exit", found.short_exit),
            found.panels,
            found.overlays,
        )
        for name, array in complete.arrays():
            shape = array.shape if isinstance(array, np.ndarray) else np.shape(array)
            if shape != expected:
                raise StrategyError(
                    f"{cls.__name__}.signals returned {name} of shape {shape} for {len(bars)} bars; "
                    f"every array it returns must have one value a bar."
                )
        return complete

    def start(self) -> None:
        """Check the parameters before the first bar."""
        self._own_params = {name: getattr(self.p, name) for name in self.defaults()}
        self.check_params(self._own_params)
        self._waiting: list[Any] = []
        self._history = LineHistory(self.data, wanted_by=type(self).__name__)
        self._codes = b""
        self._codes_from = self._codes_to = 0  # the bars that they are for
        self.computed: Signals | None = None
        self.reversing = False  # tells the sizer that this sell is an entry, although a long is still held

    def next(self) -> None:
        """Act on the signals of the bar that has just closed."""
        wanted = self._wanted()
        if not wanted or any(order.alive() for order in self._waiting):
            return
        self._waiting = [order for order in self._act(wanted, self.position.size) if order is not None]

    def _act(self, wanted: int, size: float) -> list[Any]:
        """Give the orders that lead from a holding of `size` to what is wanted."""
        if size == 0:
            if wanted & GO_LONG:
                return [self.buy()]
            return [self.sell()] if wanted & GO_SHORT else []
        if wanted & (GO_SHORT if size > 0 else GO_LONG):
            return self._reverse(self.sell if size > 0 else self.buy)
        return [self.close()] if wanted & (LEAVE_LONG if size > 0 else LEAVE_SHORT) else []

    def _reverse(self, enter: Callable[[], Any]) -> list[Any]:
        self.reversing = True
        try:
            return [self.close(), enter()]
        finally:
            self.reversing = False

    def _wanted(self) -> int:
        """
        Give what the signals of the current bar want.

        Where the bars were loaded beforehand the signals of all are computed once; where they arrive one
        by one, those of all bars so far are computed again and the last element decides.
        """
        position = len(self.data) - 1
        if position >= self._codes_to:
            self._decide_from(position)
        return self._codes[position - self._codes_from]

    def _decide_from(self, position: int) -> None:
        """Compute the signals of all bars that are certain; weigh those from `position` on."""
        kept = getattr(self.data, "loaded", None)
        bars = kept if isinstance(kept, Bars) else self._history.bars()
        if position >= len(bars):
            raise StrategyError(
                f"{type(self).__name__} stands at bar {position}, and `loaded` of its feed holds {len(bars)} "
                f"bars; it must hold every bar that was delivered."
            )
        self.computed = self._compute(bars, SimpleNamespace(**self._own_params))
        allow_short = bool(self.p.allow_short)
        if position == len(bars) - 1:
            self._codes = decision_code(self.computed, position, allow_short=allow_short)
        else:
            self._codes = decision_codes(self.computed, first=position, allow_short=allow_short).tobytes()
        self._codes_from = position
        self._codes_to = position if self.data.replaying else len(bars)  # a replayed bar comes again, changed


def decision_codes(found: Signals, *, allow_short: bool, first: int = 0) -> npt.NDArray[np.uint8]:
    """
    Weigh the four decisions of each bar from `first` on, by the rules of `SignalStrategy`.

    Args:
        found: From `SignalStrategy.compute`.
        allow_short: Whether the short side is looked at.
        first: Position of the first bar wanted, 0..n.

    Returns:
        One byte a bar, shape (n - first,): the bits GO_LONG, GO_SHORT, LEAVE_LONG and LEAVE_SHORT. Entries of
        both sides at once, and those that meet an exit of their side, are left out. What a bit leads to
        depends on what is held.
    """
    long_entry, long_exit = found.long_entry[first:], found.long_exit[first:]
    go_long = long_entry > long_exit  # of truths: the one and not the other, in one pass
    if found.short_entry is None or found.short_exit is None or not allow_short:
        codes = _bit(go_long, GO_LONG)
        codes |= _bit(long_exit, LEAVE_LONG)
        return codes
    short_entry, short_exit = found.short_entry[first:], found.short_exit[first:]
    go_short = short_entry > short_exit
    codes = _bit(go_long > go_short, GO_LONG)
    codes |= _bit(go_short > go_long, GO_SHORT)
    codes |= _bit(long_exit, LEAVE_LONG)
    codes |= _bit(short_exit, LEAVE_SHORT)
    return codes


def decision_code(found: Signals, position: int, *, allow_short: bool) -> bytes:
    """Give the byte that `decision_codes` gives for one bar: of a bar that has just come, without arrays."""
    number = found.long_entry.item(position) + 2 * found.long_exit.item(position)
    if allow_short and found.short_entry is not None and found.short_exit is not None:
        number += 4 * found.short_entry.item(position) + 8 * found.short_exit.item(position)
    return _CODES[number : number + 1]


def _bit(flags: BoolArray, bit: int) -> npt.NDArray[np.uint8]:
    """Give `bit` where a flag is set, else 0; ten times as quick as an assignment by mask."""
    return flags.view(np.uint8) * np.uint8(bit)


def _codes_of_all() -> bytes:
    """Weigh every way in which four decisions can stand; the place of each is a binary number of them."""
    numbers = np.arange(2 ** len(_DECISIONS))
    sides = [(numbers >> place) % 2 == 1 for place in range(len(_DECISIONS))]
    return decision_codes(Signals(*sides), allow_short=True).tobytes()


_CODES = _codes_of_all()
