"""The page of stored backtests and live runs, in a real browser."""

from __future__ import annotations

import pytest
from desk_page import open_page, until

from bt_run.cli.main import run
from bt_run.run.desk.results import ResultFolder

LIVE = "live -s macd --venue practice --data btc_1d.csv --at 2025-08-01 --speed max --quiet".split()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Give a folder with a backtest as the command writes it, and the journal of a live run."""
    folder = tmp_path_factory.mktemp("results")
    assert 0 == run(["backtest", "-s", "rsi", "--data", "btc_1d.csv", "-q", "--json", str(folder / "old.json")])
    journal = folder / "bot.sqlite"
    assert 0 == run([*LIVE, "--journal", str(journal)])
    return folder


@pytest.mark.slow
def test_a_backtest_is_kept_and_compared_with_a_live_run(tab, server, desk, results):
    """Numbers in the table, accounts in one picture; a tick shows, another hides; the desk's theme."""
    desk.results, desk.journal = ResultFolder(results), str(results / "bot.sqlite")
    page = open_page(tab, server)
    page.click("#theme")
    page.click("#strategy summary")
    page.select_option("#strategy-name", "sar")
    page.click("#strategy-run")
    page.wait_for_selector("#strategy-numbers dd[data-key='return_pct']")
    shown = float(page.get_attribute("#strategy-numbers dd[data-key='return_pct']", "data-value"))
    page.fill("#keep-name", "my sar")
    page.press("#keep-name", "Enter")
    until(lambda: (results / "my sar.json").exists() and page.input_value("#keep-name") == "")
    page.click("header a >> text=Compare")
    until(lambda: page.locator("#runs tbody tr").count() == 3)
    row = page.locator("tr[data-key='result:my sar']")
    told = until(row.locator(".number").first.inner_text)

    assert round(shown, 2) == float(told.replace(",", ""))
    assert "light" == page.get_attribute("html", "data-theme")
    keys = ("run:1", "result:my sar", "result:old")
    for key in keys:
        page.check(f"tr[data-key='{key}'] input")
        has_line = f"Boolean(comparison.entries.find((it) => it.key === '{key}').line)"
        until(lambda has_line=has_line: page.evaluate(has_line))
    first = page.evaluate("comparison.entries.map((it) => it.line.dataByIndex(0, 1).value)")
    assert [100, 100, 100] == first
    reckoned = page.locator("tr[data-key='run:1'] .number").first
    until(lambda: reckoned.inner_text()[-1] in "0123456789")
    page.uncheck("tr[data-key='run:1'] input")
    assert 2 == page.evaluate("comparison.entries.filter((it) => it.line).length")


def test_without_anything_it_says_what_to_do(tab, server):
    """And it fits a phone."""
    tab.page.set_viewport_size({"width": 390, "height": 800})
    open_page(tab, server)
    tab.page.goto(f"{server.url}/compare")

    assert "--results" in until(lambda: tab.page.inner_text("#nothing"))
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
