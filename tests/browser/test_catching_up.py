"""The page after a restart of its server, and with very many bars."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager

import numpy as np
import pytest
import uvicorn
from desk_page import step, until

from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.run.desk.series import SeriesKey
from bt_run.web.access import Access
from bt_run.web.app import make_app
from bt_run.web.serve import bind, hosts_of
from bt_run.web.session_file import SessionFile
from bt_run.web.state import Desk

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MANY = 100_000


@contextmanager
def served(venue, token, kept, port=0):
    """Serve a desk with a token of its own, as each start of the command does; gives its port and itself."""
    desk = Desk(venue, Access(token, kept=kept), symbols=("BTCUSDT",), interval="1d", history=300)
    desk.market.start()
    with bind("127.0.0.1", port) as listening:
        port = listening.getsockname()[1]
        app = make_app(desk, hosts=hosts_of("127.0.0.1", port))
        config = uvicorn.Config(app, log_level="error", ws="websockets-sansio", timeout_graceful_shutdown=1)
        running = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(running.serve(sockets=[listening])), daemon=True)
        thread.start()
        until(lambda: running.started)
        yield port, desk
        running.should_exit = True
        thread.join(20)
        desk.market.stop()


def test_after_a_restart_of_the_server_the_page_catches_up(tab, practice_market, tmp_path):
    """By itself, though the new server has another token: no bar is missing, none is there twice."""
    page, file = tab.page, tmp_path / "web-sessions.json"
    with served(practice_market.venue, "a" * 40, SessionFile(file)) as (port, desk):
        page.goto(f"http://127.0.0.1:{port}/?token={'a' * 40}")
        before = until(lambda: page.evaluate("window.btrun?.bars.times.at(-1)"))
    until(lambda: "no connection" in page.inner_text("#state"))
    for _ in range(3):
        step(desk)
    with served(practice_market.venue, "b" * 40, SessionFile(file), port):
        until(lambda: page.evaluate("btrun.bars.times.at(-1)") >= before + 3 * DAY_MS)
        until(lambda: page.inner_text("#state").endswith("live"))
        times = page.evaluate("btrun.bars.times")

        assert {DAY_MS} == set(np.diff(times).tolist())
        assert 200 == page.evaluate("fetch('/api/v1/page').then((it) => it.status)")
        page.close()
    tab.told.clear()  # Chromium writes down that nobody answered meanwhile


def test_a_page_that_is_let_in_no_longer_says_so(tab, practice_market):
    """The server is another one, and knows nothing of it: what to do is told."""
    page = tab.page
    with served(practice_market.venue, "a" * 40, None) as (port, _):
        page.goto(f"http://127.0.0.1:{port}/?token={'a' * 40}")
        until(lambda: page.evaluate("window.btrun?.bars.times.length ?? 0"))
    with served(practice_market.venue, "b" * 40, None, port):
        assert "Open the address" in until(lambda: page.inner_text("#problem"))
        page.close()
    tab.told.clear()  # Chromium writes down that it was refused


@pytest.mark.slow
def test_a_hundred_thousand_bars_can_be_looked_at(tab, server, desk):
    """Panned from end to end, with an indicator over all of them; the bar that closes next is drawn."""
    page, key = tab.page, SeriesKey("BTCUSDT", "1h")
    watched = desk.market.look(key)
    until(lambda: watched.series.is_ready)
    with watched.lock:
        assert MANY == watched.series.put_in_front(copies_before(watched.series.closed()[:1], MANY))
    page.goto(f"{server.url}/?token={server.token}")
    until(lambda: page.evaluate("window.btrun?.bars.times.length ?? 0"))
    page.select_option("#interval", "1h")
    until(lambda: page.evaluate("btrun.bars.times.length") > MANY, limit_s=60)
    page.fill("#indicator-search", "ema")
    page.click("#indicator-list button[data-name='EMA']")
    length = "[...btrun.indicators.chosen.values()][0].values?.real.length"
    until(lambda: (page.evaluate(length) or 0) > MANY, limit_s=60)
    scale = "btrun.chart.chart.timeScale()"
    for start in (MANY - 500, MANY // 2, 200):
        page.evaluate(f"{scale}.setVisibleLogicalRange({{ from: {start}, to: {start + 300} }})")
        until(lambda at=start: abs(page.evaluate(f"{scale}.getVisibleLogicalRange().from") - at) < 50)
    before = page.evaluate("btrun.bars.times.at(-1)")
    step(desk)
    step(desk)

    until(lambda: page.evaluate("btrun.bars.times.at(-1)") > before, limit_s=60)
    assert {HOUR_MS} == set(np.diff(page.evaluate("btrun.bars.times")).tolist())
    desk.market.leave(key)
    page.close()


def copies_before(bar, count):
    """Give so many hours before a bar, each like it."""
    times = int(bar.open_time[0]) - HOUR_MS * np.arange(count, 0, -1)
    return Bars.of(times, **{name: np.repeat(getattr(bar, name), count) for name in BAR_COLUMNS[1:]})
