"""A live run with its journal in PostgreSQL: read, compared, killed, told what to do; no password is shown."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from live_truth import assert_journal_is_true, tell, truth

from bt_run.cli.main import run
from bt_run.core.settings import Protection
from bt_run.journal.queries import JournalReader
from bt_run.run.verbs import tell_bot

pytestmark = pytest.mark.slow

STOPS = Protection(stop_loss_pct=3.0, take_profit_pct=6.0)
LIMIT_S = 60.0


def wait_for(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < until
        threading.Event().wait(0.02)


def test_its_commands_read_it_and_show_no_password(
    start_site: Any, postgres_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    site = start_site("2025-06-05", fee_asset="received")
    site.run("sar", journal=postgres_url, protection=STOPS)
    told = truth(site)
    assert len(told["fills"]) > 20
    assert_journal_is_true(postgres_url, told)

    capfd.readouterr()
    for words in (
        ["journal", "runs"],
        ["journal", "show", "last"],
        ["journal", "orders", "--format", "csv"],
        ["journal", "trades", "--format", "json"],
        ["journal", "export", "--output", str(tmp_path / "all.json")],
        ["journal", "export", "fills", "--format", "csv"],
        ["parity", "--details"],
        ["alerts", "log"],
        ["report", "--output", str(tmp_path / "run.html")],
        ["journal", "runs", "--run", "9"],
    ):
        given = run([*words, "--journal", postgres_url])
        shown = capfd.readouterr()
        assert given == (2 if "9" in words else 0), (words, shown)
        assert "hush" not in shown.out + shown.err
    for name in ("all.json", "run.html"):
        assert "hush" not in (tmp_path / name).read_text(encoding="utf-8")


def test_a_killed_bot_goes_on_and_a_second_one_is_refused(
    start_site: Any, postgres_url: str, tmp_path: Path
) -> None:
    """Some bars a second until the first one is killed, whose lock is free at once; then all the rest."""
    site = start_site("2025-01-01", fee_asset="received", step=False, speed=5 * 86_400)
    venue = site.exchange.venue
    env = {
        **os.environ,
        "BT_RUN_REST_URL": venue.rest_url,
        "BT_RUN_STREAM_URL": venue.stream_url,
        "BT_RUN_WS_API_URL": venue.ws_api_url,
        "BT_RUN_PRACTICE_API_KEY": site.exchange.api_key,
        "BT_RUN_PRACTICE_API_SECRET": site.exchange.secret,
        "BT_RUN_JOURNAL": postgres_url,
    }
    words = [
        sys.executable, "-m", "bt_run", "live", "-s", "sar", "--venue", "practice", "--stop-loss", "3",
        "--take-profit", "6", "--quiet",
    ]  # fmt: skip
    with subprocess.Popen(words, env=env, cwd=tmp_path) as bot:
        wait_for(lambda: truth(site)["fills"])
        second = subprocess.run(
            words, env=env, cwd=tmp_path, capture_output=True, check=False, text=True, timeout=LIMIT_S
        )
        bot.kill()
    assert second.returncode == 2
    assert f"is being written by process {bot.pid} " in second.stderr
    assert "hush" not in second.stdout + second.stderr

    tell(site, "speed", speed="max")
    subprocess.run(words, env=env, cwd=tmp_path, check=True, timeout=3 * LIMIT_S)
    told = truth(site)
    assert told["ended"]
    assert len(told["fills"]) > 10
    assert_journal_is_true(postgres_url, told)
    with JournalReader(postgres_url) as reader:
        assert [run.resumes for run in reader.runs()] == [None, 1]


def test_a_bot_takes_its_words_from_it(start_site: Any, postgres_url: str) -> None:
    """A bar a second, so that it still runs when the words come."""
    site = start_site(at="2025-09-15", speed=86_400)
    said, answers = site.follower.said, []

    def speak() -> None:
        wait_for(lambda: any(sentence.endswith(": live") for sentence in said))
        answers.extend(tell_bot(postgres_url, "pause"))
        answers.extend(tell_bot(postgres_url, "resume"))
        wait_for(lambda: any("bought" in sentence for sentence in said))
        answers.extend(tell_bot(postgres_url, "panic"))

    teller = threading.Thread(target=speak)
    teller.start()
    outcome = site.run("sar", journal=postgres_url, protection=STOPS, duration_s=LIMIT_S)
    teller.join(LIMIT_S)
    assert outcome.reason == "bt-run panic"
    paused, resumed, panicked = answers
    assert paused == "Paused: no new entries. Exits and protective orders go on."
    assert resumed == "Entries are allowed again; losses count from here on."
    assert "BTCUSDT: sold " in panicked
    told = truth(site)
    assert not [order for order in told["orders"] if order["status"] == "NEW"]
    assert Decimal(told["balances"]["BTC"]["free"]) < Decimal("0.00001")
    with JournalReader(postgres_url) as reader:
        assert {order.state for order in reader.orders()} <= {"FILLED", "CANCELED"}
