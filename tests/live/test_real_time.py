"""A run on an exchange that is not known as our own, whose clock it cannot hold: as on Binance itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from brokers.binance.credentials import Credentials
from brokers.binance.server_clock import ServerClock
from bt_run.journal.queries import JournalReader
from bt_run.run.live import wire
from bt_run.run.live.recorder import JournalRecorder
from bt_run.run.live.run import LiveOutcome, LiveRun


def run_until(site: Any, done: Callable[[], bool], **changes: Any) -> LiveOutcome:
    """Run until something has come to be, looked at whenever the run shows its state; half a minute at most."""
    plan = site.plan("sar", **{"duration_s": None, "history": 20, "origin": None, **changes})
    plan = replace(plan, venue=replace(plan.venue, name="testnet"))
    run = LiveRun(plan, Credentials(site.exchange.api_key, site.exchange.secret), audience=site.follower)
    until = time.monotonic() + 30

    def show(snapshot: Any) -> None:
        if done() or time.monotonic() > until:
            run.ask_to_stop("the test has seen enough")

    site.follower.show = show
    outcome = run.run()
    assert done()
    return outcome


def time_of(site: Any) -> int:
    """Ask the exchange for its time, ms."""
    session = requests.Session()
    session.trust_env = False
    told: int = session.get(f"{site.exchange.venue.rest_url}/practice/status", timeout=20).json()["now"]
    return told


@pytest.fixture
def readied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the runs that made their journal ready for the next order, once each time."""
    found: list[int] = []
    plain = JournalRecorder.stay_ready

    def stay_ready(recorder: JournalRecorder) -> None:
        found.append(recorder._run)
        plain(recorder)

    monkeypatch.setattr(JournalRecorder, "stay_ready", stay_ready)
    return found


def test_the_journal_is_made_ready_after_bars_where_nobody_waits(
    start_site: Any, journal_file: Path, readied: list[int]
) -> None:
    """What an order would else wait for is done when its bar's turn is over."""
    site = start_site("2025-08-15", step=False, speed=86_400)
    run_until(site, lambda: bool(readied), journal=journal_file)

    assert {1} == set(readied)


def test_a_replay_spends_nothing_on_it(start_site: Any, journal_file: Path, readied: list[int]) -> None:
    """Its clock stands while the bot works, and every millisecond is paid a thousand times."""
    site = start_site("2025-10-20", step=False)
    site.run("sar", journal=journal_file, origin=None)

    with JournalReader(journal_file) as reader:
        assert len(list(reader.bars(1))) > 5
    assert [] == readied


@pytest.mark.slow
def test_a_step_of_this_machine_s_clock_is_told_and_measured(
    start_site: Any, journal_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders are signed with the exchange's time throughout, and no bar is taken for late."""
    plain, step, clocks = time.time, [0.0], []

    def make_clock() -> ServerClock:
        clocks.append(ServerClock(wall=time.time))
        return clocks[-1]

    monkeypatch.setattr(time, "time", lambda: plain() + step[0])
    monkeypatch.setattr(wire, "ServerClock", make_clock)
    site = start_site("2025-08-15", step=False, speed=1)
    warned = site.follower.warned

    def is_measured() -> bool:
        if not step[0] and clocks and not clocks[0].is_due:
            step[0] = 7200.0
        return bool(warned) and not clocks[0].is_due

    run_until(site, is_measured, journal=journal_file)

    (told,) = [sentence for sentence in warned if "clock" in sentence]
    assert told.startswith("This machine's clock was set forward by 7200 s.")
    assert abs(clocks[0].now_ms() - time_of(site)) < 60_000
