"""Alert rules on the page are those of `bt-run alerts`, and the log is the journal's."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from bt_run.alerts.settings import AlertSettings
from bt_run.cli.main import run
from bt_run.journal.alert_tables import AlertTables
from bt_run.journal.records import AlertRecord, DeliveryRecord
from bt_run.run.alerting.rules import AlertRules
from bt_run.run.desk.rule_keeper import RuleKeeper

RULE = {"text": "rsi(14) < 30", "symbol": "btcusdt", "interval": "5m", "cooldown_s": 60}


@pytest.fixture
def journal(desk, tmp_path):
    """Give the desk a journal that is not there yet."""
    desk.journal = str(tmp_path / "bot.sqlite")
    return tmp_path / "bot.sqlite"


@pytest.fixture
def say(client):
    """Give a sender with the page's CSRF token."""

    def send(method, path, body=None, *, status=200):
        answer = client.request(
            method, f"/api/v1/alerts{path}", json=body, headers={"x-csrf-token": client.csrf}
        )
        assert status == answer.status_code, answer.text
        return answer.json()

    return send


def test_without_a_journal_there_are_no_rules(client, say):
    """A sentence says how to have some; the page knows before it asks."""
    assert "Give --journal" in say("GET", "", status=422)["detail"]
    assert "Give --journal" in say("POST", "", RULE, status=422)["detail"]
    assert not client.get("/api/v1/page").json()["has_journal"]


def test_looking_makes_no_journal(say, journal):
    """A file appears with the first rule."""
    assert ([], []) == (say("GET", ""), say("GET", "/log"))
    assert not journal.exists()
    say("POST", "", RULE)
    assert journal.exists()


def test_a_rule_is_that_of_the_command_line(say, journal, capsys):
    """Made on the page, listed there; made there, listed on the page."""
    made = say("POST", "", RULE)
    assert 0 == run(
        ["alerts", "add", "close > sma(20) on 1h", "--symbol", "ETHUSDT", "--journal", str(journal)]
    )
    capsys.readouterr()
    assert 0 == run(["alerts", "list", "--journal", str(journal)])

    assert "BTCUSDT 5m: rsi(14) < 30, every 60 s at most" in capsys.readouterr().out
    assert made == {"number": 1, **RULE, "symbol": "BTCUSDT", "on": True}
    assert ["rsi(14) < 30", "close > sma(20) on 1h"] == [rule["text"] for rule in say("GET", "")]


def test_a_rule_is_changed_switched_and_removed(say, journal):
    """As the journal has it then."""
    say("POST", "", RULE)
    changed = say("PATCH", "/1", {"text": "rsi(10) < 25", "interval": "1h"})
    off = say("PATCH", "/1", {"on": False})
    with closing(AlertRules(journal)) as rules:
        (kept,) = rules.all()

    assert ("rsi(10) < 25", "1h", 60, True) == tuple(
        changed[name] for name in ("text", "interval", "cooldown_s", "on")
    )
    assert {**changed, "on": False} == off
    assert ("rsi(10) < 25", False) == (kept.text, kept.is_on)
    assert off == say("DELETE", "/1")
    assert [] == say("GET", "")


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [("rsi(14) <", 9, "rule ends here"), ("rsy(14) < 30", 0, "Did you mean"), ("close > ma(20", 13, "missing")],
)
def test_a_rule_that_cannot_be_read_says_where(say, journal, text, at, words):
    """Made or changed; nothing is kept."""
    say("POST", "", RULE)
    for method, path in (("POST", ""), ("PATCH", "/1")):
        answer = say(method, path, {**RULE, "text": text}, status=422)

        assert at == answer["at"]
        assert words in answer["detail"]
        assert f"\n  {' ' * at}^" in answer["detail"]
    assert ["rsi(14) < 30"] == [rule["text"] for rule in say("GET", "")]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/7", {"on": True}),
        ("PATCH", "/7", {"text": "close > 1"}),
        ("DELETE", "/7", None),
        ("POST", "", {**RULE, "interval": "7x"}),
        ("POST", "", {**RULE, "text": "close > 1 on 1h"}),
        ("POST", "", {**RULE, "symbol": "../x"}),
        ("POST", "", {**RULE, "text": "close > " + "1" * 600}),
        ("POST", "", {**RULE, "cooldown_s": -1}),
    ],
)
def test_a_wrong_wish_gets_a_reason(say, journal, method, path, body):
    """Never a 500."""
    assert say(method, path, body, status=422)["detail"]


def test_the_log_is_the_journal_s(say, journal):
    """The newest first, each with what became of it at its targets."""
    with AlertTables(journal) as tables:
        for number in (1, 2):
            record = AlertRecord(
                0, f"k{number}", "rule", 5000, "BTCUSDT", f"title {number}", "text", {}, 1, 6000
            )
            ways = (
                DeliveryRecord(0, "a://h", "sent", 1, 6, 7, ""),
                DeliveryRecord(0, "b://h", "failed", 3, 6, 7, "no"),
            )
            tables.add(record, ways)

    newest, before = say("GET", "/log")
    assert ["title 2", "title 1"] == [newest["title"], before["title"]]
    assert [("a://h", "sent"), ("b://h", "failed")] == [
        (way["target"], way["state"]) for way in newest["deliveries"]
    ]
    assert ["title 2"] == [message["title"] for message in say("GET", "/log?limit=1")]


def test_a_rule_needs_the_csrf_token(client, journal):
    """No other page makes one."""
    assert 403 == client.post("/api/v1/alerts", json=RULE).status_code
    assert not journal.exists()


@pytest.mark.slow
def test_a_rule_of_the_page_speaks_in_a_run(say, journal, monkeypatch):
    """A bot that runs on the journal watches it, and what it says is in the log, whatever its target does."""
    monkeypatch.setenv("BT_RUN_ALERT_URLS", "json://127.0.0.1:9")
    made = say("POST", "", {"text": "close > sma(20)", "symbol": "BTCUSDT", "interval": "1d", "cooldown_s": 0})
    live = "live --strategy macd --venue practice --data btc_1d.csv --at 2025-01-01 --speed max"
    assert 0 == run([*live.split(), "--quiet", "--alerts", "--journal", str(journal)])

    told = [message for message in say("GET", "/log?limit=200") if message["kind"] == "rule"]
    assert told
    assert {made["number"]} == {message["rule"] for message in told}
    assert {"BTCUSDT 1d: close > sma(20)"} == {message["title"] for message in told}
    assert all(["json"] == [way["target"].split(":")[0] for way in message["deliveries"]] for message in told)


def test_the_desk_says_whether_it_watches_the_rules(client, desk, tmp_path):
    """None of its own is no error; one that watches says so."""
    assert {"watching": False, "trouble": ""} == client.get("/api/v1/alerts/watch").json()
    desk.journal = str(tmp_path / "bot.sqlite")
    with closing(AlertRules(desk.journal)) as rules:
        rules.add("close > open", symbol="BTCUSDT", interval="1d")
    desk.keeper = RuleKeeper(desk.venue, desk.journal, AlertSettings()).start()
    try:
        end = time.monotonic() + 20
        while not client.get("/api/v1/alerts/watch").json()["watching"] and time.monotonic() < end:
            time.sleep(0.05)
        assert {"watching": True, "trouble": ""} == client.get("/api/v1/alerts/watch").json()
    finally:
        desk.keeper.stop()
