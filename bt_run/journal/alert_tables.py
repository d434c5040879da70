"""
The alerts of a journal: messages, their way to the targets, and the rules that make them.

They are written by whoever sends messages and by the commands that keep the rules, in short transactions beside
the bot's own, which do not wait for the disk: at most the bot waits for the end of one, a few rows. A
killed process loses nothing of it; a power failure may lose the last messages.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert, select, update

from bt_run.core.errors import ConfigError
from bt_run.journal import schema
from bt_run.journal.bring_up import bring_up
from bt_run.journal.database import Place, open_engine, open_reading, telling
from bt_run.journal.records import AlertRecord, AlertRuleRecord, DeliveryRecord

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Connection

__all__ = ["AlertTables"]

_PAGE = 100


class AlertTables:
    """
    The tables of alerts, to read and to write; made with their journal where there is none.

    May be used by any number of threads and processes at once, also while a bot writes the journal. Every
    method may raise JournalError; then nothing of what it was given was written.

    Args:
        journal: A file's name, or a URL of SQLAlchemy's.

    Raises:
        ConfigError: a bot of an older version writes it, or it cannot be a journal.
        JournalError: the database failed.
    """

    def __init__(self, journal: str | Path | Place) -> None:
        self.place = journal if isinstance(journal, Place) else Place.parse(journal)
        bring_up(self.place, wanted="alerts")
        self._engine = open_engine(self.place, durable=False)
        self._reader = open_reading(self.place)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()
        self._reader.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- messages ---------------------------------------------------------------------------------------------

    def add(self, record: AlertRecord, deliveries: tuple[DeliveryRecord, ...]) -> int | None:
        """
        Keep a message with its deliveries, all or nothing; the numbers in the records are not looked at.

        Returns:
            The message's number; None where there is one of this key, and then nothing is written.
        """
        row = {name: value for name, value in asdict(record).items() if name != "id"}
        with telling(self.place), self._engine.begin() as connection:
            if connection.execute(select(schema.alerts.c.id).where(schema.alerts.c.key == record.key)).first():
                return None
            (number,) = connection.execute(insert(schema.alerts), row).inserted_primary_key or (0,)
            for delivery in deliveries:
                connection.execute(insert(schema.alert_deliveries), {**asdict(delivery), "alert": number})
        return int(number)

    def waiting(self, target: str) -> list[tuple[AlertRecord, DeliveryRecord]]:
        """Give the first hundred deliveries that wait for a target, in the order of their messages."""
        table = schema.alert_deliveries
        return self._joined(
            lambda chosen: (
                chosen.where(table.c.target == target, table.c.state == "waiting")
                .order_by(schema.alerts.c.id)
                .limit(_PAGE)
            )
        )

    def newest(self, count: int) -> list[tuple[AlertRecord, DeliveryRecord]]:
        """Give the deliveries of the newest messages, oldest first."""
        newest = select(schema.alerts.c.id).order_by(schema.alerts.c.id.desc()).limit(count)
        return self._joined(
            lambda chosen: chosen.where(schema.alerts.c.id.in_(newest)).order_by(
                schema.alerts.c.id, schema.alert_deliveries.c.target
            )
        )

    def claim(self, alert: int, target: str, *, due_ms: int, until_ms: int) -> bool:
        """
        Put a delivery off, if it still waits and was due at `due_ms`; tells whether it was so.

        Of several processes that see the same delivery, one gets True.
        """
        table = schema.alert_deliveries
        is_there = (table.c.alert == alert) & (table.c.target == target) & (table.c.due_ms == due_ms)
        change = update(table).where(is_there, table.c.state == "waiting").values(due_ms=until_ms)
        with telling(self.place), self._engine.begin() as connection:
            return bool(connection.execute(change).rowcount)

    def settle(self, record: DeliveryRecord) -> None:
        """Write down how a delivery stands."""
        table = schema.alert_deliveries
        change = update(table).where(table.c.alert == record.alert, table.c.target == record.target)
        row = {name: value for name, value in asdict(record).items() if name not in ("alert", "target")}
        with telling(self.place), self._engine.begin() as connection:
            connection.execute(change, row)

    def count_waiting(self) -> int:
        """Count the deliveries that wait, for all targets."""
        table = schema.alert_deliveries
        with telling(self.place), self._reader.begin() as connection:
            chosen = select(func.count()).select_from(table).where(table.c.state == "waiting")
            return int(connection.execute(chosen).scalar() or 0)

    def _joined(self, narrow: Any) -> list[tuple[AlertRecord, DeliveryRecord]]:
        chosen = select(schema.alerts, schema.alert_deliveries).join_from(
            schema.alerts, schema.alert_deliveries
        )
        count = len(schema.alerts.columns)
        with telling(self.place), self._reader.begin() as connection:
            rows = connection.execute(narrow(chosen)).all()
        return [(AlertRecord(*row[:count]), DeliveryRecord(*row[count:])) for row in rows]

    # --- rules ------------------------------------------------------------------------------------------------

    def rules(self) -> list[AlertRuleRecord]:
        """Give all rules, oldest first."""
        with telling(self.place), self._reader.begin() as connection:
            return [AlertRuleRecord(*row) for row in connection.execute(select(schema.alert_rules))]

    def add_rule(
        self, *, text: str, symbol: str, interval: str, cooldown_s: int, created_ms: int
    ) -> AlertRuleRecord:
        """Keep a rule, switched on; gives it with its number."""
        row = {"text": text, "symbol": symbol, "interval": interval, "cooldown_s": cooldown_s}
        row |= {"enabled": True, "created_ms": created_ms}
        with telling(self.place), self._engine.begin() as connection:
            (number,) = connection.execute(insert(schema.alert_rules), row).inserted_primary_key or (0,)
        return AlertRuleRecord(int(number), **row)  # type: ignore[arg-type]  # as they stand there

    def change_rule(self, number: int, **changes: Any) -> AlertRuleRecord:
        """Change columns of a rule, such as ``enabled``; gives it as it is then. Raises ConfigError."""
        table = schema.alert_rules
        with telling(self.place), self._engine.begin() as connection:
            connection.execute(update(table).where(table.c.id == number), changes)
            return self._rule(connection, number)

    def remove_rule(self, number: int) -> AlertRuleRecord:
        """Forget a rule, and give it as it was; its messages stay. Raises ConfigError where there is none."""
        table = schema.alert_rules
        with telling(self.place), self._engine.begin() as connection:
            was = self._rule(connection, number)
            connection.execute(delete(table).where(table.c.id == number))
        return was

    def _rule(self, connection: Connection, number: int) -> AlertRuleRecord:
        chosen = select(schema.alert_rules).where(schema.alert_rules.c.id == number)
        found = connection.execute(chosen).first()
        if found is None:
            raise ConfigError(f"There is no alert rule {number} in {self.place}. See bt-run alerts list.")
        return AlertRuleRecord(*found)
