"""A progress bar for downloads: bars, bars per second, time left."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from feeds.download import Progress

__all__ = ["download_bar"]


@contextmanager
def download_bar(*, shown: bool) -> Iterator[Callable[[Progress], None] | None]:
    """
    Show a download on stderr while the block runs; yields what to call with its progress.

    Nothing is shown, and None yielded, when `shown` is false or stderr is not a terminal. The total is an
    estimate until the end. The bar is taken away at the end.
    """
    if not shown or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Display

    columns = (
        TextColumn("Downloading"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} bars"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Display(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("", total=0, rate="")

        def show(progress: Progress) -> None:
            speed = display.tasks[0].finished_speed or display.tasks[0].speed
            rate = "" if speed is None else f"{speed:,.0f} bars/s"
            if progress.waits_s > 1:
                rate = f"waiting {progress.waits_s:.0f} s"
            display.update(task, completed=progress.bars, total=progress.total, rate=rate)

        yield show
