"""
Stand between a bot and an exchange, and note when bytes pass; benchmarks/live_latency.py runs it.

    python benchmarks/latency_relay.py EXCHANGE_PORT FILE

It prints its own port, and writes a line for each order into the file: when the last byte of the closing kline
frame passed on to the bot, ns of the steady clock, and the ns from there to the first byte of the order's
request.

Both are the kernel's stamps on the bytes as they pass (SO_TIMESTAMPING, SO_TIMESTAMPNS), as a sniffer between
the two would see them: this process and the exchange share a core, and it may be woken late. So what the relay
adds lies outside of that time. Where the kernel stamps nothing, the times before sending and after waking up
count.
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
# Of Linux, which the socket module does not name: SO_TIMESTAMPNS for what comes, SO_TIMESTAMPING for what goes,
# with SOF_TIMESTAMPING_TX_SOFTWARE, _SOFTWARE and _OPT_TSONLY.
_STAMPS, _STAMPS_OF_SENT = 35, 37
_SENT = 1 << 1 | 1 << 4 | 1 << 11
_TIME = struct.Struct("qq")
_NOTES = 512


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
            bot.setsockopt(socket.SOL_SOCKET, _STAMPS_OF_SENT, _SENT)
            threading.Thread(target=self._to_bot, args=(exchange, bot), daemon=True).start()
            threading.Thread(target=self._to_exchange, args=(bot, exchange), daemon=True).start()

    def _to_bot(self, exchange: socket.socket, bot: socket.socket) -> None:
        while data := _read(exchange)[0]:
            if CLOSES in data:
                self._closed_ns = time.monotonic_ns()  # the order may be here before the stamp was read
            bot.sendall(data)
            sent_ns = _when_sent(bot)
            if CLOSES in data and self._closed_ns:
                self._closed_ns = sent_ns or self._closed_ns
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


def _when_sent(end: socket.socket) -> int:
    """Give when the last bytes left, by the clock that nobody sets; 0 where the kernel does not tell."""
    last_ns = 0
    try:
        while True:
            _, notes, _, _ = end.recvmsg(1, _NOTES, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)
            for _, kind, stamp in notes:
                if kind == _STAMPS_OF_SENT:
                    last_ns = _steady_ns(stamp)
    except OSError:
        return last_ns


def _steady_ns(stamp: bytes) -> int:
    seconds, ns = _TIME.unpack_from(stamp)
    stamped_ns = int(seconds) * 1_000_000_000 + int(ns)
    return time.monotonic_ns() - (time.time_ns() - stamped_ns)


def _read(end: socket.socket) -> tuple[bytes, int]:
    """Give some bytes, none at the end, and when they came, by the clock that nobody sets."""
    try:
        data, notes, _, _ = end.recvmsg(_BLOCK, _NOTES)
    except OSError:
        return b"", 0
    for _, kind, stamp in notes:
        if kind == _STAMPS:
            return data, _steady_ns(stamp)
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
