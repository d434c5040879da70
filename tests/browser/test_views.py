"""Trades, watch list and layouts on the page, in a real browser."""

from __future__ import annotations

import json

import pytest
from desk_page import make_journal, open_page, step, until

from bt_run.journal.settings_table import find_setting


@pytest.fixture
def page(tab, server):
    return open_page(tab, server)


def test_the_watch_list_shows_prices_and_switches_the_chart(page):
    """By keyboard; what the venue does not have is told, and not kept."""
    until(lambda: page.locator("#watch-list .change").first.inner_text().endswith("%"))
    page.fill("#watch-symbol", "nosuchpair")
    page.press("#watch-symbol", "Enter")
    assert "NOSUCHPAIR" in until(lambda: page.inner_text("#problem"))
    page.click("#watch-list button[aria-label='Take BTCUSDT off the watch list']")
    assert 0 == page.locator("#watch-list li").count()
    page.fill("#watch-symbol", "btcusdt")
    page.press("#watch-symbol", "Enter")
    until(lambda: page.locator("#watch-list li").count() == 1)
    price = until(lambda: (text := page.inner_text("#watch-list li span"))[0].isdigit() and text)
    assert float(price.replace(",", "")) > 0
    before = page.evaluate("btrun.look().look")
    page.click("#watch-list .name")
    until(lambda: page.evaluate("btrun.look().look") > before)
    assert "true" == page.get_attribute("#watch-list .name", "aria-current")
    page.reload()
    until(lambda: page.evaluate("window.btrun?.bars.times.length ?? 0"))
    assert ["BTCUSDT"] == page.evaluate("btrun.watchList.symbols")


@pytest.mark.slow
def test_trades_come_newest_first_and_stop_with_their_panel(page, desk):
    """Closed, nothing is asked for."""
    from bt_run.run.desk.tape import TapeKey

    page.click("#trades summary")
    until(lambda: step(desk) or page.locator("#trades-rows tr").count() > 1)
    numbers = page.evaluate("btrun.trades.rows.map((row) => row[0])")

    assert numbers == sorted(set(numbers), reverse=True)
    page.click("#trades summary")
    until(lambda: not desk.market.tape.read(TapeKey("trades", "BTCUSDT")).edition)


@pytest.mark.slow
def test_a_layout_brings_back_the_whole_chart(tab, desk, server, tmp_path):
    """Interval, theme, indicators with colours, the strategy that was on the chart; deleted it is gone."""
    make_journal(desk, tmp_path)
    page = open_page(tab, server)
    page.fill("#indicator-search", "rsi")
    page.click("#indicator-list button[data-name='RSI']")
    page.select_option("#interval", "3d")
    page.click("#strategy summary")
    page.select_option("#strategy-name", "rsi")
    page.fill("#strategy-period", "9")
    until(lambda: page.evaluate("btrun.bars.times.length"))
    page.click("#strategy-run")
    page.wait_for_selector("#strategy-numbers dd[data-key='trades']")
    page.click("#layouts summary")
    page.fill("#layout-name", "Three days")
    page.press("#layout-name", "Enter")
    until(lambda: find_setting(desk.journal, "layouts"))
    (kept,) = find_setting(desk.journal, "layouts")["layouts"]
    page.click("#theme")
    page.click("#indicator-chosen button")
    page.click("#strategy-clear")
    page.select_option("#interval", "12h")
    until(lambda: (find_setting(desk.journal, "desk") or {}).get("interval") == "12h")
    page.reload()
    until(lambda: page.evaluate("window.btrun?.bars.times.length ?? 0"))
    assert "12h" == page.input_value("#interval")
    page.click("#layouts summary")
    page.click("#layout-list .name")

    until(lambda: page.evaluate("btrun.strategy.result?.strategy.name === 'rsi'"))
    assert kept == {"name": "Three days", **page.evaluate("btrun.layouts.choice()")}
    assert ("3d", "dark") == (page.input_value("#interval"), page.get_attribute("html", "data-theme"))
    assert "9" == page.input_value("#strategy-period")
    assert kept["indicators"] == page.evaluate("btrun.indicators.choice()")
    page.click("#layout-list button[aria-label='Delete the layout Three days']")
    until(lambda: find_setting(desk.journal, "layouts") == {"layouts": []})


@pytest.mark.slow
def test_a_file_of_settings_has_layouts_and_watch_list(page, tmp_path):
    """Out and in again, without a journal; half a layout is refused."""
    page.click("#layouts summary")
    page.fill("#layout-name", "mine")
    page.press("#layout-name", "Enter")
    until(lambda: page.locator("#layout-list li").count() == 1)
    page.click("#settings summary")
    with page.expect_download() as download:
        page.click("#settings-export")
    kept = tmp_path / "settings.json"
    download.value.save_as(kept)
    page.click("#layout-list button[aria-label='Delete the layout mine']")
    until(lambda: page.locator("#layout-list li").count() == 0)
    page.set_input_files("#settings-import", kept)
    until(lambda: page.locator("#layout-list li").count() == 1)

    told = json.loads(kept.read_text(encoding="utf-8"))
    assert {"practice": ["BTCUSDT"]} == told["watch"]
    del told["layouts"][0]["symbol"]
    kept.write_text(json.dumps(told), encoding="utf-8")
    page.set_input_files("#settings-import", kept)
    assert "layouts in this file" in until(lambda: page.inner_text("#problem"))
