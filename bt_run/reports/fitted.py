"""Tables that choose their layout when they are printed, by the terminal that prints them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.constrain import Constrain
from rich.segment import Segment

from bt_run.reports.numbers import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

__all__ = ["Fitted"]

_ASCII = str.maketrans({"·": "|", UNKNOWN: "-", "─": "-", "…": "."})


@dataclass(frozen=True, slots=True)
class Fitted:
    """
    A renderable that is laid out for the width there is, at most `widest` columns.

    Where the output cannot show our dashes and dots (encoding ASCII), they are replaced, not crashed over.
    """

    lay_out: Callable[[int], Iterable[RenderableType]]
    widest: int = 10_000

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give rich the layout; called by ``Console.print``."""
        width = min(options.max_width, self.widest)
        content = Constrain(Group(*self.lay_out(width)), width)
        if not options.ascii_only:
            yield content
            return
        for text, style, control in console.render(content, options):
            yield Segment(text.translate(_ASCII).encode("ascii", "replace").decode(), style, control)
