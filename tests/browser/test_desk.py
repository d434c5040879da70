"""The web desk in a real browser: bars that move, indicators that are TA-Lib's, one series at a time."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
import talib
from desk_page import make_journal, open_page, step, until

from bt_run.core.interval import BINANCE_INTERVALS
from bt_run.journal.alert_tables import AlertTables
from bt_run.journal.records import AlertRecord, DeliveryRecord
from bt_run.journal.settings_table import find_setting
from bt_run.run.alerting.rules import AlertRules

NOTES = """
window.notes = [];
window.Notification = class {
  static permission = "granted";
  static requestPermission = async () => "granted";
  constructor(title) { notes.push(title); }
};
true;
"""
"""A browser without a screen shows no notification; this one writes them down."""


@pytest.fixture
def page(tab, server):
    return open_page(tab, server)


def test_it_shows_the_market_and_asks_nobody_else(page, tab, server):
    """Candles, price, venue; the token is in no address, and every request goes to our server."""
    assert "BTCUSDT" in page.title()
    assert "practice exchange" in page.inner_text("#note")
    assert page.inner_text("#price")
    assert list(BINANCE_INTERVALS) == page.locator("#interval option").all_inner_texts()
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
    assert "RSI(14)" == page.inner_text("#panels .name")
    page.fill("#indicator-chosen input[type='number']", "30")
    page.press("#indicator-chosen input[type='number']", "Tab")
    changed = talib.RSI(np.array(closes, dtype=float), 30)
    until(
        lambda: (
            page.evaluate("[...btrun.indicators.chosen.values()][0].values.real.at(-2)")
            == pytest.approx(changed[-2])
        )
    )
    assert "RSI(30)" == page.inner_text("#panels .name")
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


def test_an_alert_rule_is_made_changed_and_heard_of(tab, desk, server, tmp_path):
    """By keyboard; a wrong one shows where; a new message is written, notified and heard once."""
    make_journal(desk, tmp_path)
    page = open_page(tab, server)
    page.evaluate(NOTES)
    page.click("#alerts summary")
    page.check("#alert-notify")
    page.check("#alert-sound")
    page.fill("#alert-text", "rsi(14) < 30")
    page.press("#alert-text", "Enter")
    until(lambda: "BTCUSDT 1d: rsi(14) < 30" in page.inner_text("#alert-rules"))
    page.click("#alert-rules button >> text=Edit")
    page.fill("#alert-text", "rsi(10) < 25")
    page.press("#alert-text", "Enter")
    until(lambda: "rsi(10) < 25" in page.inner_text("#alert-rules"))
    page.uncheck("#alert-rules input")
    with closing(AlertRules(desk.journal)) as rules:
        until(lambda: not rules.find(1).is_on)
    until(lambda: page.inner_text("#alerts-state") == "0 of 1 on")
    assert "checkbox" == page.evaluate("document.activeElement.type")

    with AlertTables(desk.journal) as tables:
        way = DeliveryRecord(0, "json://h", "sent", 1, 6, 7, "")
        tables.add(AlertRecord(0, "k", "rule", 5000, "BTCUSDT", "RSI is low", "at 30", {}, 1, 6000), (way,))
    assert "json://h: sent" in until(lambda: page.inner_text("#alert-log"))
    assert ["RSI is low"] == page.evaluate("notes")
    assert page.evaluate("btrun.alerts.sound.context.currentTime >= 0")
    page.click("#alert-rules button[aria-label^='Remove']")
    until(lambda: page.locator("#alert-rules li").count() == 0)


def test_a_rule_that_cannot_be_read_is_shown_where(tab, desk, server, tmp_path):
    """The caret stands below the place, and the place is chosen in the field."""
    make_journal(desk, tmp_path)
    page = open_page(tab, server)
    page.click("#alerts summary")
    page.fill("#alert-text", "rsy(14) < 30")
    page.click("#alert-save")

    assert "Did you mean" in until(lambda: page.inner_text("#alert-problem"))
    assert [0, 12] == page.evaluate(
        "((it) => [it.selectionStart, it.selectionEnd])(document.getElementById('alert-text'))"
    )
    tab.told[:] = [line for line in tab.told if "422" not in line]  # the browser writes down every refusal


def test_without_a_journal_there_is_no_alerts_panel(page):
    """Nothing to be filled in that would not be kept."""
    assert page.is_hidden("#alerts")


@pytest.mark.slow
def test_settings_are_those_of_the_journal_in_every_browser(tab, chromium, desk, server, tmp_path):
    """Set in one browser, there in another that has never been here."""
    make_journal(desk, tmp_path)
    page = open_page(tab, server)
    page.select_option("#interval", "3d")
    page.click("#theme")
    page.fill("#indicator-search", "ema")
    page.click("#indicator-list button[data-name='EMA']")
    until(lambda: (find_setting(desk.journal, "desk") or {}).get("indicators"))

    context = chromium.new_context()
    other = context.new_page()
    other.goto(f"{server.url}/?token={server.token}")
    until(lambda: other.evaluate("window.btrun?.indicators.chosen.size ?? 0"))
    assert "light" == other.get_attribute("html", "data-theme")
    assert "3d" == other.input_value("#interval")
    context.close()


@pytest.mark.slow
def test_settings_go_to_a_file_and_come_from_one(tab, desk, server, tmp_path):
    """Whole, with the alert rules; a file of something else is told."""
    make_journal(desk, tmp_path)
    with closing(AlertRules(desk.journal)) as rules:
        rules.add("close > 1", symbol="BTCUSDT", interval="1h")
        rules.switch(1, is_on=False)
        rules.add("close > 2", symbol="BTCUSDT", interval="1h")
    page = open_page(tab, server)
    page.fill("#indicator-search", "ema")
    page.click("#indicator-list button[data-name='EMA']")
    page.click("#settings summary")
    with page.expect_download() as download:
        page.click("#settings-export")
    kept = tmp_path / "settings.json"
    download.value.save_as(kept)
    page.click("#indicator-chosen button")
    page.click("#theme")
    with closing(AlertRules(desk.journal)) as rules:
        rules.remove(1)
        until(lambda: page.evaluate("btrun.alerts.rules.length") == 1)
        page.set_input_files("#settings-import", kept)
        until(
            lambda: (
                [("close > 2", True), ("close > 1", False)] == [(rule.text, rule.is_on) for rule in rules.all()]
            )
        )
    until(lambda: ["EMA"] == page.evaluate("btrun.indicators.choice().map((it) => it.name)"))
    assert "dark" == page.get_attribute("html", "data-theme")
    kept.write_text("{}", encoding="utf-8")
    page.set_input_files("#settings-import", kept)
    assert "no settings of bt-run" in until(lambda: page.inner_text("#problem"))


@pytest.mark.slow
def test_a_journal_that_cannot_be_read_does_not_keep_the_page_from_beginning(tab, server, desk, tmp_path):
    """It is told; the chart is there all the same."""
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"this is no database, whatever its name says" * 100)
    desk.journal = str(broken)
    tab.page.goto(f"{server.url}/?token={server.token}")

    assert until(lambda: tab.page.evaluate("window.btrun?.bars.times.length ?? 0"))
    assert "broken.sqlite" in until(lambda: tab.page.inner_text("#problem"))
    tab.page.goto("about:blank")
    tab.told.clear()  # Chromium writes each refused request down
