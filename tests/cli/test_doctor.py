"""``bt-run doctor``: text, JSON, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from exchange_market import make_bars
from exchange_practice import KEY, served_practice

from bt_run.core.interval import Interval
from bt_run.practice.exchange import Exchange
from bt_run.practice.market import Market
from bt_run.practice.rules import SymbolRules
from bt_run.practice.trading import Trading

NOWHERE = {
    "BT_RUN_REST_URL": "http://127.0.0.1:9",
    "BT_RUN_STREAM_URL": "ws://127.0.0.1:9",
    "BT_RUN_WS_API_URL": "ws://127.0.0.1:9",
}


@pytest.fixture
def exchange() -> Exchange:
    bars = make_bars(Interval.parse("1m"), 1_767_268_800_000, 120)
    market = Market.from_bars(bars, Interval.parse("1m"), SymbolRules(), at=60, seed=3)
    return Exchange({"BTCUSDT": market}, Trading({"BTC": 7, "USDT": 1000}))


def test_a_venue_that_is_well(bt_run, exchange: Exchange):
    """The practice exchange, its sockets too, with a key."""
    with served_practice(exchange) as url:
        socket = url.replace("http", "ws")
        env = {"BT_RUN_REST_URL": url, "BT_RUN_STREAM_URL": socket, "BT_RUN_WS_API_URL": socket}
        keys = {"BT_RUN_PRACTICE_API_KEY": KEY.api_key, "BT_RUN_PRACTICE_API_SECRET": KEY.secret}
        said = bt_run("doctor", "--venue", "practice", "--json", env=env | keys)
    found = {one["check"]: one["status"] for one in json.loads(said.stdout)["findings"]}

    venue = {"REST", "Streams", "WebSocket API", "Symbol", "API key", "Journal", "Disk", "Python", "TA-Lib"}
    assert {"ok"} == {found[name] for name in venue}, said.stdout
    assert 0 == said.returncode
    assert KEY.secret not in said.stdout


def test_a_venue_that_is_not_there(bt_run, work: Path):
    """What is wrong, what to do, and which checks were left out; no file is made."""
    said = bt_run("doctor", env=NOWHERE)

    assert 5 == said.returncode
    assert "refused the connection" in said.stdout
    assert "Check the network, and proxies in between." in said.stdout
    assert "left out  API key" in said.stdout
    assert "testnet: 5 failed" in said.stdout
    assert max(len(line) for line in said.stdout.splitlines() if str(work) not in line) <= 112
    assert [] == list(work.iterdir())


def test_a_journal_that_is_none_comes_before_the_network(bt_run, work: Path):
    (work / "bt-run.sqlite").write_bytes(b"no database" * 100)

    assert 6 == bt_run("doctor", env=NOWHERE).returncode
