"""The lines above a terminal's table: what was run on which data, and the sentences that belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from bt_run.core.clock import iso_utc

if TYPE_CHECKING:
    from bt_run.core.market import BarFile
    from bt_run.core.results import RunResult

__all__ = ["data_lines", "engine_lines", "one_line", "time_cell", "warning_lines"]

_DAY_MS = 86_400_000
_SHOWN_WARNINGS = 3


def one_line(text: str) -> str:
    """Put a name on one line: white space and control characters become single spaces."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def time_cell(time_ms: int, *, with_clock: bool) -> str:
    """Write a time in UTC as ``2024-01-31`` or ``2024-01-31 12:00``."""
    text = iso_utc(time_ms).replace("T", " ").removesuffix("Z")
    return text.removesuffix(":00") if with_clock else text[:10]


def data_lines(data: BarFile, *, last_words: str = "") -> list[Text]:
    """Write the file's range and number of bars, and its note on a line of its own where it has one."""
    times = data.bars.open_time
    with_clock = data.interval.approximate_ms < _DAY_MS
    first, last = (time_cell(int(times[place]), with_clock=with_clock) for place in (0, -1))
    count = "1 bar" if len(times) == 1 else f"{len(times):,} bars"
    words = [f"{first} to {last} UTC", count, *([last_words] if last_words else [])]
    lines = [Text(" · ".join(words))]
    if data.note:
        lines.append(Text(one_line(data.note), style="bold yellow"))
    return lines


def engine_lines(result: RunResult) -> list[Text]:
    """Write why a quicker engine did not run, where that needs a word."""
    return [Text(f"Engine: {one_line(result.engine_note)}", style="yellow")] if result.engine_note else []


def warning_lines(data: BarFile) -> list[Text]:
    """Write what was found while the file was read: the first three warnings, and how many more there are."""
    lines = [Text(f"Data: {one_line(warning)}", style="yellow") for warning in data.warnings[:_SHOWN_WARNINGS]]
    more = len(data.warnings) - _SHOWN_WARNINGS
    if more > 0:
        lines.append(Text(f"Data: {more} more warnings; the JSON file has them all", style="yellow"))
    return lines
