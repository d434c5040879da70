"""A live market, a hub whose times are short, and a Cerebro that runs beside the test."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from exchange_cerebro import QUICK, Recorder, Running

from bt_run.core.background import BackgroundLoop
from feeds import LiveFeed
from feeds.live.hub import LiveHub

if TYPE_CHECKING:
    from exchange_live import LiveMarket


@pytest.fixture
def market(exchange: Any, streams: Any) -> LiveMarket:
    """Give a live market of one-minute bars; bar 60 is forming."""
    from exchange_live import LiveMarket

    return LiveMarket(exchange, streams)


@pytest.fixture
def background() -> Iterator[BackgroundLoop]:
    """Give a background thread, which is stopped after the test."""
    with BackgroundLoop("live test") as running:
        yield running


@pytest.fixture
def make_hub(background: BackgroundLoop) -> Callable[..., LiveHub]:
    """Give what makes a hub with short times."""

    def make(market: Any, **changes: Any) -> LiveHub:
        given = {
            "policy": QUICK, "clock": market.exchange.clock, "tick_s": 0.005,
            "sleep": lambda seconds: time.sleep(seconds / 100), **changes,
        }  # fmt: skip
        return LiveHub(market.venue, background=background, **given)

    return make


@pytest.fixture
def run_live(make_hub: Callable[..., LiveHub]) -> Iterator[Callable[..., Running]]:
    """Give what starts a Cerebro with one live feed of a market; it is ended after the test."""
    started: list[Running] = []

    def run(market: Any, *, strategy: Any = Recorder, hub: Any = None, run: Any = None, **more: Any) -> Any:
        hub = hub or make_hub(market)
        given = {"history": 20, "clock": market.exchange.clock, **more}
        feed = LiveFeed(market.symbol, market.interval, hub=hub, **given)
        running = Running(feed, strategy=strategy, run=run).start()
        started.append(running)
        return running

    yield run
    for running in started:
        running.finish()
