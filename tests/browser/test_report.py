"""The report in a real browser: silent console, no other host, numbers of the JSON, marks that are rows."""

from __future__ import annotations

import csv
import dataclasses
from functools import reduce
from pathlib import Path

import numpy as np
import pytest

from bt_run.cli import main
from bt_run.core.interval import Interval
from bt_run.core.market import BarFile, Bars
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.reports.page.contents import CostCase, Manifest, ReportContents
from bt_run.reports.page.document import write_page
from bt_run.run.backtest import run_backtest
from bt_run.run.data import DataRequest, load_data
from strategies.loader import load_strategy

EVIL = "<script>alert(1)</script>"


def looked_up(document, path):
    return reduce(lambda at, key: at[int(key)] if isinstance(at, list) else at[key], path.split("."), document)


def contents_of(run, title="a run"):
    costs = [CostCase(1.0, 0.001, 0.0, run.metrics)]
    return ReportContents(title, "bt-run backtest", [run], Manifest("bt-run backtest", {}), costs)


def open_page(tab, path):
    tab.page.goto(path.as_uri())
    tab.page.wait_for_selector("html[data-ready]")
    tab.page.evaluate("btrun.drawAll()")
    tab.page.evaluate("btrun.drawPrice()")
    return tab.page


@pytest.fixture(scope="module")
def run():
    settings = BacktestSettings(protection=Protection(stop_loss_pct=8.0))
    return run_backtest(load_strategy("rsi", params=()), load_data(DataRequest("btc_1d.csv")), settings)


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_page(path, contents_of(run))
    return path


def test_it_asks_nobody_and_complains_of_nothing(tab, written):
    """One file, offline; every figure is drawn."""
    page = open_page(tab, written)
    figures = page.evaluate("Object.keys(btrun.figures)")

    assert [written.as_uri()] == [url for url in tab.asked if not url.startswith(("data:", "blob:"))]
    assert len(figures) >= 8
    for name in [*figures, "price-chart"]:
        page.wait_for_selector(f"#{name} svg.main-svg", state="attached")


def test_every_number_equals_the_json(tab, written):
    """What is read on the page stands for the value at its path; so do the rows that the page writes itself."""
    page = open_page(tab, written)
    embedded = page.evaluate("btrun.result")
    found = page.eval_on_selector_all(
        "data[data-path]", "them => them.map(it => [it.dataset.path, it.value, it.textContent])"
    )

    assert len(found) > 400
    for path, value, text in found:
        expected = looked_up(embedded, path)
        if expected is None:
            assert (value, text) in {("", "\N{EN DASH}"), ("null", "\N{EN DASH}")}, path
        elif isinstance(expected, (int, float)):
            assert pytest.approx(expected) == float(value), path
        else:
            assert expected == value, path


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("compare", "-s", "rsi", "-s", "sar", "-d", "btc_1d.csv"),
        ("optimize", "-s", "rsi", "-d", "btc_1d.csv", "-p", "period=10:14", "--out", "sweep.sqlite"),
        (
            "walk-forward",
            "-s",
            "rsi",
            "-d",
            "btc_1d.csv",
            "-p",
            "period=10:14:2",
            "--train",
            "730d",
            "--test",
            "365d",
        ),
    ],
    ids=lambda words: words[0],
)
def test_the_reports_of_other_commands_are_as_true(tab, tmp_path, monkeypatch, words):
    """Silent, offline, every number that of the JSON."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "report.html"
    assert 0 == main.run([*words, "--report", str(path), "--quiet"])
    tab.page.goto(path.as_uri())
    tab.page.wait_for_selector("html[data-ready]")
    tab.page.evaluate("btrun.drawAll()")
    embedded = tab.page.evaluate("btrun.result")
    found = tab.page.eval_on_selector_all(
        "data[data-path]", "them => them.map(it => [it.dataset.path, it.value, it.textContent])"
    )

    assert [path.as_uri()] == [url for url in tab.asked if not url.startswith(("data:", "blob:"))]
    assert len(found) > 30
    for place, value, text in found:
        expected = looked_up(embedded, place)
        if isinstance(expected, (int, float)):
            assert pytest.approx(expected) == float(value), place
        elif expected is None:
            assert "\N{EN DASH}" == text, place
        else:
            assert expected == value, place
            assert text in (expected, expected[:10]) or place.startswith("trades"), place


@pytest.mark.slow
def test_a_row_leads_to_its_mark_and_a_mark_to_its_row(tab, written, run):
    """The marks are the rows: as many, at the same prices."""
    page = open_page(tab, written)
    marks = page.evaluate(
        "document.getElementById('price-chart').data.filter(it => it.name === 'bought')"
        ".flatMap(it => it.customdata.map((index, at) => [index, it.y[at]]))"
    )

    assert [[index, trade.entry_price] for index, trade in enumerate(run.trades)] == sorted(marks)
    page.click("#trade-table tbody tr[data-index='7']")
    page.wait_for_function(
        """([entered, left]) => {
            const { range } = document.getElementById("price-chart").layout.xaxis;
            const [from, to] = range.map((it) => new Date(it));
            return to - from < 400 * 86400000 && from < entered && to > left;
        }""",
        arg=[run.trades[7].entry_ms, run.trades[7].exit_ms],
    )
    page.evaluate("btrun.showRow(20)")
    assert "true" == page.get_attribute("#trade-table tbody tr[data-index='20']", "aria-selected")


@pytest.mark.slow
def test_the_table_sorts_filters_and_saves(tab, written, run, tmp_path):
    """By profit, winners only, and the CSV has those rows with every column."""
    page = open_page(tab, written)
    page.select_option("#trade-kind", "won")
    page.click("button[data-key='pnl']")
    shown = page.eval_on_selector_all(
        "#trade-table tbody data[data-path$='.pnl']", "it => it.map(one => Number(one.value))"
    )
    winners = sorted(trade.pnl for trade in run.trades if trade.pnl > 0)
    with page.expect_download() as waiting:
        page.click("#trade-csv")
    target = tmp_path / "trades.csv"
    waiting.value.save_as(target)
    rows = list(csv.DictReader(target.read_text(encoding="utf-8").splitlines()))

    assert winners == shown
    assert winners == [float(row["pnl"]) for row in rows]
    assert {"mae_pct", "exit_reason"} <= set(rows[0])


@pytest.mark.slow
def test_cards_explain_themselves_and_the_scale_changes(tab, written):
    """Each metric has its formula at hand; a click makes the equity axis linear."""
    page = open_page(tab, written)
    hints = page.eval_on_selector_all("#summary .card", "it => it.map(one => one.dataset.hint)")

    assert 28 <= len([hint for hint in hints if ": " in hint]) == len(hints)
    assert page.is_checked("#equity-log")
    page.click("#equity-log")
    page.wait_for_function("document.getElementById('equity-chart').layout.yaxis.type === 'linear'")


@pytest.mark.slow
def test_a_phone_and_the_dark_are_served(tab, written):
    """Nothing is wider than the window; colours follow the theme."""
    tab.page.set_viewport_size({"width": 390, "height": 800})
    page = open_page(tab, written)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("#theme")
    assert before != page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.slow
def test_markup_in_names_stays_words(tab, run, tmp_path):
    """A strategy called <script> is a name."""
    path = tmp_path / "evil.html"
    evil = dataclasses.replace(
        run,
        strategy=EVIL,
        panels={EVIL: run.data.bars.close},
        trades=(dataclasses.replace(run.trades[0], exit_reason=EVIL),),
    )
    write_page(path, contents_of(evil, title=EVIL))
    tab.page.on("dialog", lambda dialog: tab.told.append(f"raised: dialog {dialog.message}"))
    page = open_page(tab, path)

    assert EVIL == page.inner_text("h1")
    assert EVIL == page.inner_text("#trade-table tbody tr:first-child td:last-child")


@pytest.mark.slow
def test_a_million_bars_stay_small_and_move(tab, tmp_path):
    """Under 15 MB; a jump to one day shows its minutes at the finest grain the page has."""
    count = 1_000_000
    draw = np.random.default_rng(7)
    close = 30_000.0 * np.exp(np.cumsum(draw.normal(0, 0.0005, count)))
    opens = np.concatenate(([30_000.0], close[:-1]))
    bars = Bars.of(
        1_600_000_020_000 + 60_000 * np.arange(count), open=opens, close=close,
        high=np.maximum(opens, close) * 1.0002, low=np.minimum(opens, close) * 0.9998,
        volume=draw.uniform(1, 9, count),
    )  # fmt: skip
    data = BarFile(Path("minutes.csv"), "BTCUSDT", Interval.parse("1m"), bars, "0" * 64)
    run = run_backtest(load_strategy("rsi", params=()), data, BacktestSettings())
    path = tmp_path / "report.html"
    write_page(path, contents_of(run))
    page = open_page(tab, path)
    page.click("#price-tools button[data-days='1']")
    page.wait_for_function("document.getElementById('price-grain').textContent !== ''")
    shown = page.evaluate("document.getElementById('price-chart').data[0].x.length")

    assert path.stat().st_size < 15_000_000
    assert 50 <= shown <= 1300
