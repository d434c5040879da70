"""A running bot obeys ``bt-run pause``, ``resume`` and ``stop``; a strategy may see bars that still form."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bt_run.run.verbs import tell_bot
from strategies.loader import load_strategy

COUNTS = """
import backtrader as bt


class Counts(bt.Strategy):
    seen = []

    def next(self):
        place = len(self.data)
        self.seen.append((place, bool(self.data.last_is_closed), self.position.size))
        forming = [item for item in self.seen if item[0] == place and not item[1]]
        if self.data.last_is_live and len(forming) == 3 and not self.position:
            self.buy(size=0.01)
"""


def wait_for(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until
        threading.Event().wait(0.02)


def test_pause_holds_entries_resume_allows_them_and_stop_ends_it(start_site: Any, journal_file: Path) -> None:
    """The signal of 2025-09-19 lasts some days, so that an entry is wanted again after the pause."""
    site = start_site(at="2025-09-15", speed=86_400)
    said, warned, answers = site.follower.said, site.follower.warned, []

    def tell() -> None:
        wait_for(lambda: any(sentence.endswith(": live") for sentence in said))
        answers.extend(tell_bot(journal_file, "pause"))
        wait_for(lambda: any("is not sent: Entries are paused" in sentence for sentence in warned))
        answers.append(f"{sum('bought' in sentence for sentence in said)} bought")
        answers.extend(tell_bot(journal_file, "resume"))
        wait_for(lambda: any("bought" in sentence for sentence in said))
        answers.extend(tell_bot(journal_file, "stop"))

    teller = threading.Thread(target=tell)
    teller.start()
    outcome = site.run("sar", journal=journal_file)
    teller.join(20)
    assert outcome.reason == "bt-run stop"
    paused, none, resumed, stopped = answers
    assert paused == "Paused: no new entries. Exits and protective orders go on."
    assert none == "0 bought"
    assert resumed == "Entries are allowed again; losses count from here on."
    assert stopped.startswith("The bot has ended.\nStill held: 0.12")


@pytest.mark.slow
def test_intrabar_shows_a_strategy_each_state_of_the_open_bar(
    start_site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may act before the close; each bar comes closed once at its end."""
    (tmp_path / "counts.py").write_text(COUNTS)
    monkeypatch.chdir(tmp_path)
    site = start_site(at="2025-10-20", speed=172_800)
    outcome = site.run("./counts.py:Counts", intrabar=True, duration_s=4.0)
    (result,) = outcome.results
    seen = load_strategy("./counts.py:Counts").cls.seen
    closed = [place for place, is_closed, _ in seen if is_closed]
    assert len(closed) == len(set(closed))
    assert closed == sorted(closed)
    assert len(seen) > 2 * len(closed)
    first = result.fills[0]
    bar_end = result.data.bars.open_time[first.bar] + 86_400_000
    assert result.data.bars.open_time[first.bar] < first.time_ms < bar_end  # bought before the close
