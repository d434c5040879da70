"""The journal as the outbox."""

from __future__ import annotations

from pathlib import Path

from bt_run.alerts.delivery import Outcome, after
from bt_run.alerts.happening import Happening, Mark, Picture
from bt_run.journal.alert_tables import AlertTables
from bt_run.run.alerting.outbox import JournalOutbox

T0 = 1_789_000_000_000


def test_what_was_kept_comes_back(tmp_path: Path):
    """With the chart's content, and with how often it was tried."""
    rows = ((T0, 1.0, 2.0, 0.5, 1.5, float("nan")), (T0 + 60_000, 1.5, 2.0, 1.0, 1.2, 7.0))
    picture = Picture("t", "1m", rows[1:], (Mark(T0, 1.5, "long entry", "here"),), "below")
    told = Happening("rule", "k", T0, "BTCUSDT", "title", "text", picture, rule=7)
    with AlertTables(tmp_path / "bot.sqlite") as tables:
        outbox = JournalOutbox(tables)
        assert outbox.add(told, ["a", "b"], now_ms=T0 + 1, due_ms=T0 + 2)
        assert not outbox.add(told, ["a", "b"], now_ms=T0 + 1, due_ms=T0 + 2)
        (first,) = outbox.waiting("a")
        assert (told, T0 + 1, T0 + 2, 0) == (first.happening, first.created_ms, first.due_ms, first.attempts)

        outbox.settle(after(first, Outcome(is_sent=False, reason="dead"), T0 + 3))
        (again,) = outbox.waiting("a")
        assert (1, "dead", T0 + 2_003) == (again.attempts, again.reason, again.due_ms)
        outbox.settle(after(again, Outcome(is_sent=True), T0 + 4))
        assert [0, 1] == [len(outbox.waiting(name)) for name in "ab"]


def test_a_run_of_many_symbols_fits_into_its_column(tmp_path: Path):
    """Databases that mind the length get what they can hold."""
    told = Happening("daily", "k" * 300, T0, " ".join(["BTCUSDT"] * 9), "title")
    with AlertTables(tmp_path / "bot.sqlite") as tables:
        JournalOutbox(tables).add(told, ["a"], now_ms=T0, due_ms=T0)
        ((record, _),) = tables.newest(1)

    assert (160, 32) == (len(record.key), len(record.symbol))
