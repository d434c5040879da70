"""
The journal's tables, as the newest version has them.

A change here needs a new file in ``versions/``, a higher `SCHEMA_VERSION`, and a dump of the version before it
for the tests (``tests/journal/``).
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

from bt_run.journal.column_types import Amount, Codes, Document, Measure

__all__ = [
    "METADATA",
    "SCHEMA_VERSION",
    "VERSION_TABLE",
    "alert_deliveries",
    "alert_rules",
    "alerts",
    "balances",
    "bars",
    "commands",
    "connections",
    "equity",
    "fills",
    "hand_orders",
    "order_events",
    "orders",
    "runs",
    "settings",
    "signals",
    "state",
    "symbols",
    "writer",
]

SCHEMA_VERSION = 7
"""The version that this bt-run writes."""

VERSION_TABLE = "bt_run_journal_version"
"""Where Alembic keeps a journal's version; a name of our own, so that a stranger's database is not mistaken."""

METADATA = MetaData()


def _symbol(*, primary_key: bool = False) -> Column[str]:
    return Column("symbol", String(32), primary_key=primary_key, nullable=False)


def _run(*, primary_key: bool = False) -> Column[int]:
    return Column("run", ForeignKey("runs.run"), primary_key=primary_key, nullable=False)


def _time(name: str, *, primary_key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=primary_key, nullable=False, autoincrement=False)


runs = Table(
    "runs",
    METADATA,
    Column("run", Integer, primary_key=True),
    Column("venue", String(32), nullable=False),
    Column("mode", String(16), nullable=False),
    _symbol(),
    Column("interval", String(8), nullable=False),
    Column("strategy", Text, nullable=False),
    Column("params", Document, nullable=False),
    Column("settings", Document, nullable=False),
    Column("version", String(32), nullable=False),
    Column("resumes", Integer),
    _time("started_ms"),
    Column("ended_ms", BigInteger),
    Column("outcome", Text, nullable=False),
)

symbols = Table(
    "symbols",
    METADATA,
    _run(primary_key=True),
    _symbol(primary_key=True),
    Column("base_asset", String(16), nullable=False),
    Column("quote_asset", String(16), nullable=False),
    Column("tick_size", Amount),
    Column("lot_step", Amount),
    Column("min_notional", Amount),
)

orders = Table(
    "orders",
    METADATA,
    _run(primary_key=True),
    Column("client_id", String(36), primary_key=True),
    _symbol(),
    Column("side", String(4), nullable=False),
    Column("type", String(24), nullable=False),
    Column("quantity", Amount),
    _time("created_ms"),
    _time("updated_ms"),
    Column("state", String(16), nullable=False),
    Column("quote_quantity", Amount),
    Column("price", Amount),
    Column("stop_price", Amount),
    Column("trailing_delta", Integer),
    Column("time_in_force", String(8), nullable=False),
    Column("list_id", String(36), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("exchange_id", BigInteger),
    Column("reason", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""
A new order waits until it is written, and each page costs it time. So in SQLite this table and that of events
lie in the trees of their keys, one page each, and there is no index: what looks for orders gives their runs.
"""

order_events = Table(
    "order_events",
    METADATA,
    Column("run", Integer, primary_key=True, autoincrement=False),
    Column("client_id", String(36), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    _time("time_ms"),
    Column("details", Document, nullable=False),
    ForeignKeyConstraint(["run", "client_id"], ["orders.run", "orders.client_id"]),
    sqlite_with_rowid=False,
)

fills = Table(
    "fills",
    METADATA,
    Column("venue", String(32), primary_key=True),
    _symbol(primary_key=True),
    Column("trade_id", BigInteger, primary_key=True, autoincrement=False),
    Column("client_id", String(36), primary_key=True),
    _run(),
    Column("side", String(4), nullable=False),
    Column("quantity", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("fee", Amount, nullable=False),
    Column("fee_asset", String(16), nullable=False),
    _time("time_ms"),
    Column("is_maker", Boolean),
    Index("fills_by_run", "run"),
)

signals = Table(
    "signals",
    METADATA,
    _run(primary_key=True),
    _symbol(primary_key=True),
    _time("open_time", primary_key=True),
    Column("decisions", Codes, nullable=False),
    Column("values", Document, nullable=False),
)

balances = Table(
    "balances",
    METADATA,
    _run(primary_key=True),
    _time("time_ms", primary_key=True),
    Column("asset", String(16), primary_key=True),
    Column("free", Amount, nullable=False),
    Column("locked", Amount, nullable=False),
)

equity = Table(
    "equity",
    METADATA,
    _run(primary_key=True),
    _symbol(primary_key=True),
    _time("open_time", primary_key=True),
    Column("cash", Amount, nullable=False),
    Column("position", Amount, nullable=False),
    Column("price", Amount, nullable=False),
    Column("value", Amount, nullable=False),
)

bars = Table(
    "bars",
    METADATA,
    _run(primary_key=True),
    _symbol(primary_key=True),
    Column("interval", String(8), primary_key=True),
    _time("open_time", primary_key=True),
    Column("open", Measure),
    Column("high", Measure),
    Column("low", Measure),
    Column("close", Measure),
    Column("volume", Measure),
    Column("quote_volume", Measure),
    Column("trades", Measure),
    Column("taker_buy_volume", Measure),
    Column("taker_buy_quote_volume", Measure),
    Column("source", String(16), nullable=False),
    Column("tradable", Boolean, nullable=False),
)

connections = Table(
    "connections",
    METADATA,
    Column("id", Integer, primary_key=True),
    _run(),
    _time("time_ms"),
    Column("stream", String(128), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("details", Document, nullable=False),
    Index("connections_by_run", "run"),
)

state = Table(
    "state",
    METADATA,
    _run(primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("value", Document, nullable=False),
)

commands = Table(
    "commands",
    METADATA,
    Column("id", Integer, primary_key=True),
    _run(),
    Column("verb", String(16), nullable=False),
    _time("issued_ms"),
    Column("taken_ms", BigInteger),
    Column("answer", Text),
)
"""Others than the writer add to this table, to those of alerts, settings and hand orders, and to no other."""

alerts = Table(
    "alerts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("key", String(160), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    _time("time_ms"),
    _symbol(),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("picture", Document, nullable=False),
    Column("rule", Integer, nullable=False),
    _time("created_ms"),
)

alert_deliveries = Table(
    "alert_deliveries",
    METADATA,
    Column("alert", ForeignKey("alerts.id"), primary_key=True, nullable=False),
    Column("target", String(160), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    _time("due_ms"),
    Column("done_ms", BigInteger),
    Column("reason", Text, nullable=False),
    Index("alert_deliveries_by_target", "target", "state"),
)

alert_rules = Table(
    "alert_rules",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    _symbol(),
    Column("interval", String(8), nullable=False),
    Column("cooldown_s", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False),
    _time("created_ms"),
)

settings = Table(
    "settings",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("document", Document, nullable=False),
    _time("changed_ms"),
)

hand_orders = Table(
    "hand_orders",
    METADATA,
    Column("client_id", String(36), primary_key=True),
    Column("venue", String(32), nullable=False),
    Column("key", String(160), nullable=False),
    Column("leg", Integer, nullable=False),
    Column("source", String(16), nullable=False),
    Column("wish", Document, nullable=False),
    _symbol(),
    Column("side", String(4), nullable=False),
    Column("type", String(24), nullable=False),
    Column("quantity", Amount),
    _time("created_ms"),
    _time("updated_ms"),
    Column("state", String(16), nullable=False),
    Column("quote_quantity", Amount),
    Column("price", Amount),
    Column("stop_price", Amount),
    Column("time_in_force", String(8), nullable=False),
    Column("list_id", String(36), nullable=False),
    Column("exchange_id", BigInteger),
    Column("reason", Text, nullable=False),
    Column("story", Document, nullable=False),
    Index("hand_orders_by_key", "venue", "key"),
    Index("hand_orders_by_state", "venue", "state"),
)
"""Orders of a person's, on the web desk, apart from those of bots: no run reads, adopts or cancels them."""

writer = Table(
    "writer",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("token", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("host", String(255), nullable=False),
    _time("since_ms"),
    _time("beat_ms"),
)
