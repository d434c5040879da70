"""Alerts in the journal: messages with their deliveries, and rules, beside a bot that writes it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bt_run.core.errors import ConfigError
from bt_run.journal.alert_tables import AlertTables
from bt_run.journal.journal import Journal
from bt_run.journal.records import AlertRecord, DeliveryRecord

HERE = Path(__file__).parent


def message(key: str = "a", **given: object) -> AlertRecord:
    """Make a message."""
    made = AlertRecord(0, key, "signal", 5, "BTCUSDT", "long", "at 64000", {"rows": [[1, 2.5]]}, 0, 6)
    return replace(made, **given)


def way(target: str = "json://h", **given: object) -> DeliveryRecord:
    """Make a delivery that waits."""
    return replace(DeliveryRecord(0, target, "waiting", 0, 6, None, ""), **given)


def test_a_message_is_kept_with_its_deliveries(path: Path):
    """In the order in which they were made, with what their chart shows."""
    with AlertTables(path) as tables:
        assert 1 == tables.add(message("a"), (way("x"), way("y")))
        assert 2 == tables.add(message("b"), (way("x"),))
        first, second = tables.waiting("x")
        assert ("a", {"rows": [[1, 2.5]]}, 1) == (first[0].key, first[0].picture, first[1].alert)
        assert "b" == second[0].key
        assert 3 == tables.count_waiting()


def test_of_a_key_there_is_one_message(path: Path):
    """The second is not written, whatever it says."""
    with AlertTables(path) as tables:
        tables.add(message("a"), (way(),))
        assert tables.add(message("a", title="else"), (way(), way("other"))) is None
        assert ["long"] == [told.title for told, _ in tables.newest(9)]


def test_a_delivery_is_claimed_once(path: Path):
    """By the one who saw it as it is."""
    with AlertTables(path) as tables:
        number = tables.add(message(), (way(),))

        assert [True, False] == [tables.claim(number, "json://h", due_ms=6, until_ms=9) for _ in range(2)]
        assert 9 == tables.waiting("json://h")[0][1].due_ms


def test_what_is_settled_waits_no_longer(path: Path):
    """And is found among the newest, with its reason."""
    with AlertTables(path) as tables:
        tables.add(message(), (way(),))
        _, delivery = tables.waiting("json://h")[0]
        tables.settle(replace(delivery, state="failed", attempts=3, done_ms=9, reason="refused"))
        assert [] == tables.waiting("json://h")
        assert ("failed", 3, 9, "refused") == tuple(
            getattr(tables.newest(1)[0][1], name) for name in ("state", "attempts", "done_ms", "reason")
        )


DYING = """
import os, sys
from bt_run.journal.alert_tables import AlertTables
from bt_run.journal.records import AlertRecord, DeliveryRecord
tables = AlertTables(sys.argv[1])
way = DeliveryRecord(0, "t", "waiting", 0, 6, None, "")
tables.add(AlertRecord(0, "a", "signal", 5, "B", "t", "", {}, 0, 6), (way,))
os.kill(os.getpid(), 9)
"""


def test_a_message_outlives_a_process_that_is_killed(path: Path):
    """What `add` has returned for is there for the next one."""
    ran = subprocess.run([sys.executable, "-c", DYING, path], capture_output=True, text=True, check=False)

    assert (-9, "") == (ran.returncode, ran.stderr)
    with AlertTables(path) as later:
        assert 1 == len(later.waiting("t"))


def test_rules_are_kept_changed_and_removed(path: Path):
    """Each by its number; a number that is not there is named."""
    with AlertTables(path) as tables:
        rule = tables.add_rule(text="close > 1", symbol="BTCUSDT", interval="5m", cooldown_s=900, created_ms=5)
        assert rule.enabled
        assert not tables.change_rule(rule.id, enabled=False).enabled
        assert [False] == [kept.enabled for kept in tables.rules()]
        assert "close > 1" == tables.remove_rule(rule.id).text
        assert [] == tables.rules()
        for call in (lambda: tables.remove_rule(7), lambda: tables.change_rule(7, enabled=True)):
            with pytest.raises(ConfigError, match="no alert rule 7"):
                call()


def test_a_bot_that_writes_the_journal_is_not_in_the_way(journal: Journal, path: Path):
    """Its lock is for orders; alerts are written beside it."""
    with AlertTables(path) as tables:
        tables.add(message(), (way(),))
        journal.write_state(1, "paused", value=True)
        assert 1 == tables.count_waiting()


def test_an_old_journal_is_brought_up_unless_a_bot_has_it(path: Path):
    """One of a version without alerts gets their tables; one that an old bot writes is refused."""
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript((HERE / "journal_v3.sql").read_text(encoding="utf-8"))
    with AlertTables(path) as tables:
        assert [] == tables.rules()

    with Journal(path):
        with closing(sqlite3.connect(path)) as raw:
            raw.execute("UPDATE bt_run_journal_version SET version_num = '0003'")
            raw.commit()
        with pytest.raises(ConfigError, match="older bt-run, which keeps no alerts"):
            AlertTables(path)
