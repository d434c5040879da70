"""Services on loopback, and happenings to tell them of."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from loopback import Loopback
from telegram_server import TelegramServer

from bt_run.alerts.happening import Happening, Picture

T0 = 1_789_000_000_000


def png(width: int = 3, height: int = 2) -> bytes:
    """Make the smallest picture of a size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x7f" * width for _ in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(scope="session")
def image() -> bytes:
    """Give a picture of 3 by 2 pixels."""
    return png()


@pytest.fixture
def telegram() -> Iterator[TelegramServer]:
    """Serve Telegram's Bot API."""
    with TelegramServer().serving() as server:
        yield server


@pytest.fixture
def webhook() -> Iterator[Loopback]:
    """Serve something that takes any POST."""
    with Loopback().serving() as server:
        yield server


@pytest.fixture
def happened() -> Callable[..., Happening]:
    """Give a maker of happenings: a signal, unless told otherwise."""

    def make(key: str = "a", **given: Any) -> Happening:
        return replace(Happening("signal", key, T0, "BTCUSDT", "BTCUSDT long", "at 64,000"), **given)

    return make


@pytest.fixture
def picture() -> Picture:
    """Give what a chart of two bars shows."""
    return Picture("BTCUSDT 1m", "1m", ((T0, 1.0, 2.0, 0.5, 1.5, 9.0), (T0 + 60_000, 1.5, 2.0, 1.0, 1.2, 7.0)))
