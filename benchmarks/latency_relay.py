"""
Stand between a bot and an exchange, and note when bytes pass; benchmarks/live_latency.py runs it.

    python benchmarks/latency_relay.py EXCHANGE_PORT FILE

It prints its own port, and writes a line for each order into the file: the ns from the last byte of the closing
kline frame, sent to the bot, to the first byte of the order's request, received from it. Both are read by this
process from one clock that nobody sets. What the relay adds lies outside of that time, but for its waking up.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

__all__ = ["Relay", "main"]

CLOSES = b'"x":true'
ORDER = b"POST /api/v3/order"
_BLOCK = 1 << 16


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
            threading.Thread(target=self._to_bot, args=(exchange, bot), daemon=True).start()
            threading.Thread(target=self._to_exchange, args=(bot, exchange), daemon=True).start()

    def _to_bot(self, exchange: socket.socket, bot: socket.socket) -> None:
        while data := _read(exchange):
            bot.sendall(data)
            if CLOSES in data:
                self._closed_ns = time.monotonic_ns()
        _end(bot)

    def _to_exchange(self, bot: socket.socket, exchange: socket.socket) -> None:
        while data := _read(bot):
            now_ns, closed_ns = time.monotonic_ns(), self._closed_ns
            is_first = data.startswith(ORDER) and bool(closed_ns)
            if is_first:
                self._closed_ns = 0  # the next order of the same bar waited for this one
            exchange.sendall(data)
            if is_first:
                self._lines.write(f"{now_ns - closed_ns}\n")
                self._lines.flush()
        _end(exchange)


def _read(end: socket.socket) -> bytes:
    try:
        return end.recv(_BLOCK)
    except OSError:
        return b""


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
