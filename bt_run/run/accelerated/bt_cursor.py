"""
One position for all lines of a run.

Each of Backtrader's lines keeps the bar at which it stands, so every bar costs two additions a line. All lines
of a run stand at the same bar: here they look it up in one `Cursor`, and a bar costs one assignment, however
many indicators there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Cursor"]


class Cursor:
    """
    The bar at which lines stand, 0..n-1; -1 before the first.

    `released` tells whether the lines have their own positions (again).
    `before_release` is called once, when the lines are about to be given back their own positions.
    """

    __slots__ = ("_before_release", "_classes", "_held", "released", "row")

    def __init__(self, before_release: Callable[[], None]) -> None:
        self.row = -1
        self.released = True
        self._before_release = before_release
        self._held: list[tuple[Any, type[Any]]] = []
        self._classes: dict[type[Any], type[Any]] = {}

    def hold(self, lines: Iterable[Any]) -> None:
        """
        Let lines stand where the cursor stands.

        The class of a line is exchanged for one that is derived from it: the line stays the same object, and
        all that Backtrader, indicators and strategies remember of it stays true.
        """
        self.released = False
        for line in lines:
            own = type(line)
            if own not in self._classes:
                # By way of type: Backtrader's metaclasses would register another class of parameters.
                naming = {"__module__": own.__module__, "__qualname__": own.__qualname__}
                self._classes[own] = type.__new__(type(own), own.__name__, (_HeldLine, own), naming)
            line._cursor = self
            line.__class__ = self._classes[own]
            self._held.append((line, own))

    def release(self) -> None:
        """Give the lines their own positions and classes back, where the cursor stands."""
        if self.released:
            return
        self._before_release()
        self.released = True
        for line, own in self._held:
            line.__class__ = own
            del line._cursor
            line._idx, line.lencount = self.row, self.row + 1
        self._held = []


class _HeldLine:
    """
    A line that stands where its cursor stands.

    Code that moves a line by hand (``data.rewind()``) sets its position; then all lines are released first.
    No ``__slots__``: with them the classes would differ in layout and could not be exchanged.
    """

    array: Any
    _cursor: Cursor

    def __getitem__(self, ago: int) -> Any:
        return self.array[self._cursor.row + ago]

    @property
    def _idx(self) -> int:
        return self._cursor.row

    @_idx.setter
    def _idx(self, value: int) -> None:
        self._cursor.release()
        self._idx = value  # an attribute of its own by now

    @property
    def lencount(self) -> int:
        return self._cursor.row + 1

    @lencount.setter
    def lencount(self, value: int) -> None:
        self._cursor.release()
        self.lencount = value
