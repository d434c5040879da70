"""What a capture shows of itself."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from bt_run.cli.capture_view import CaptureView, closing_line, status_line
from feeds.recording.capture_status import CaptureStatus

STATUS = CaptureStatus(
    seconds=3725.0, frames=12_345, frames_per_s=23.4, lag_ms=84, symbol="BTCUSDT", price=62_311.5,
    connections=2, gaps=1, filled=2, files=1, rows=60, trouble="",
)  # fmt: skip
FRESH = replace(
    STATUS, seconds=1.5, frames=0, frames_per_s=0.0, lag_ms=None, price=None, gaps=0, filled=0, rows=0
)


def test_the_status_says_what_counts():
    """Price, rate, lag, frames and gaps, as far as they are known."""
    assert (
        "BTCUSDT 62,311.5 | 23.4 frames/s | lag 84 ms | 12,345 frames in 1:02:05 h | "
        "3 gaps (2 filled over REST)"
    ) == status_line(STATUS)
    assert "0.0 frames/s | 0 frames in 1.5 s" == status_line(FRESH)


def test_the_status_says_why_there_is_no_connection():
    """First, because a narrow terminal cuts the rest."""
    assert status_line(replace(STATUS, trouble="HTTP 503")).startswith("no connection: HTTP 503 | BTCUSDT")


def test_the_closing_line_sums_up():
    """Frames, time, rows, gaps, files."""
    assert "12,345 frames in 1:02:05 h, 60 CSV rows; 3 gaps (2 filled over REST); 1 file" == closing_line(
        STATUS, 1
    )
    assert "0 frames in 1.5 s; no gaps; 2 files" == closing_line(FRESH, 2)


def test_small_prices_keep_their_digits():
    """A coin may cost a millionth."""
    assert "PEPEUSDT 0.00001234 |" in status_line(replace(STATUS, symbol="PEPEUSDT", price=0.00001234))


def test_notices_carry_the_time_where_there_is_no_terminal(capsys):
    """ISO 8601 UTC, on stderr; nothing where the user wants quiet."""
    CaptureView(quiet=False).notify("Connected.")
    CaptureView(quiet=True).notify("Connected.")
    said = capsys.readouterr()

    assert "" == said.out
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ Connected\.\n", said.err)


def test_on_a_terminal_the_state_renews_itself(capsys, monkeypatch):
    """Notices scroll above it."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("FORCE_COLOR", "1")
    view = CaptureView(quiet=False)

    async def show():
        async with view.showing(lambda: STATUS):
            await asyncio.sleep(0.01)
            view.notify("Gap [1] filled.")

    asyncio.run(show())
    said = capsys.readouterr().err

    assert "62,311.5" in said
    assert "Gap [1] filled." in said
