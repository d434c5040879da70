"""
Measure the two longest steps before an order leaves, each beside the way that it went before.

    python benchmarks/order_path.py --orders 1000

Both ways take turns, order by order, in one process. The intent is written to a journal in the memory of the
machine (``/dev/shm``, where there is one), so that the processor's work counts and not the disk; then to two
journals on the disk, one of which was made ready for orders. The request goes to a server on loopback, and its
time ends at the first byte.
"""

from __future__ import annotations

import argparse
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import requests
from sqlalchemy import insert, update

from brokers.binance.quick_session import QuickSession
from brokers.client_ids import ClientId
from brokers.orders import Order
from bt_run.journal import schema
from bt_run.journal.journal import Journal
from bt_run.journal.rows import row_of
from bt_run.run.live.story import intent_line, order_record
from csv_to_result import rewrite_section
from machine import describe

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
BODY = [("symbol", "BTCUSDT"), ("side", "BUY"), ("type", "MARKET"), ("quantity", "0.00123")]
BODY += [("newClientOrderId", "btr-0b-00000001"), ("timestamp", "1767225600000"), ("signature", "5" * 64)]
PAUSE_S = 0.002
SECTION = """\
## Two steps of an order

Milliseconds an order, {orders:,} of each, in turns.

| step | before | now | times as quick, at the median |
| --- | --- | --- | --- |
{rows}

- Median, and 99 % below. Between two orders lie 2 ms in which the process sleeps.
- The intent before: SQLAlchemy all the way. The request before: `requests` prepares each anew.

{machine}

Again: `python benchmarks/order_path.py --orders {orders}`
"""

Step = Callable[[int], float]


def take_turns(before: Step, now: Step, orders: int) -> tuple[list[float], list[float]]:
    """Let both do each order, now this one first and now that one; ms of each."""
    took: tuple[list[float], list[float]] = [], []
    for number in range(orders):
        for place in (0, 1) if number % 2 else (1, 0):
            time.sleep(PAUSE_S)
            took[place].append((before, now)[place](number) * 1000)
    return took


def row(title: str, before: Sequence[float], now: Sequence[float]) -> str:
    """Write a line of the table."""
    cells = [
        f"{median(took):.3f}, {quantiles(took, n=100, method='inclusive')[-1]:.3f}" for took in (before, now)
    ]
    return f"| {title} | {cells[0]} | {cells[1]} | {median(before) / median(now):.2f} |"


def open_journal(stack: ExitStack, folder: Path, name: str, *, is_ready: bool) -> Journal:
    """Open a journal with run 1 begun."""
    journal = stack.enter_context(Journal(folder / name))
    journal.begin_run(venue="testnet", symbol="BTCUSDT", interval="1m", strategy="sar", started_ms=1)
    if is_ready:
        journal.make_ready(1)
    return journal


def intent(number: int) -> tuple[Any, Any]:
    """Make a market order's first line."""
    name = str(ClientId("0b", number + 1))
    order = Order(name, "BTCUSDT", "BUY", "MARKET", quantity=Decimal("0.00123"), created_ms=1_767_225_600_000)
    return order_record(order, run=1, updated_ms=2), intent_line(order, time_ms=2, bar=1)


def writes(journal: Journal) -> Step:
    """Give what writes an intent as the journal does."""

    def write(number: int) -> float:
        record, line = intent(number)
        begun = time.perf_counter()
        journal.write_order(record, line)
        return time.perf_counter() - begun

    return write


def writes_by_sqlalchemy(journal: Journal) -> Step:
    """Give what writes an intent through SQLAlchemy."""
    orders, events = schema.orders, schema.order_events
    change = update(orders).where(orders.c.run == 1)
    add, add_line = insert(orders), insert(events)

    def write(number: int) -> float:
        record, line = intent(number)
        begun = time.perf_counter()
        values = row_of(record)
        with journal._writing(journal._durable) as connection:
            if not connection.execute(change.where(orders.c.client_id == record.client_id), values).rowcount:
                connection.execute(add, values)
            told = {"kind": line.kind, "time_ms": line.time_ms, "details": line.details, "sequence": 1}
            connection.execute(add_line, told | {"run": 1, "client_id": record.client_id})
        return time.perf_counter() - begun

    return write


@contextmanager
def server() -> Iterator[str]:
    """Answer every request with an empty object; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as answering:
        answering.daemon_threads = True
        thread = threading.Thread(target=answering.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{answering.server_port}/api/v3/order"
        answering.shutdown()


def posts(session: requests.Session, url: str, written_at: Sequence[float]) -> Step:
    """Give what posts an order and gives the time to its first byte, which is last in `written_at`."""
    session.trust_env = False
    session.headers.update({"X-MBX-APIKEY": "k" * 64, "Accept": "application/json", "User-Agent": "bot"})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    def post(number: int) -> float:
        begun = time.perf_counter()
        session.post(url, data=BODY, headers=headers, timeout=15.0, allow_redirects=False)
        return written_at[-1] - begun

    return post


def note_first_bytes() -> Sequence[float]:
    """Let sockets note when a request is handed to them."""
    send, written_at = socket.socket.sendall, []

    def noting(sock: socket.socket, data: Any, *flags: int) -> None:
        if data[:4] == b"POST":
            written_at.append(time.perf_counter())
        send(sock, data, *flags)

    socket.socket.sendall = noting  # type: ignore[method-assign, assignment]
    return written_at


def measure(orders: int, disk: Path, memory: Path) -> list[str]:
    """Give the lines of the table."""
    rows = []
    with ExitStack() as stack:
        old, new = (open_journal(stack, memory, name, is_ready=True) for name in ("old.sqlite", "new.sqlite"))
        took = take_turns(writes_by_sqlalchemy(old), writes(new), orders)
        rows.append(row("an intent, without the disk", *took))
    with ExitStack() as stack:
        short = open_journal(stack, disk, "short.sqlite", is_ready=False)
        long = open_journal(stack, disk, "long.sqlite", is_ready=True)
        took = take_turns(writes(short), writes(long), orders)
        rows.append(row("an intent with the disk, log as it comes and made long before", *took))
    written_at = note_first_bytes()
    with server() as url, requests.Session() as plain, QuickSession() as quick:
        took = take_turns(posts(plain, url, written_at), posts(quick, url, written_at), orders)
        rows.append(row("a signed request, to its first byte", *took))
    return rows


def main() -> None:
    """Read the arguments, measure, print, and rewrite the section in the file of results."""
    parser = argparse.ArgumentParser(description="Two steps of an order, before and now.")
    parser.add_argument("--orders", type=int, default=1000, help="how many of each")
    parser.add_argument("--out", type=Path, default=HERE / "RESULTS.md", help="the file of results")
    given = parser.parse_args()
    load_before = os.getloadavg()[0]
    shared = Path("/dev/shm")  # noqa: S108 - the machine's memory, where a folder of its own is made
    with (
        tempfile.TemporaryDirectory(prefix="bt-run-bench-") as disk,
        tempfile.TemporaryDirectory(prefix="bt-run-bench-", dir=shared if shared.is_dir() else None) as memory,
    ):
        rows = measure(given.orders, Path(disk), Path(memory))
    machine = "\n".join(describe(load_before=load_before))
    text = SECTION.format(orders=given.orders, rows="\n".join(rows), machine=machine)
    print(text)
    old = given.out.read_text() if given.out.exists() else "# Results\n"
    given.out.write_text(rewrite_section(old, "order_path", text))


if __name__ == "__main__":
    main()
