"""A web desk on a practice exchange that steps by request, served on loopback."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from types import SimpleNamespace

import pytest

from bt_run.core.errors import BtRunError

__all__ = ["account", "desk", "practice_market", "server"]

TOKEN = "a-token-of-at-least-thirty-two-characters"  # noqa: S105  # of a server that lives as long as a test


@pytest.fixture(scope="session")
def practice_market():
    """Replay the shipped bars, standing still."""
    from bt_run.practice.market.data_file import MarketRequest
    from bt_run.practice.plan import PracticePlan
    from bt_run.run.live.practice import EmbeddedPractice

    with EmbeddedPractice(PracticePlan((MarketRequest("btc_1d.csv"),), step=True, limits=False)) as found:
        yield found


@pytest.fixture
def desk(practice_market, monkeypatch):
    """
    Give the parts of a desk.

    Its exchange counts the questions of all tests of a minute, as if one person had asked them. Nobody listens
    to that sum, or a test would wait for the minute's end.
    """
    from brokers.binance.limits import RequestLimits
    from bt_run.web.access import Access
    from bt_run.web.state import Desk
    from feeds.fetching.weight import WeightBudget

    monkeypatch.setattr(RequestLimits, "note_used", lambda limits, used: None)
    monkeypatch.setattr(WeightBudget, "note", lambda budget, used: None)
    made = Desk(practice_market.venue, Access(TOKEN), "practice exchange", ("BTCUSDT",), "1d", history=300)
    made.market.start()
    yield made
    made.market.stop()


@pytest.fixture
def account(desk, practice_market, tmp_path):
    """Let that desk take orders, as the account that the exchange has; nobody may be at it any more after."""
    from brokers.binance.credentials import Credentials
    from bt_run.run.by_hand.desk import HandDesk

    credentials = Credentials(practice_market.api_key, practice_market.secret)
    found = HandDesk(desk.venue, credentials, journal=str(tmp_path / "orders.sqlite"), world=tmp_path.name)
    desk.take_orders(found)
    found.start()
    yield found
    with suppress(BtRunError):
        for symbol in desk.symbols:
            found.cancel_all(symbol)
    found.stop()


@pytest.fixture
def server(desk):
    """Serve it; `url` and `host` say where."""
    import uvicorn

    from bt_run.web.app import make_app
    from bt_run.web.serve import bind, hosts_of

    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    config = uvicorn.Config(
        make_app(desk, hosts=hosts_of("127.0.0.1", port)), log_level="error", ws="websockets-sansio"
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[listening])), daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not running.started and time.monotonic() < until:
        threading.Event().wait(0.01)
    yield SimpleNamespace(url=f"http://127.0.0.1:{port}", host=f"127.0.0.1:{port}", port=port, token=TOKEN)
    running.should_exit = True
    thread.join(10)
    listening.close()
