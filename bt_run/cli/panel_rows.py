"""Rows of the panels that renew themselves on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["LABEL_WIDTH", "countdown", "labelled"]

LABEL_WIDTH = 10


def labelled(label: str, words: str, *, style: str = "") -> RenderableType:
    """Lay out a label and words beside it; words that are too long give way, the label's column never."""
    row = Table.grid(padding=(0, 1))
    row.add_column(width=LABEL_WIDTH, no_wrap=True)
    row.add_column()
    row.add_row(label, Text(words, style=style, no_wrap=True, overflow="ellipsis"))
    return row


def countdown(seconds: float) -> str:
    """Write a time that is left as ``m:ss`` or ``h:mm:ss``; none left is ``0:00``."""
    whole = max(int(seconds), 0)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
