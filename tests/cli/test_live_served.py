"""``bt-run live`` on a practice exchange that somebody else has started, and may keep running."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bt_run.practice.market.data_file import MarketRequest
from bt_run.practice.plan import PracticePlan
from bt_run.run.live.practice import EmbeddedPractice

Serve = Callable[..., dict[str, str]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give what starts an exchange, and gives the exports that it would print."""
    opened: list[EmbeddedPractice] = []

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

    yield start
    for exchange in opened:
        exchange.close()


def test_results_say_that_the_prices_are_synthetic(bt_run: Any, serve: Serve, work: Path) -> None:
    """As with an exchange of the run's own: a picture may be seen by somebody who did not make it."""
    files = ("--json", "o.json", "--plot", "p.svg")
    done = bt_run("live", "-s", "sar", "--venue", "practice", *files, env=serve())
    assert done.returncode == 0, done.stderr
    assert "\nsynthetic data, practice exchange\n" in done.stdout
    assert json.loads((work / "o.json").read_text())["data"]["note"] == "synthetic data, practice exchange"
    assert "practice exchange" in (work / "p.svg").read_text()
