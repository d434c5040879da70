"""``bt-run data capture``: record live market streams."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bt_run.cli.data_download import market_option, venue_option
from bt_run.cli.options import settings_option
from bt_run.cli.types import Parsed
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval

if TYPE_CHECKING:
    from bt_run.cli.capture_view import CaptureView
    from bt_run.core.venue import Market
    from feeds.capture import Capture
    from feeds.recording.capture_status import CaptureStatus

__all__ = ["capture"]

_INTERRUPTED = 130

_EPILOG = """\b
Examples:
  bt-run data capture --symbol BTCUSDT --stream kline_5m --stream trade --out captures/
  bt-run data capture -s BTCUSDT --stream kline_1m --csv --duration 10m
  bt-run data capture -s BTCUSDT --stream aggTrade --stream forceOrder --market futures
  bt-run backtest --strategy rsi --data captures/ --interval 5m

\b
Streams: kline_INTERVAL, trade, aggTrade, bookTicker, miniTicker;
of futures kline_INTERVAL, aggTrade, forceOrder, miniTicker.

Ctrl-C ends the recording. What was missed while there was no connection is fetched over REST: bars, and
aggregate trades by their ids.
"""


def _parse_duration(text: str) -> float:
    try:
        milliseconds = Interval.parse(text).milliseconds
    except ConfigError:
        milliseconds = None
    if milliseconds is None:
        raise ConfigError(f"{text!r} is not a duration. Write a number and s, m, h or d, such as 10m.")
    return milliseconds / 1000


@click.command(epilog=_EPILOG)
@click.option("--symbol", "-s", "symbols", multiple=True, required=True, help="Such as BTCUSDT; repeatable.")
@click.option("--stream", "streams", multiple=True, required=True, help="Such as kline_5m; repeatable.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="captures",
    show_default=True,
    help="Folder of the recording.",
)
@click.option("--csv", is_flag=True, help="Write closed bars, trades and liquidations as CSV too.")
@market_option
@click.option(
    "--duration", type=Parsed("duration", _parse_duration), help="End after this time, such as 90s, 10m, 8h."
)
@click.option(
    "--rotate-mb",
    type=click.IntRange(min=1),
    default=256,
    show_default=True,
    help="Begin a new file at this size; each day (UTC) begins one too.",
)
@venue_option
@settings_option
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors and the closing line.")
@click.pass_context
def capture(
    ctx: click.Context,
    *,
    symbols: tuple[str, ...],
    streams: tuple[str, ...],
    out: Path,
    csv: bool,
    market: Market,
    duration: float | None,
    rotate_mb: int,
    venue: str,
    quiet: bool,
) -> None:
    """
    Record market streams as they come, with the time at which each frame came.

    The recording goes on through lost connections until it is ended. It is written at least once a second.
    """
    from bt_run.cli.capture_view import CaptureView, closing_line
    from bt_run.cli.venues import venue_named
    from feeds.capture import Capture, plan_capture

    view = CaptureView(quiet=quiet)
    plan = plan_capture(
        [symbol.replace("/", "").replace("-", "") for symbol in symbols],
        streams,
        out,
        market=market,
        csv=csv,
        duration_s=duration,
        max_bytes=rotate_mb << 20,
    )
    recording = Capture(plan, venue_named(venue), notify=view.notify)
    recording.check_symbols()
    status, interrupted = asyncio.run(_record(recording, view))
    click.echo(closing_line(status, len(recording.paths())))
    for path in recording.paths():
        click.echo(f"  {path}")
    if interrupted:
        ctx.exit(_INTERRUPTED)


async def _record(recording: Capture, view: CaptureView) -> tuple[CaptureStatus, bool]:
    """Record until it ends or is ended; tell whether Ctrl-C ended it. A second Ctrl-C does not wait."""
    loop = asyncio.get_running_loop()
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        loop.remove_signal_handler(signal.SIGINT)
        recording.stop()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, recording.stop)
    try:
        async with view.showing(recording.status):
            return await recording.run(), interrupted
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
