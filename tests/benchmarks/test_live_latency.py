"""The relay of the latency benchmark counts from a closing frame to the first order after it, and no other."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

ORDER = b"POST /api/v3/order?symbol=BTCUSDT HTTP/1.1\r\n\r\n"
PAUSE_S = 0.05


@pytest.fixture
def ends(root: Path, tmp_path: Path) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give the bot's and the exchange's end of a connection through the relay."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = str(listener.getsockname()[1])
        script = root / "benchmarks" / "latency_relay.py"
        command = [sys.executable, str(script), port, str(tmp_path / "lines.txt")]
        process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        stack.callback(process.kill)
        assert process.stdout is not None
        bot = socket.create_connection(("127.0.0.1", int(process.stdout.readline())), timeout=10)
        stack.callback(bot.close)
        exchange, _ = listener.accept()
        stack.callback(exchange.close)
        exchange.settimeout(10)
        yield bot, exchange


def test_the_first_order_after_a_closing_frame_is_timed(ends, tmp_path: Path):
    """Orders before any bar, and a second one of the same bar, are passed on and not counted."""
    bot, exchange = ends

    def tell(text: bytes) -> None:
        exchange.sendall(text)
        assert text == bot.recv(65536)

    def order() -> None:
        bot.sendall(ORDER)
        assert ORDER == exchange.recv(65536)

    order()
    tell(b'{"k":{"x":false}}')
    order()
    before_ns = time.monotonic_ns()
    tell(b'{"k":{"x":true}}')
    after_ns = time.monotonic_ns()
    until = time.monotonic() + PAUSE_S
    while time.monotonic() < until:
        tell(b'{"k":{"x":false}}')
    order()
    order()
    lines = (tmp_path / "lines.txt").read_text().splitlines()

    assert 1 == len(lines)
    closed_ns, took_ns = map(int, lines[0].split())
    assert before_ns <= closed_ns <= after_ns
    assert PAUSE_S * 1e9 <= took_ns < 5e9
