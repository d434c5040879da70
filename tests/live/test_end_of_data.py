"""A run to the end of the data has met every bar, the last one too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests

from bt_run.journal.queries import JournalReader

DAY_MS = 86_400_000


def tell(site: Any, what: str, **body: Any) -> None:
    """Let something happen on the exchange."""
    session = requests.Session()
    session.trust_env = False
    url = f"{site.exchange.venue.rest_url}/practice/{what}"
    session.post(url, json=body, timeout=20).raise_for_status()


def bars_of(journal: Path, run: int) -> list[tuple[int, str]]:
    """Give open time and source of the bars that a run saw."""
    with JournalReader(journal) as reader:
        return [(bar.open_time, bar.source) for bar in reader.bars(run)]


def end_of(site: Any) -> int:
    """Give the exchange's time."""
    session = requests.Session()
    session.trust_env = False
    told: dict[str, int] = session.get(f"{site.exchange.venue.rest_url}/practice/status", timeout=20).json()
    return told["now"]


def test_a_bot_that_comes_after_the_end_meets_the_last_bar(start_site: Any, journal_file: Path) -> None:
    """The clock stands at its close for ever; nothing that happens later could tell of it."""
    site = start_site("2025-10-20", step=False)
    tell(site, "step", bars=100)
    outcome = site.run("sar", journal=journal_file, origin=None, history=5)

    last = end_of(site) - DAY_MS
    assert outcome.reason == "the data has ended"
    assert bars_of(journal_file, 1) == [(last - back * DAY_MS, "history") for back in (4, 3, 2, 1, 0)]


def test_a_last_bar_whose_frame_is_lost_is_news_as_any_other(start_site: Any, journal_file: Path) -> None:
    """REST brings it while the clock stands at its close, in time to trade on it."""
    site = start_site("2025-11-01", step=False)
    tell(site, "faults", kind="withhold_close", count=2)
    outcome = site.run("sar", journal=journal_file, origin=None, history=3)

    last = end_of(site) - DAY_MS
    assert outcome.reason == "the data has ended"
    assert bars_of(journal_file, 1)[-2:] == [(last - DAY_MS, "live"), (last, "live")]
