"""The web desk in a real browser: bars that move, indicators that are TA-Lib's, one series at a time."""

from __future__ import annotations

import time

import numpy as np
import pytest
import requests
import talib

POLL_S = 0.1


def until(read, *, limit_s=20.0):
    """Read until something is there; the page's policy forbids scripts in text, so it cannot wait by itself."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        found = read()
        if found:
            return found
        time.sleep(POLL_S)
    raise AssertionError("it did not come in time")


@pytest.fixture
def page(tab, server):
    tab.page.goto(f"{server.url}/?token={server.token}")
    until(lambda: tab.page.evaluate("window.btrun?.bars.times.length ?? 0"))
    return tab.page


def step(desk):
    """Let the market's clock go on by a bar."""
    requests.post(f"{desk.venue.rest_url}/practice/step", json={"bars": 1}, timeout=10).raise_for_status()


def test_it_shows_the_market_and_asks_nobody_else(page, tab, server):
    """Candles, price, venue; the token is in no address, and every request goes to our server."""
    assert "BTCUSDT" in page.title()
    assert "practice exchange" in page.inner_text("#note")
    assert page.inner_text("#price")
    assert server.token not in page.url
    assert all(url.startswith((server.url, "ws", "data:")) for url in tab.asked)
    assert "TradingView" in page.inner_text("footer")


def test_a_bar_that_closes_appears(page, desk):
    """The chart moves by itself."""
    before = page.evaluate("btrun.bars.times.at(-1)")
    step(desk)
    step(desk)

    after = until(lambda: (now := page.evaluate("btrun.bars.times.at(-1)")) > before and now)
    assert 0 == (after - before) % 86_400_000


def test_an_indicator_has_the_values_of_talib(page):
    """Toggled on the page, over the bars of the page, the open one too."""
    page.fill("#indicator-search", "relative strength")
    page.click("#indicator-list button[data-name='RSI']")
    values = until(lambda: page.evaluate("[...btrun.indicators.chosen.values()][0]?.values?.real"))
    closes = page.evaluate("btrun.bars.all().map((bar) => bar[4])")
    expected = talib.RSI(np.array(closes, dtype=float), 14)

    assert len(values) == len(closes)
    assert pytest.approx(expected[14:]) == [float(value) for value in values[14:]]
    page.fill("#indicator-chosen input[type='number']", "30")
    page.press("#indicator-chosen input[type='number']", "Tab")
    changed = talib.RSI(np.array(closes, dtype=float), 30)
    until(
        lambda: (
            page.evaluate("[...btrun.indicators.chosen.values()][0].values.real.at(-2)")
            == pytest.approx(changed[-2])
        )
    )
    page.click("#indicator-chosen button")
    assert 0 == page.evaluate("btrun.indicators.chosen.size")


def test_switching_never_mixes_two_series(page):
    """Right after a switch there is nothing, then only bars of the new interval."""
    page.select_option("#interval", "3d")
    times = until(lambda: page.evaluate("btrun.bars.times.length > 10 && btrun.bars.times"))

    assert {3 * 86_400_000} == set(np.diff(times).tolist())
    page.select_option("#interval", "12h")
    page.select_option("#interval", "1d")
    times = until(lambda: page.evaluate("btrun.bars.times.length > 10 && btrun.bars.times"))
    assert {86_400_000} == set(np.diff(times).tolist())


def test_a_strategy_marks_its_trades_and_tells_its_numbers(page):
    """The marks are the trades of its result."""
    page.click("#strategy summary")
    page.select_option("#strategy-name", "sar")
    page.click("#strategy-run")
    page.wait_for_selector("#strategy-numbers dd[data-key='trades']")
    trades = page.evaluate("btrun.strategy.result.trades.length")

    assert trades > 3
    assert 2 * trades == page.evaluate("btrun.chart.marks.length")
    assert trades == int(page.get_attribute("#strategy-numbers dd[data-key='trades']", "data-value"))
    page.click("#strategy-clear")
    assert 0 == page.evaluate("btrun.chart.marks.length")


def test_after_a_lost_connection_the_page_catches_up(page, desk):
    """A sleeping laptop or a restart: what it missed is there, without a gap or a double."""
    page.evaluate("btrun.stream().socket.close()")
    for _ in range(3):
        step(desk)
    before = page.evaluate("btrun.bars.times.at(-1)")
    until(lambda: page.evaluate("btrun.bars.times.at(-1)") > before)
    times = page.evaluate("btrun.bars.times")

    assert {86_400_000} == set(np.diff(times).tolist())


def test_panning_back_loads_older_bars(page):
    """As far as the venue has them."""
    first = page.evaluate("btrun.bars.times[0]")
    page.evaluate("btrun.chart.chart.timeScale().setVisibleLogicalRange({ from: -10, to: 60 })")

    until(lambda: page.evaluate("btrun.bars.times[0]") < first)
    assert (np.diff(page.evaluate("btrun.bars.times")) > 0).all()


def test_a_wrong_symbol_is_told(page):
    """In the exchange's words, where a screen reader hears it."""
    page.fill("#symbol", "NOSUCHPAIR")
    page.press("#symbol", "Enter")

    assert "NOSUCHPAIR" in until(lambda: page.inner_text("#problem"))


def test_a_phone_shows_all_of_it(tab, server):
    """Nothing is wider than the window."""
    tab.page.set_viewport_size({"width": 390, "height": 800})
    tab.page.goto(f"{server.url}/?token={server.token}")
    until(lambda: tab.page.evaluate("window.btrun?.bars.times.length ?? 0"))

    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_choices_survive_a_reload(page):
    """Interval, theme and indicators."""
    page.fill("#indicator-search", "ema")
    page.click("#indicator-list button[data-name='EMA']")
    page.click("#theme")
    theme = page.get_attribute("html", "data-theme")
    page.reload()
    until(lambda: page.evaluate("window.btrun?.indicators.chosen.size ?? 0"))

    assert theme == page.get_attribute("html", "data-theme")
    assert ["EMA"] == page.evaluate("btrun.indicators.choice().map((it) => it.name)")
