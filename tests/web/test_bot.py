"""The journal on the page: orders are those of the exchange, and the four words reach the bot."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from decimal import Decimal

import pytest

from bt_run.cli.main import run
from bt_run.journal.queries import JournalReader

LIVE = "live --strategy macd --venue practice --data btc_1d.csv --quiet".split()


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """Give the journal of a run that has ended."""
    path = tmp_path_factory.mktemp("journal") / "bot.sqlite"
    assert 0 == run([*LIVE, "--at", "2025-01-01", "--speed", "max", "--journal", str(path)])
    return path


def test_without_a_journal_no_bot_is_shown(client):
    """Words are refused."""
    told = client.get("/api/v1/runs").json()
    assert {"journal": "", "running": False, "missing": False, "runs": []} == told
    answer = client.post("/api/v1/bot/pause", json={}, headers={"x-csrf-token": client.csrf})
    assert 422 == answer.status_code


def test_orders_and_equity_are_those_of_the_journal(client, desk, journal):
    """Each row with what was executed of it; the same as CSV; the account with its metrics."""
    desk.journal = str(journal)
    (told,) = client.get("/api/v1/runs").json()["runs"]
    orders = client.get("/api/v1/runs/1/orders").json()
    rows = list(csv.DictReader(client.get("/api/v1/runs/1/orders.csv").text.splitlines()))
    with JournalReader(str(journal)) as reader:
        fills = reader.fills(run=1)
        expected = [order.client_id for order in reversed(reader.orders(run=1))]
    account = client.get("/api/v1/runs/1/equity").json()

    assert ("macd", "practice") == (told["strategy"], told["venue"])
    assert expected == [order["client_id"] for order in orders] == [row["client_id"] for row in rows]
    assert sum(fill.quantity for fill in fills) == sum(Decimal(order["filled"]) for order in orders)
    assert account["metrics"]["equity_final"] == account["equity"][-1]
    assert len(account["times"]) == len(account["equity"])


def test_a_journal_that_is_not_there_yet_is_no_error(client, desk, tmp_path):
    """A bot that starts later makes it; looking makes none."""
    desk.journal = str(tmp_path / "later.sqlite")
    told = client.get("/api/v1/runs")

    assert (200, True, False) == (told.status_code, told.json()["missing"], told.json()["running"])
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["runs/99/orders", "runs/99/equity", "runs/0/orders", "runs/x/orders.csv"])
def test_a_run_that_does_not_exist_is_told(client, desk, journal, path):
    """Never a 500."""
    desk.journal = str(journal)

    assert 422 == client.get(f"/api/v1/{path}").status_code


def test_a_panic_must_be_typed_and_needs_a_bot(client, desk, journal):
    """A click alone sells nothing."""
    desk.journal = str(journal)
    headers = {"x-csrf-token": client.csrf}
    untyped = client.post("/api/v1/bot/panic", json={}, headers=headers)
    no_bot = client.post("/api/v1/bot/panic", json={"confirm": "PANIC"}, headers=headers)

    assert (422, 422) == (untyped.status_code, no_bot.status_code)
    assert "Type PANIC" in untyped.json()["detail"]
    assert "No bot runs" in no_bot.json()["detail"]


@pytest.mark.slow
def test_words_reach_the_bot_that_runs(client, desk, tmp_path):
    """Pause, resume and panic: each with the bot's own answer; after the panic it has ended."""
    desk.journal = str(tmp_path / "bot.sqlite")
    words = [*LIVE, "--speed", "86400", "--journal", desk.journal]
    headers = {"x-csrf-token": client.csrf}
    with subprocess.Popen([sys.executable, "-m", "bt_run", *words], cwd=tmp_path) as bot:
        try:
            wait_for_bot(client, tmp_path)
            for word in ("pause", "resume"):
                answer = client.post(f"/api/v1/bot/{word}", json={}, headers=headers, timeout=60)
                assert 200 == answer.status_code, answer.text
                assert answer.json()["answers"]
            answer = client.post("/api/v1/bot/panic", json={"confirm": "PANIC"}, headers=headers, timeout=120)
            assert 200 == answer.status_code, answer.text
            bot.wait(60)
        finally:
            if bot.poll() is None:
                bot.send_signal(signal.SIGKILL)
    assert not client.get("/api/v1/runs").json()["running"]


def wait_for_bot(client, folder):
    """Wait until the bot takes commands."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if (folder / "bot.sqlite").exists():
            found = client.get("/api/v1/runs")
            if found.status_code == 200 and found.json()["running"] and found.json()["runs"]:
                return
        time.sleep(0.1)
    raise AssertionError("the bot did not start")
