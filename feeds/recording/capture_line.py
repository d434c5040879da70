"""
One line of a capture file: what it says, and how it is written; pure, no I/O.

::

    {"t":1617566591326,"event":"started","market":"spot","streams":["btcusdt@trade"],"version":1}
    {"t":1617566591330,"event":"connected","url":"wss://stream.binance.com:9443/stream"}
    {"t":1617566591402,"s":"btcusdt@trade","d":{"stream":"btcusdt@trade","data":{"e":"trade", ...}}}
    {"t":1617566592107,"s":"btcusdt@trade","raw":"<html>what was no JSON, as a JSON text"}
    {"t":1617566593000,"event":"disconnected","reason":"closed by the exchange (1006)"}
    {"t":1617566593800,"event":"gap","stream":"btcusdt@trade","start_ms":1617566593000,
     "end_ms":1617566593790,"missed":12,"filled":true}
    {"t":1617566593900,"s":"btcusdt@aggTrade","rest":[{"a":26129, ...}]}

``t`` is the receive time in ms, ``s`` the stream, ``d`` the frame: the very characters that came, which are
JSON themselves. ``rest`` is the body of a REST answer that filled a gap.
"""

from __future__ import annotations

import json
import operator
import re
from dataclasses import fields
from typing import Any

from bt_run.core.errors import FrameError
from feeds.wire.stream_events import Backfill, Connected, Disconnected, Frame, Gap, Started, StreamEvent

__all__ = ["CAPTURE_VERSION", "parse_line", "write_line"]

CAPTURE_VERSION = 1

_FRAME = re.compile(r'\{"t":(\d+),"s":("(?:[^"\\]|\\.)*"),"(d|rest)":(.*)\}', re.DOTALL)
_EVENTS: dict[str, type[Any]] = {
    "started": Started, "connected": Connected, "disconnected": Disconnected, "gap": Gap
}  # fmt: skip
_NAMES = {kind: name for name, kind in _EVENTS.items()}


def write_line(event: StreamEvent) -> str:
    """Write an event as one line, without line end; `parse_line` gives back an equal event."""
    if isinstance(event, Frame | Backfill):
        head = f'{{"t":{event.receive_ms},"s":{json.dumps(event.stream)},'
        if not _is_json_line(event.text):
            rest = ',"rest":true' if isinstance(event, Backfill) else ""
            return f'{head}"raw":{json.dumps(event.text)}{rest}}}'
        return f'{head}"{"d" if isinstance(event, Frame) else "rest"}":{event.text}}}'
    told = {field.name: getattr(event, field.name) for field in fields(event) if field.name != "receive_ms"}
    return json.dumps({"t": event.receive_ms, "event": _NAMES[type(event)], **told}, separators=(",", ":"))


def parse_line(line: str) -> StreamEvent:
    """
    Read one line of a capture.

    A frame's own text is not looked into; `Frame.messages` does that.

    Raises:
        FrameError: no such line, or of a version that this bt-run does not know.
    """
    match = _FRAME.fullmatch(line)
    if match is not None:
        kind = Frame if match[3] == "d" else Backfill
        stream = json.loads(match[2]) if "\\" in match[2] else match[2][1:-1]
        return kind(int(match[1]), stream, match[4])
    try:
        told = json.loads(line)
        time_ms = operator.index(told.pop("t"))
        if "raw" in told:
            return (Backfill if "rest" in told else Frame)(time_ms, told["s"], told["raw"])
        kind = _EVENTS[told.pop("event")]
        known = {field.name for field in fields(kind)}
        event = kind(time_ms, **{key: _frozen(value) for key, value in told.items() if key in known})
    except (ValueError, TypeError, KeyError, AttributeError):
        raise FrameError("This is not a line of a capture.", line) from None
    if isinstance(event, Started) and event.version != CAPTURE_VERSION:
        raise FrameError(f"The capture has version {event.version}; this bt-run reads {CAPTURE_VERSION}.", line)
    return event  # type: ignore[no-any-return]  # built from the table of event classes


def _is_json_line(text: str) -> bool:
    if "\n" in text:
        return False
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
