"""What may be worth a message, as frozen plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "URGENT", "Happening", "Kind", "Mark", "Picture"]

Kind = Literal[
    "signal",
    "entry",
    "exit",
    "rejected",
    "stop",
    "limit",
    "disconnected",
    "reconnected",
    "restart",
    "reconcile",
    "daily",
    "error",
    "rule",
]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""All kinds, in the order in which settings list them; ``rule`` is an indicator rule of a person's."""

URGENT: frozenset[Kind] = frozenset({"rejected", "stop", "limit", "disconnected", "reconcile", "error"})
"""These do not wait for the end of quiet hours."""

Row = tuple[int, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing to point out on a chart: `kind` is such as ``long entry``; price in quote asset."""

    time_ms: int
    price: float
    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """
    What a chart shows, kept with its alert so that it can be drawn after a restart too.

    `rows` are (open time in ms, open, high, low, close, volume) of closed bars, oldest first, at least one.
    """

    title: str
    interval: str
    rows: tuple[Row, ...]
    marks: tuple[Mark, ...] = ()
    subtitle: str = ""

    def document(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        marks = [[mark.time_ms, mark.price, mark.kind, mark.text] for mark in self.marks]
        return {
            "title": self.title,
            "interval": self.interval,
            "rows": self.rows,
            "marks": marks,
            "subtitle": self.subtitle,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Picture | None:
        """Read it back; None where there is none."""
        if not document or not document.get("rows"):
            return None
        rows = tuple(
            (int(row[0]), *(float("nan") if value is None else float(value) for value in row[1:]))
            for row in document["rows"]
        )
        marks = tuple(Mark(int(m[0]), float(m[1]), str(m[2]), str(m[3])) for m in document.get("marks", ()))
        subtitle = str(document.get("subtitle", ""))
        return cls(str(document["title"]), str(document["interval"]), rows, marks, subtitle)  # type: ignore[arg-type]  # six each


@dataclass(frozen=True, slots=True)
class Happening:
    """
    One thing that happened.

    `key` tells it from every other for all time: of the same key only one message is made. `time_ms` is the
    exchange's time. `rule` is the number of the person's rule, 0 for others, `cooldown_s` that rule's own.
    `mark` is what it puts on its own chart and on later ones.
    """

    kind: Kind
    key: str
    time_ms: int
    symbol: str
    title: str
    text: str = ""
    picture: Picture | None = field(default=None, repr=False)
    rule: int = 0
    cooldown_s: float | None = None
    mark: Mark | None = field(default=None, repr=False)
