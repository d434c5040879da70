"""Start and restart are one path: what the journal and the exchange know is gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from live_truth import assert_journal_is_true, tell, truth

from bt_run.core.errors import ConfigError
from bt_run.core.settings import Protection
from bt_run.journal.queries import JournalReader
from bt_run.run.live.run import LiveRun

STOPS = Protection(stop_loss_pct=3.0, take_profit_pct=6.0)
BALANCES = {"USDT": Decimal(5000), "BTC": Decimal("0.5")}


def stop_after(run: LiveRun, site: Any, fills: int) -> None:
    """Let a run end itself after so many trades."""

    def count(sentence: str) -> None:
        if sum(" at " in said and ("bought" in said or "sold" in said) for said in site.follower.said) >= fills:
            run.ask_to_stop("the test has seen enough")

    site.follower.on_say = count


def test_a_second_run_goes_on_with_the_first(start_site: Any, journal_file: Path) -> None:
    site = start_site("2025-08-15", fee_asset="received", step=False)
    changes = {"journal": journal_file, "origin": None, "protection": STOPS}
    first = site.make("sar", **changes)
    stop_after(first, site, 3)
    outcome = first.run()
    assert outcome.reason == "the test has seen enough"

    site.follower.on_say = lambda sentence: None
    site.follower.said.clear()
    again = site.run("sar", **changes)
    assert again.reason == "the data has ended"
    assert site.follower.said[0].startswith("Goes on from run 1, which ended: cash")
    told = truth(site)
    assert len(told["fills"]) >= 6
    assert_journal_is_true(journal_file, told)
    with JournalReader(journal_file) as reader:
        assert [(run.resumes, run.outcome) for run in reader.runs()] == [
            (None, "the test has seen enough"),
            (1, "the data has ended"),
        ]


def test_a_signal_that_began_while_the_bot_was_away_is_said(start_site: Any, journal_file: Path) -> None:
    """It still holds at the first live bar, and is traded on: who reads must see why."""
    site = start_site("2025-09-16", step=False)
    changes = {"journal": journal_file, "origin": None, "history": 30}
    first = site.make("sar", **changes)

    def stop_at_once(sentence: str) -> None:
        if sentence.endswith(": live"):
            first.ask_to_stop("the test has seen enough")

    site.follower.on_say = stop_at_once
    first.run()
    tell(site, "step", bars=4)
    site.follower.on_say = lambda sentence: None
    site.follower.said.clear()
    site.run("sar", **changes)

    told = [said.partition(" at ")[0] for said in site.follower.said if "signal" in said or "bought" in said]
    assert told[0] == "BTCUSDT: signal long entry"
    assert told[1].startswith("BTCUSDT: bought")


def test_protective_orders_stay_and_are_known_again(start_site: Any, journal_file: Path) -> None:
    site = start_site("2025-08-15", fee_asset="received", step=False)
    changes = {"journal": journal_file, "origin": None, "protection": STOPS}
    first = site.make("sar", **changes)
    stop_after(first, site, 1)
    outcome = first.run()
    open_orders = [order for order in truth(site)["orders"] if order["status"] == "NEW"]
    assert {order["type"] for order in open_orders} == {"STOP_LOSS", "LIMIT_MAKER"}
    still = [sentence for sentence in outcome.sentences if sentence.startswith("Still open: BTCUSDT sell ")]
    assert 2 == len(still)
    for leg in ("stop-loss", "take-profit"):
        assert any(f"sell {leg} 0." in sentence and " at " in sentence for sentence in still)

    second = site.make("sar", **changes, duration_s=1.5)
    second.run()
    placed_again = [sentence for sentence in site.follower.said if "2 open orders" in sentence]
    assert placed_again
    assert_journal_is_true(journal_file, truth(site))


@pytest.mark.parametrize("on_stop", [pytest.param("cancel", marks=pytest.mark.slow), "close"])
def test_leaves_orders_as_told(start_site: Any, journal_file: Path, on_stop: str) -> None:
    site = start_site("2025-08-15", fee_asset="received", step=False)
    run = site.make("sar", journal=journal_file, origin=None, protection=STOPS, on_stop=on_stop)
    stop_after(run, site, 1)
    run.run()
    told = truth(site)
    assert not [order for order in told["orders"] if order["status"] == "NEW"]
    held = Decimal(told["balances"]["BTC"]["free"])
    assert (held < Decimal("0.00001")) == (on_stop == "close")
    assert_journal_is_true(journal_file, told)


@pytest.mark.slow
def test_new_books_leave_the_old_holding_alone(start_site: Any, journal_file: Path) -> None:
    site = start_site("2025-08-15", fee_asset="received", step=False)
    run = site.make("sar", journal=journal_file, origin=None)
    stop_after(run, site, 1)
    run.run()
    held = Decimal(truth(site)["balances"]["BTC"]["free"])
    site.run("sar", journal=journal_file, origin=None, fresh=True, cash=Decimal(100), duration_s=1.0)
    with JournalReader(journal_file) as reader:
        assert [run.resumes for run in reader.runs()] == [None, None]
        (opening,) = [reader.state(2)["opening"]]
    assert opening["cash"] == "100"
    assert opening["holdings"]["BTCUSDT"]["quantity"] == "0"
    assert Decimal(truth(site)["balances"]["BTC"]["free"]) >= held


def test_adopts_a_holding_at_the_price_now(start_site: Any, journal_file: Path) -> None:
    site = start_site("2025-08-15", balances=BALANCES, step=False)
    outcome = site.run(
        "sar", journal=journal_file, origin=None, adopt={"BTCUSDT": (Decimal("0.2"), None)}, on_stop="close"
    )
    (result,) = outcome.results
    assert (result.fills[0].tag, result.fills[0].size) == ("restored", 0.2)
    assert Decimal(truth(site)["balances"]["BTC"]["free"]) >= Decimal("0.3")  # the rest was never touched


def test_refuses_to_begin_where_the_coins_are_gone(
    start_site: Any, journal_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bt_run.run.live.recovery._AGAIN_S", 0.01)
    site = start_site("2025-08-15", fee_asset="received", step=False)
    run = site.make("sar", journal=journal_file, origin=None)
    stop_after(run, site, 1)
    run.run()
    tell(site, "deposit", asset="BTC", amount="-0.05")
    with pytest.raises(ConfigError, match=r"contradict each other.*--fresh"):
        site.run("sar", journal=journal_file, origin=None)
    with JournalReader(journal_file) as reader:
        assert reader.run(2).outcome.startswith("failed: The journal and the account contradict")


def test_a_reset_exchange_begins_with_new_books(start_site: Any, journal_file: Path) -> None:
    site = start_site("2025-08-15", fee_asset="received", step=False)
    run = site.make("sar", journal=journal_file, origin=None)
    stop_after(run, site, 2)
    run.run()
    tell(site, "step", bars=1)  # news of the last minute says nothing
    tell(site, "wipe")
    site.follower.said.clear()
    site.run("sar", journal=journal_file, origin=None)
    assert any("seems to have been reset" in said for said in site.follower.said)
    with JournalReader(journal_file) as reader:
        assert Decimal(reader.state(2)["opening"]["cash"]) == 10_000


def test_a_reset_under_a_bot_that_buys_again_is_known_long_after(start_site: Any, journal_file: Path) -> None:
    """Its purchases are known to the new exchange, and their trades have ids that the books hold already."""
    site = start_site("2025-08-15", fee_asset="received", step=False)
    run = site.make("sar", journal=journal_file, origin=None)
    fills: list[str] = []

    def follow(sentence: str) -> None:
        if " at " in sentence and ("bought" in sentence or "sold" in sentence):
            fills.append(sentence)
            if len(fills) == 2:
                tell(site, "wipe")
            if len(fills) == 3:
                run.ask_to_stop("it has bought in the new world")

    site.follower.on_say = follow
    run.run()
    assert len(fills) == 3
    assert any("seems to have been reset" in said for said in [*site.follower.said, *site.follower.warned])
    tell(site, "step", bars=2)
    site.follower.on_say = lambda sentence: None
    site.follower.said.clear()
    site.run("sar", journal=journal_file, origin=None)
    assert any("seems to have been reset" in said for said in site.follower.said)
    with JournalReader(journal_file) as reader:
        opening = reader.state(2)["opening"]
        assert 0 < Decimal(opening["cash"]) < 10_000  # what was bought meanwhile is left alone


def test_a_second_bot_on_one_journal_is_refused(start_site: Any, journal_file: Path) -> None:
    site = start_site()
    from bt_run.journal.journal import Journal

    with Journal(journal_file), pytest.raises(ConfigError, match="is being written by"):
        site.run("sar", journal=journal_file)


@pytest.mark.slow
def test_a_killed_bot_goes_on(start_site: Any, tmp_path: Path) -> None:
    """Kill -9 at some instants; at the end the journal is what the exchange knows."""
    site = start_site("2024-06-01", fee_asset="received", step=False)
    venue, journal = site.exchange.venue, tmp_path / "killed.sqlite"
    env = {
        **os.environ,
        "BT_RUN_REST_URL": venue.rest_url,
        "BT_RUN_STREAM_URL": venue.stream_url,
        "BT_RUN_WS_API_URL": venue.ws_api_url,
        "BT_RUN_PRACTICE_API_KEY": site.exchange.api_key,
        "BT_RUN_PRACTICE_API_SECRET": site.exchange.secret,
    }
    words = [
        sys.executable, "-m", "bt_run", "live", "-s", "sar", "--venue", "practice", "--stop-loss", "3",
        "--take-profit", "6", "--journal", str(journal), "--quiet",
    ]  # fmt: skip
    for pause_s in (0.0, 0.03, 0.3, 0.7, 0.1):
        begun = truth(site)["now"]
        with subprocess.Popen(words, env=env, cwd=tmp_path, stdout=subprocess.DEVNULL) as bot:
            until = time.monotonic() + 30
            while truth(site)["now"] == begun and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(pause_s)
            bot.send_signal(signal.SIGKILL)
    subprocess.run(words, env=env, cwd=tmp_path, check=True, timeout=120)
    told = truth(site)
    assert told["ended"]
    assert len(told["fills"]) > 50
    assert_journal_is_true(journal, told)
