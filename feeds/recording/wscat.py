"""
Read what ``wscat -c URL | tee FILE`` recorded; pure, no I/O.

::

    Connected (press CTRL+C to quit)
    > {"method":"SUBSCRIBE","params":["btcusdt@kline_5m"],"id":1}
    < {"result":null,"id":1}
    < {"e":"kline","E":1590346179026,"s":"BTCUSDT","k":{...}}
    Disconnected (code: 1006, reason: "")

Older versions of wscat write frames without ``<``. Colours and other terminal codes are taken off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bt_run.core.errors import FrameError
from feeds.codec import parse_frame, stream_of
from feeds.wire.fields import decode
from feeds.wire.messages import (
    AggTrade,
    Answer,
    BookTicker,
    KlineFrame,
    Liquidation,
    MiniTicker,
    ServerShutdown,
    Trade,
)
from feeds.wire.stream_events import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feeds.wire.messages import Message

__all__ = ["Recording", "parse_wscat"]

_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CHATTER = re.compile(
    r">|connected|disconnected|listening|client (dis)?connected|error:|warning:|received p[io]ng", re.IGNORECASE
)
_KINDS: dict[type, str] = {
    Trade: "trade", AggTrade: "aggTrade", Liquidation: "forceOrder", BookTicker: "bookTicker",
    MiniTicker: "miniTicker",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recording:
    """The frames of a recording in order; `torn` where its last line was cut short, and left out."""

    frames: tuple[Frame, ...]
    torn: bool = False


def parse_wscat(lines: Iterable[str]) -> Recording:
    """
    Turn the lines of a recording into frames.

    wscat writes no receive times: a frame has the time at which the exchange sent it, and one that does
    not tell (best bid and ask of spot) that of the frame before it, or else of the first that does. What
    was typed, answers to it, and what wscat says itself are left out.

    Raises:
        FrameError: a line, other than the last, that is none of these; holds the line's number, from 1.
    """
    frames: list[Frame] = []
    torn: FrameError | None = None
    for number, line in enumerate(lines, start=1):
        text = _TERMINAL_CODES.sub("", line).strip().removeprefix("<").strip()
        if not text or _CHATTER.match(text):
            continue
        if torn is not None:
            raise torn
        try:
            decode(text)
        except FrameError as error:
            # Only a frame after it tells whether this was the torn end of the recording.
            error.line, torn = number, error
            continue
        frames += _frames(text, number, frames[-1].receive_ms if frames else 0)
    first = next((frame.receive_ms for frame in frames if frame.receive_ms), 0)
    timed = (frame if frame.receive_ms else replace(frame, receive_ms=first) for frame in frames)
    return Recording(tuple(timed), torn=torn is not None)


def _frames(text: str, number: int, before_ms: int) -> list[Frame]:
    try:
        messages = parse_frame(text)
    except FrameError as error:
        error.line = number
        raise
    if not messages or isinstance(messages[0], Answer):
        return []
    stream = stream_of(text) or _stream_of(messages[0])
    return [Frame(messages[0].event_ms or before_ms, stream, text)]


def _stream_of(message: Message) -> str:
    """Name the stream that sends such a message; empty for one that is no market data."""
    if isinstance(message, KlineFrame) and message.contract:
        pair, contract = message.symbol.lower(), message.contract.lower()
        return f"{pair}_{contract}@continuousKline_{message.interval}"
    if isinstance(message, KlineFrame):
        return f"{message.symbol.lower()}@kline_{message.interval}"
    if isinstance(message, Trade | AggTrade | Liquidation | BookTicker | MiniTicker):
        return f"{message.symbol.lower()}@{_KINDS[type(message)]}"
    return "!serverShutdown" if isinstance(message, ServerShutdown) else ""
