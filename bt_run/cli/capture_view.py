"""Show a running capture: a line that renews itself on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from rich.live import Live

    from feeds.recording.capture_status import CaptureStatus

__all__ = ["CaptureView", "closing_line", "status_line"]

_RENEW_S = 0.5
_LINE_S = 60.0


class CaptureView:
    """
    Notices and the state of a capture, on stderr.

    On a terminal the state stands in one line that is renewed twice a second, and notices scroll above it.
    Elsewhere the state is a line a minute, and every line begins with the time (UTC).
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._live: Live | None = None

    def notify(self, line: str) -> None:
        """Print a line."""
        if self._quiet:
            return
        stamp = datetime.now(tz=UTC)
        if self._live is not None:
            self._live.console.print(f"{stamp:%H:%M:%S} {line}", highlight=False, markup=False)
        else:
            click.echo(f"{stamp:%Y-%m-%dT%H:%M:%SZ} {line}", err=True)

    @asynccontextmanager
    async def showing(self, status: Callable[[], CaptureStatus]) -> AsyncIterator[None]:
        """Show the state while the block runs."""
        if self._quiet:
            yield
            return
        task = asyncio.create_task(self._renew(status) if self._terminal else self._repeat(status))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _renew(self, status: Callable[[], CaptureStatus]) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        with Live(Text(""), console=Console(stderr=True), transient=True, auto_refresh=False) as live:
            self._live = live
            try:
                while True:
                    live.update(Text(status_line(status()), no_wrap=True, overflow="ellipsis"), refresh=True)
                    await asyncio.sleep(_RENEW_S)
            finally:
                self._live = None

    async def _repeat(self, status: Callable[[], CaptureStatus]) -> None:
        while True:
            await asyncio.sleep(_LINE_S)
            self.notify(status_line(status()))


def status_line(status: CaptureStatus) -> str:
    """Say in one line how a capture is doing."""
    parts = [f"no connection: {status.trouble}"] if status.trouble else []
    parts += [f"{status.symbol} {_price(status.price)}"] if status.price is not None else []
    parts.append(f"{status.frames_per_s:,.1f} frames/s")
    parts += [f"lag {status.lag_ms:,} ms"] if status.lag_ms is not None else []
    parts.append(f"{status.frames:,} frames in {_span(status.seconds)}")
    parts += [_gaps(status)] if status.gaps or status.filled else []
    return " | ".join(parts)


def closing_line(status: CaptureStatus, files: int) -> str:
    """Say in one line what a capture has brought."""
    rows = f", {status.rows:,} CSV rows" if status.rows else ""
    word = "file" if files == 1 else "files"
    return f"{status.frames:,} frames in {_span(status.seconds)}{rows}; {_gaps(status)}; {files} {word}"


def _price(price: float) -> str:
    """Write a price with as many of eight decimals as it has."""
    return f"{price:,.8f}".rstrip("0").rstrip(".")


def _gaps(status: CaptureStatus) -> str:
    count = status.gaps + status.filled
    if not count:
        return "no gaps"
    return f"{count} gap{'' if count == 1 else 's'} ({status.filled} filled over REST)"


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d} h"
