"""Alerts without a live run: of `bt-run signals`, and of the rules alone."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from loopback import Loopback

from bt_run.alerts.settings import AlertSettings
from bt_run.alerts.target import make_targets
from bt_run.cli.main import run
from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError
from bt_run.journal.alert_tables import AlertTables
from bt_run.practice.market.data_file import MarketRequest
from bt_run.run.alerting.desk import AlertDesk
from bt_run.run.alerting.rules import AlertRules
from bt_run.run.alerting.station import RuleStation


@pytest.mark.slow
def test_signals_are_told_as_they_are_printed(
    two_hours: MarketRequest,
    webhook: Loopback,
    journal_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As many, in the same order, at the same prices; and the rules of the journal too."""
    monkeypatch.setenv("BT_RUN_ALERT_URLS", webhook.url.replace("http", "json"))
    (journal_file.parent / "bt-run.toml").write_text("[alerts]\ncharts = false\n")
    monkeypatch.chdir(journal_file.parent)
    with AlertTables(journal_file) as tables:
        AlertRules(tables).add("rsi(14) < 35", symbol="BTCUSDT", cooldown_s=0)
    words = ["signals", "--data", two_hours.name, "--symbol", "BTCUSDT", "--invest", "250", "--strategy", "rsi"]
    code = run([*words, "--speed", "max", "--json", "--alerts", "--journal", str(journal_file)])

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    printed = [line for line in lines if line.get("event") == "signal" and not line["is_history"]]
    messages = [json.loads(request.body) for request in webhook.requests]
    with AlertTables(journal_file) as tables:
        kept = [record for record, _ in tables.newest(500)]
    signals = [record for record in kept if record.kind == "signal"]
    assert 0 == code
    assert [record.title for record in kept] == [message["title"] for message in messages]
    assert len(printed) >= 4
    assert [(line["kind"], line["time"]) for line in printed] == [
        (told.title.partition(": ")[2], iso_utc(told.time_ms)) for told in signals
    ]
    assert any(record.kind == "rule" for record in kept)


@pytest.mark.slow
def test_rules_are_watched_without_a_run(
    start_site: Any, two_hours: MarketRequest, webhook: Loopback, journal_file: Path
) -> None:
    """A rule that is added meanwhile is taken up; one that holds is told."""
    site = start_site("start", markets=(two_hours,), speed=240.0, step=False)
    settings = AlertSettings.of({"urls": [webhook.url.replace("http", "json")], "charts": False}, {})
    with AlertTables(journal_file) as tables:
        rules = AlertRules(tables)
        rules.add("close crosses above sma(5)", symbol="BTCUSDT", cooldown_s=0)
        desk = AlertDesk(settings, make_targets(settings.urls), journal_file).start()
        said: list[str] = []
        station = RuleStation(site.exchange.venue, rules, desk, history=100, say=said.append, duration_s=60)
        thread = threading.Thread(target=station.run)
        thread.start()
        wait_until(lambda: bool(webhook.requests))
        rules.add("close > 0 on 5m", symbol="BTCUSDT")
        wait_until(lambda: any("5m: rule 2" in line for line in said))
        station.ask_to_stop("enough")
        thread.join(10)
        assert desk.close()

    assert json.loads(webhook.requests[0].body)["title"] == "BTCUSDT 1m: close crosses above sma(5)"


def test_a_watch_without_rules_is_refused(journal_file: Path) -> None:
    """With the command that adds one."""
    with AlertTables(journal_file) as tables:
        rules = AlertRules(tables)
        station = RuleStation(None, rules, None)  # type: ignore[arg-type]  # neither is reached
        with pytest.raises(ConfigError, match="bt-run alerts add"):
            station.run()


def wait_until(is_so: Any, limit_s: float = 40.0) -> None:
    """Look until it is so."""
    until = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < until, "waited too long"
        threading.Event().wait(0.02)
