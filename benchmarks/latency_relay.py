"""
Stand between a bot and an exchange, and note when bytes pass; benchmarks/live_latency.py runs it.

    python benchmarks/latency_relay.py EXCHANGE_PORT FILE

It prints its own port, and writes a line for each order into the file: when the last byte of the closing kline
frame was sent to the bot, ns of the steady clock, and the ns from there to the first byte of the order's
request.

The first is read just before the frame is handed to the kernel. The second is the kernel's own stamp on the
bytes of the order (SO_TIMESTAMPNS): this process and the exchange share a core, and it may be woken late.
So what the relay adds lies outside of that time. Where the kernel stamps nothing, the time of waking up counts.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

__all__ = ["Relay", "main"]

CLOSES = b'"x":true'
ORDER = b"POST /api/v3/order"
_BLOCK = 1 << 16
_STAMPS = 35  # SO_TIMESTAMPNS of Linux, which the socket module does not name
_TIME = struct.Struct("qq")


class Relay:
    """Copies bytes both ways for each connection, in threads that sleep in the kernel."""

    def __init__(self, port: int, lines: TextIO) -> None:
        self._port = port
        self._lines = lines
        self._closed_ns = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def serve(self) -> None:
        """Serve for ever."""
        while True:
            bot, _ = self._listener.accept()
            exchange = socket.create_connection(("127.0.0.1", self._port))
            for end in (bot, exchange):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            bot.setsockopt(socket.SOL_SOCKET, _STAMPS, 1)
            threading.Thread(target=self._to_bot, args=(exchange, bot), daemon=True).start()
            threading.Thread(target=self._to_exchange, args=(bot, exchange), daemon=True).start()

    def _to_bot(self, exchange: socket.socket, bot: socket.socket) -> None:
        while data := _read(exchange)[0]:
            if CLOSES in data:
                self._closed_ns = time.monotonic_ns()
            bot.sendall(data)
        _end(bot)

    def _to_exchange(self, bot: socket.socket, exchange: socket.socket) -> None:
        while (got := _read(bot))[0]:
            data, come_ns = got
            closed_ns = self._closed_ns
            is_first = data.startswith(ORDER) and bool(closed_ns)
            if is_first:
                self._closed_ns = 0  # the next order of the same bar waited for this one
            exchange.sendall(data)
            if is_first:
                self._lines.write(f"{closed_ns} {come_ns - closed_ns}\n")
                self._lines.flush()
        _end(exchange)


def _read(end: socket.socket) -> tuple[bytes, int]:
    """Give some bytes, none at the end, and when they came, by the clock that nobody sets."""
    try:
        data, notes, _, _ = end.recvmsg(_BLOCK, socket.CMSG_SPACE(_TIME.size))
    except OSError:
        return b"", 0
    for _, kind, stamp in notes:
        if kind == _STAMPS:
            seconds, ns = _TIME.unpack(stamp)
            waited_ns = time.time_ns() - (seconds * 1_000_000_000 + ns)
            return data, time.monotonic_ns() - waited_ns
    return data, time.monotonic_ns()


def _end(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def main() -> None:
    """Relay until killed."""
    with Path(sys.argv[2]).open("w") as lines:
        relay = Relay(int(sys.argv[1]), lines)
        print(relay.port, flush=True)
        relay.serve()


if __name__ == "__main__":
    main()
