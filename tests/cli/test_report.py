"""--report of the commands that have a result, and bt-run report."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import pytest

from bt_run.cli.main import run

BACKTEST = ("backtest", "--strategy", "rsi", "--data", "btc_1d.csv", "--quiet")


def embedded(path):
    page = path.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="result">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def command_of(path):
    page = path.read_text(encoding="utf-8")
    found = re.search(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)[1]
    return found.replace("&#39;", "'").replace("&gt;", ">").replace("&amp;", "&")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_in_a_report_writes_the_same_bytes(folder):
    """Reproducible means: run its own command line again and compare."""
    words = [*BACKTEST, "--param", "period=10", "--stop-loss", "8", "--from", "2019-01-01", "--stake", "50%"]
    assert 0 == run([*words, "--report", "first.html", "--reproducible"])
    first = (folder / "first.html").read_bytes()
    again = shlex.split(command_of(folder / "first.html"))

    assert "bt-run" == again[0]
    assert 0 == run([*again[1:], "--quiet"])
    assert first == (folder / "first.html").read_bytes()


def test_a_report_tells_other_costs_and_what_chance_does(folder):
    """Four costs, with more left at lower ones; intervals; the verdict in words."""
    assert 0 == run([*BACKTEST, "--report", "r.html"])
    told = embedded(folder / "r.html")
    finals = [case["equity_final"] for case in told["cost_cases"]]

    assert 4 == len(finals)
    assert finals == sorted(finals, reverse=True)
    assert told["metrics"] == told["cost_cases"][1]
    assert all(band["low"] <= band["high"] for band in told["bands"])
    assert 4 == len(told["bands"])


def test_compare_writes_a_comparison(folder):
    """Columns for the runs and for buy and hold."""
    words = ["compare", "-s", "rsi", "-s", "sar", "--data", "btc_1d.csv", "--quiet"]
    assert 0 == run([*words, "--report", "c.html"])

    assert 3 == len(embedded(folder / "c.html")["columns"])


@pytest.mark.parametrize("name", ["r.txt", "report", "r.png"])
def test_a_name_that_is_no_report_is_refused_before_the_work(folder, capsys, name):
    """The suffix says the form."""
    assert 2 == run([*BACKTEST, "--report", name])
    assert ".html" in capsys.readouterr().err
    assert [] == list(folder.iterdir())


def test_without_a_browser_a_pdf_is_refused_in_a_sentence(folder, capsys, monkeypatch):
    """It says what to install and what else can be done."""
    monkeypatch.setattr(shutil, "which", lambda name: None)

    assert 2 == run([*BACKTEST, "--report", "r.pdf"])
    told = capsys.readouterr().err
    assert "apt-get install chromium" in told
    assert ".html" in told
    assert [] == list(folder.iterdir())


@pytest.mark.slow
def test_a_live_run_reports_at_its_end_and_again_from_its_journal(folder, capsys):
    """The same trades and the same final equity, from the run and from what it wrote down."""
    words = ["live", "--strategy", "macd", "--venue", "practice", "--data", "btc_1d.csv", "--at", "2025-01-01"]
    assert 0 == run([*words, "--speed", "max", "--journal", "j.sqlite", "--report", "live.html", "--quiet"])
    assert 0 == run(["report", "last", "--journal", "j.sqlite", "--output", "again.html"])
    live, again = embedded(folder / "live.html"), embedded(folder / "again.html")
    trades = [
        [(t["entry_time"][:10], t["exit_time"][:10], t["side"]) for t in told["trades"]]
        for told in (live, again)
    ]

    assert trades[0]
    assert trades[0] == trades[1]
    assert pytest.approx(live["metrics"]["equity_final"], rel=1e-3) == again["metrics"]["equity_final"]


def test_a_journal_without_runs_has_no_report(folder, capsys):
    """It says so."""
    assert 0 != run(["report", "last", "--journal", "none.sqlite"])
    assert "none.sqlite" in capsys.readouterr().err


def test_a_search_reports_its_best_with_map_and_verdict(folder):
    """The best again, the heat map, the best combinations, and what the number of tries says."""
    words = ["optimize", "-s", "rsi", "-d", "btc_1d.csv", "-p", "period=10:14", "-p", "oversold=25:35:5"]
    assert 0 == run([*words, "--out", "sweep.sqlite", "--report", "search.html", "--quiet"])
    page = (folder / "search.html").read_text(encoding="utf-8")

    assert 'id="heat-chart"' in page
    assert "The best combinations" in page
    assert "15 tries" in page
    assert 4 == len(embedded(folder / "search.html")["cost_cases"])


def test_a_walk_forward_reports_its_windows(folder):
    """The stitched account, and a row a window."""
    words = ["walk-forward", "-s", "rsi", "-d", "btc_1d.csv", "-p", "period=10:14:2", "--train", "730d"]
    assert 0 == run([*words, "--test", "365d", "--report", "walk.html", "--json", "walk.json", "--quiet"])
    page = (folder / "walk.html").read_text(encoding="utf-8")
    told = json.loads((folder / "walk.json").read_text(encoding="utf-8"))

    assert "Windows" in page
    assert embedded(folder / "walk.html")["metrics"] == told["stitched"]["metrics"]
