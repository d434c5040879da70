"""A run whose journal cannot be written any more still tells everybody that it has ended."""

from __future__ import annotations

from typing import Any

import pytest

from brokers.binance.credentials import Credentials
from bt_run.core.errors import JournalError
from bt_run.journal.journal import Journal
from bt_run.run.live.listener import RunListener
from bt_run.run.live.run import LiveRun


class Ears(RunListener):
    """Keeps with what a run ended."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def failed(self, error: BaseException, *, limit_s: float) -> None:
        self.heard.append(str(error))


def test_who_listens_hears_of_the_end_though_it_cannot_be_written(
    start_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk ends the run, and the line of its end needs the disk too."""
    site, ears = start_site("2025-08-15"), Ears()

    def full(*_: Any, **__: Any) -> None:
        raise JournalError("The journal failed: database or disk is full.")

    monkeypatch.setattr(Journal, "write_equity", full)
    monkeypatch.setattr(Journal, "end_run", full)
    key = Credentials(site.exchange.api_key, site.exchange.secret)
    run = LiveRun(site.plan("sar"), key, audience=site.follower, listener=ears)
    with pytest.raises(JournalError, match="disk is full"):
        run.run()

    assert ["The journal failed: database or disk is full."] == ears.heard
