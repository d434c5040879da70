"""
Let the runs of a sweep share their indicators.

While the memo is held, a call of a function of TA-Lib with the same arrays and the same numbers as before gives
the same array again, whoever calls: the strategies know nothing of it. Arrays are the same when they are one
object: a column of the sweep's bars, or what the memo gave out. Calls with other arrays are computed as always.

What it gives cannot be written to, because several runs look at it. A strategy that writes into the result of
an indicator gets a ValueError; the sweep then runs it without the memo.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, MutableMapping

    from bt_run.core.market import FloatArray

__all__ = ["TalibMemo", "sharing_indicators"]

MOST_BYTES = 256 * 1024 * 1024
"""What the results kept may take; those not asked for longest go first."""


class TalibMemo:
    """Results of pure functions of arrays, by the identity of the arrays; safe to use from several threads."""

    def __init__(self, arrays: Iterable[FloatArray], *, most_bytes: int = MOST_BYTES) -> None:
        self._lock = threading.Lock()
        self._most = most_bytes
        self._bytes = 0
        self._serial = 0
        # by an array's id; it is held, so that no other array gets its id
        self._names: dict[int, tuple[int, FloatArray]] = {}
        self._results: OrderedDict[Hashable, tuple[FloatArray, ...]] = OrderedDict()
        for array in arrays:
            self._name(array)

    def call(
        self, key: Hashable, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Give the function's result, computed or kept under `key` from `key_of`."""
        with self._lock:
            kept = self._results.get(key)
            if kept is not None:
                self._results.move_to_end(key)
                return kept if len(kept) > 1 else kept[0]
        found = function(*args, **kwargs)
        parts = found if isinstance(found, tuple) else (found,)
        if not all(isinstance(part, np.ndarray) for part in parts):
            return found
        self._keep(key, parts)
        return found

    def key_of(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Hashable | None:
        """Name a call; None where it has no array, or one that is not known, or a value of another kind."""
        words: list[Hashable] = [function.__name__]
        knows = False
        for name, value in (*enumerate(args), *sorted(kwargs.items())):
            if isinstance(value, np.ndarray):
                known = self._names.get(id(value))
                if known is None:
                    return None
                words.append((name, "array", known[0]))
                knows = True
            elif isinstance(value, int | float | str | None):
                words.append((name, type(value).__name__, value))
            else:
                return None
        return tuple(words) if knows else None

    def _keep(self, key: Hashable, parts: tuple[FloatArray, ...]) -> None:
        with self._lock:
            for part in parts:
                part.flags.writeable = False
                self._name(part)
            self._results[key] = parts
            self._bytes += sum(part.nbytes for part in parts)
            while self._bytes > self._most and self._results:
                _, old = self._results.popitem(last=False)
                self._bytes -= sum(part.nbytes for part in old)
                for part in old:
                    self._names.pop(id(part), None)

    def _name(self, array: FloatArray) -> None:
        self._serial += 1
        self._names[id(array)] = (self._serial, array)


_memos: list[TalibMemo] = []  # those held now, in all threads
_originals: dict[str, Callable[..., Any]] = {}
_elsewhere: list[tuple[MutableMapping[str, Any], str, str]] = []  # a module's names, its name and TA-Lib's
_holding = threading.Lock()


@contextmanager
def sharing_indicators(
    arrays: Iterable[FloatArray], *, names: MutableMapping[str, Any] | None = None
) -> Iterator[None]:
    """
    Share what the functions of TA-Lib make of these arrays, in all threads, until the block ends.

    Whoever calls TA-Lib with other arrays meanwhile gets what he would get without. Several sweeps may hold a
    memo each at the same time.

    Args:
        arrays: The columns of the sweep's bars.
        names: Those of a module that may have functions of its own by ``from talib import RSI``; they are
            put back afterwards.
    """
    memo = TalibMemo(arrays)
    with _holding:
        _memos.append(memo)
        if len(_memos) == 1:
            _put_in_place()
        _put_in_place_of(names or {})
    try:
        yield
    finally:
        with _holding:
            _memos.remove(memo)
            if not _memos:
                _put_back()


def _put_in_place() -> None:
    import talib  # noqa: PLC0415  # it may bring pandas, which takes half a second

    names: list[str] = vars(talib)["__TA_FUNCTION_NAMES__"]
    for name in names:
        _originals[name] = getattr(talib, name)
        setattr(talib, name, _shared(_originals[name]))


def _put_in_place_of(names: MutableMapping[str, Any]) -> None:
    import talib  # noqa: PLC0415

    known = {id(function): name for name, function in _originals.items()}
    for own, value in tuple(names.items()):
        name = known.get(id(value))
        if name is not None:
            names[own] = getattr(talib, name)
            _elsewhere.append((names, own, name))


def _put_back() -> None:
    import talib  # noqa: PLC0415

    for names, own, name in _elsewhere:
        names[own] = _originals[name]
    _elsewhere.clear()
    for name, function in _originals.items():
        setattr(talib, name, function)
    _originals.clear()


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def share(*args: Any, **kwargs: Any) -> Any:
        for memo in tuple(_memos):
            key = memo.key_of(function, args, kwargs)
            if key is not None:
                return memo.call(key, function, args, kwargs)
        return function(*args, **kwargs)

    return share
