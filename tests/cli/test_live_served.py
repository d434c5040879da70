"""``bt-run live`` on a practice exchange that somebody else has started, and may keep running."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bt_run.practice.market.data_file import MarketRequest
from bt_run.practice.plan import PracticePlan
from bt_run.run.live.practice import EmbeddedPractice

Serve = Callable[..., dict[str, str]]


@pytest.fixture
def opened() -> Iterator[list[EmbeddedPractice]]:
    """Give the exchanges that the test starts; they end with it."""
    exchanges: list[EmbeddedPractice] = []
    yield exchanges
    for exchange in exchanges:
        exchange.close()


@pytest.fixture
def serve(opened: list[EmbeddedPractice]) -> Serve:
    """Give what starts an exchange, and gives the exports that it would print."""

    def start(*symbols: str, at: str = "2025-09-01", **changes: Any) -> dict[str, str]:
        markets = tuple(MarketRequest("btc_1d.csv", at=at, symbol=name) for name in symbols or ("BTCUSDT",))
        plan = PracticePlan(markets, **{"speed": "max", "limits": False, **changes})
        exchange = EmbeddedPractice(plan).__enter__()
        opened.append(exchange)
        return {
            "BT_RUN_REST_URL": exchange.venue.rest_url,
            "BT_RUN_STREAM_URL": exchange.venue.stream_url,
            "BT_RUN_WS_API_URL": exchange.venue.ws_api_url,
            "BT_RUN_PRACTICE_API_KEY": exchange.api_key,
            "BT_RUN_PRACTICE_API_SECRET": exchange.secret,
        }

    return start


def test_results_say_that_the_prices_are_synthetic(bt_run: Any, serve: Serve, work: Path) -> None:
    """As with an exchange of the run's own: a picture may be seen by somebody who did not make it."""
    files = ("--json", "o.json", "--plot", "p.svg")
    done = bt_run("live", "-s", "sar", "--venue", "practice", *files, env=serve())
    assert done.returncode == 0, done.stderr
    assert "\nsynthetic data, practice exchange\n" in done.stdout
    assert json.loads((work / "o.json").read_text())["data"]["note"] == "synthetic data, practice exchange"
    assert "practice exchange" in (work / "p.svg").read_text()


@pytest.mark.slow
def test_all_symbols_meet_every_bar_from_the_first_on(bt_run: Any, serve: Serve, work: Path) -> None:
    """The clock of an exchange at full speed stands until each of them holds it, and is let go afterwards."""
    exports = serve("BTCUSDT", "ETHUSDT")
    words = ("live", "-s", "sar", "--venue", "practice", "--stake", "1000USDT", "--json", "o.json")
    done = bt_run(*words, env=exports)
    assert done.returncode == 0, done.stderr
    status = requests.get(f"{exports['BT_RUN_REST_URL']}/practice/status", timeout=5).json()
    assert (status["ended"], status["paused"]) == (True, False)
    told = json.loads((work / "o.json").read_text())
    assert [run["data"]["symbol"] for run in told["runs"]] == ["BTCUSDT", "ETHUSDT"]
    assert [run["data"]["bars"] for run in told["runs"]] == [63, 63]
    first, second = ([trade["entry_time"] for trade in run["trades"]] for run in told["runs"])
    assert len(first) == 2
    assert first == second


@pytest.mark.slow
def test_a_venue_of_ones_own_is_named_in_the_settings_file(bt_run: Any, serve: Serve, work: Path) -> None:
    """With its URLs and its own keys; the doctor and the journal know it by this name."""
    exports = serve()
    names = {"rest_url": "REST_URL", "stream_url": "STREAM_URL", "ws_api_url": "WS_API_URL"}
    urls = [f'{key} = "{exports[f"BT_RUN_{name}"]}"' for key, name in names.items()]
    (work / "bt-run.toml").write_text("\n".join(["[venues.my-desk]", *urls, ""]))
    keys = {
        "BT_RUN_MY_DESK_API_KEY": exports["BT_RUN_PRACTICE_API_KEY"],
        "BT_RUN_MY_DESK_API_SECRET": exports["BT_RUN_PRACTICE_API_SECRET"],
    }
    unknown = bt_run("live", "-s", "sar", "--venue", "my-dask", env=keys)
    done = bt_run("live", "-s", "sar", "--venue", "my-desk", "-i", "1d", "--duration", "3s", env=keys)
    assert (2, True) == (unknown.returncode, "'my-dask'. Did you mean 'my-desk'?" in unknown.stderr)
    assert done.returncode == 0, done.stderr
    assert "Ended: the duration is over." in done.stdout
    assert "my-desk" in bt_run("journal", "runs").stdout


@pytest.mark.slow
@pytest.mark.parametrize("on_stop", ["cancel", "close"])
def test_sigterm_waits_for_no_exchange_that_hangs(
    serve: Serve, opened: list[EmbeddedPractice], bt_run_started: Callable[..., Any], on_stop: str
) -> None:
    """It takes connections, and answers nothing, not even that they are to be closed."""
    words = ["live", "-s", "sar", "--venue", "practice", "--stop-loss", "10", "--on-stop", on_stop]
    bot = bt_run_started(*words, env=serve(at="2025-09-15"))
    assert bot.stderr is not None
    said = ""
    while "stop-loss" not in said or "is placed" not in said:
        line = bot.stderr.readline()
        assert line, said
        said += line
    (exchange,) = opened
    assert exchange.pid is not None
    os.kill(exchange.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        bot.send_signal(signal.SIGTERM)
        out, rest = bot.communicate(timeout=60)
        took_s = time.monotonic() - began
    finally:
        os.kill(exchange.pid, signal.SIGCONT)
    assert bot.returncode == 0, rest
    assert took_s < 10  # it promises five of a machine that has time
    assert "Ended: SIGTERM." in out
    assert re.search(r"^Still open: BTCUSDT sell .*stop-loss", out, re.MULTILINE)
    assert ("NOT SOLD" in out) == (on_stop == "close")
    assert ("the next start asks" in out) == (on_stop == "cancel")
