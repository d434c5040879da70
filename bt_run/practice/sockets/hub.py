"""Who listens to which market stream, and one text for all of them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from bt_run.practice.fault_points import FrameInfo
from bt_run.practice.sockets.stream_name import StreamName, parse_stream
from bt_run.practice.sockets.time_unit import microseconds_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bt_run.practice.fault_points import Faults
    from bt_run.practice.sockets.connection import Connection
    from bt_run.practice.sockets.stream_name import Family, Kind

__all__ = ["Hub", "Listener"]


class Listener:
    """
    A market connection and its subscriptions; what `commands.answer` works on.

    `combined` wraps each payload with its stream's name. Names that do not exist are kept and stay silent,
    as on Binance. `deaf` connections, such as those of futures on a path that is not for market data,
    are open and get nothing.
    """

    def __init__(
        self,
        hub: Hub,
        connection: Connection,
        family: Family,
        *,
        combined: bool,
        microseconds: bool = False,
        deaf: bool = False,
    ) -> None:
        self.connection = connection
        self.family = family
        self.combined = combined
        self.microseconds = microseconds
        self._hub = hub
        self._deaf = deaf
        self._streams: dict[str, StreamName | None] = {}

    @property
    def streams(self) -> tuple[str, ...]:
        """Give the names in the order of subscribing."""
        return tuple(self._streams)

    def subscribe(self, names: Iterable[str]) -> bool:
        """Add streams; False, and nothing is added, where the connection would have too many."""
        new = {name: parse_stream(self.family, name) for name in names if name not in self._streams}
        if len(self._streams) + len(new) > self.connection.policy.streams:
            return False
        self._streams |= new
        for stream in new.values():
            if stream is not None and not self._deaf:
                self._hub.add(stream, self)
        return True

    def unsubscribe(self, names: Iterable[str]) -> None:
        """Take streams away; unknown ones are ignored."""
        for name in names:
            stream = self._streams.pop(name, None)
            if stream is not None:
                self._hub.discard(stream, self)


class Hub:
    """
    Sends what happens on the markets to who listens.

    Args:
        faults: May drop, delay, repeat and change frames, and keep connections silent.
    """

    def __init__(self, faults: Callable[[], Faults]) -> None:
        self._faults = faults
        self._listeners: dict[StreamName, dict[Listener, None]] = {}
        self._index: dict[tuple[Family, Kind, str], dict[StreamName, None]] = {}
        self._opened: list[Callable[[StreamName], None]] = []
        self._gone: list[Callable[[StreamName], None]] = []

    def watch(self, opened: Callable[[StreamName], None], gone: Callable[[StreamName], None]) -> None:
        """Be told of each stream that gets its first listener, and that loses its last."""
        self._opened.append(opened)
        self._gone.append(gone)

    def add(self, stream: StreamName, listener: Listener) -> None:
        """Let a listener hear a stream from now on."""
        listeners = self._listeners.setdefault(stream, {})
        listeners[listener] = None
        if len(listeners) == 1:
            self._index.setdefault((stream.family, stream.kind, stream.symbol), {})[stream] = None
            for tell in self._opened:
                tell(stream)

    def discard(self, stream: StreamName, listener: Listener) -> None:
        """Let a listener hear a stream no more."""
        listeners = self._listeners.get(stream)
        if listeners is None or listener not in listeners:
            return
        del listeners[listener]
        if not listeners:
            del self._listeners[stream]
            del self._index[stream.family, stream.kind, stream.symbol][stream]
            for tell in self._gone:
                tell(stream)

    def streams(self, family: Family, kind: Kind, symbol: str) -> tuple[StreamName, ...]:
        """Give the streams of one kind and symbol that somebody listens to."""
        return tuple(self._index.get((family, kind, symbol), ()))

    def publish(self, stream: StreamName, payload: Any, *, closes_bar: bool = False) -> None:
        """Send a payload to all who listen to a stream; it is written once for all of them."""
        if stream not in self._listeners:
            return
        text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
        frame = FrameInfo(stream.family, stream.text, closes_bar)
        instead = self._faults().outgoing(frame, text)
        if instead is None:
            self._fan_out(stream, text)
            return
        loop = asyncio.get_running_loop()
        for delay_s, changed in instead:
            if delay_s > 0:
                loop.call_later(delay_s, self._fan_out, stream, changed)
            else:
                self._fan_out(stream, changed)

    def _fan_out(self, stream: StreamName, text: str) -> None:
        silent = self._faults().silent
        texts: dict[tuple[bool, bool], str] = {}
        for listener in tuple(self._listeners.get(stream, ())):
            if silent(listener.connection.path):
                continue
            form = (listener.combined, listener.microseconds)
            if form not in texts:
                body = microseconds_text(text) if listener.microseconds else text
                name = json.dumps(stream.text, ensure_ascii=False)
                texts[form] = f'{{"stream":{name},"data":{body}}}' if listener.combined else body
            listener.connection.send(texts[form])
