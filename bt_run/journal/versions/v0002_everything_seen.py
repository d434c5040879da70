"""Version 2: all that an order can have, settings, signals, balances, equity, bars; fills by venue."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _run() -> sa.Column[int]:
    return sa.Column("run", sa.Integer, sa.ForeignKey("runs.run"), primary_key=True)


def _key(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), primary_key=True)


def _time(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def upgrade() -> None:
    """Bring a journal of version 1 to version 2."""
    _widen_runs_and_orders()
    _key_fills_by_venue()
    _add_what_was_seen()
    _add_small_tables()


def _widen_runs_and_orders() -> None:
    with op.batch_alter_table("runs") as runs:
        runs.add_column(sa.Column("mode", sa.String(16), nullable=False, server_default="live"))
        runs.add_column(sa.Column("params", sa.Text, nullable=False, server_default="{}"))
        runs.add_column(sa.Column("settings", sa.Text, nullable=False, server_default="{}"))
        runs.add_column(sa.Column("version", sa.String(32), nullable=False, server_default=""))
        runs.add_column(sa.Column("resumes", sa.Integer))
        runs.add_column(sa.Column("outcome", sa.Text, nullable=False, server_default=""))
    with op.batch_alter_table("orders") as orders:
        orders.add_column(sa.Column("quote_quantity", sa.Text))
        orders.add_column(sa.Column("stop_price", sa.Text))
        orders.add_column(sa.Column("trailing_delta", sa.Integer))
        orders.add_column(sa.Column("time_in_force", sa.String(8), nullable=False, server_default=""))
        orders.add_column(sa.Column("list_id", sa.String(36), nullable=False, server_default=""))
        orders.add_column(sa.Column("purpose", sa.String(32), nullable=False, server_default=""))
        orders.add_column(sa.Column("reason", sa.Text, nullable=False, server_default=""))
    op.create_index("orders_by_state", "orders", ["state"])
    op.create_index("orders_by_client_id", "orders", ["client_id"])
    with op.batch_alter_table("order_events") as events:
        events.add_column(sa.Column("details", sa.Text, nullable=False, server_default="{}"))


def _key_fills_by_venue() -> None:
    """Trade ids begin anew when the testnet is reset, and differ by venue."""
    op.rename_table("fills", "fills_v1")
    op.create_table(
        "fills",
        _key("venue", 32),
        _key("symbol", 32),
        _time("trade_id"),
        _key("client_id", 36),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.run"), nullable=False),
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("quantity", sa.Text, nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.Column("fee", sa.Text, nullable=False),
        sa.Column("fee_asset", sa.String(16), nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("is_maker", sa.Boolean),
    )
    op.execute(
        "INSERT INTO fills"
        " (venue, symbol, trade_id, client_id, run, side, quantity, price, fee, fee_asset, time_ms)"
        " SELECT runs.venue, f.symbol, f.trade_id, f.client_id, f.run, f.side, f.quantity, f.price, f.fee,"
        " f.fee_asset, f.time_ms FROM fills_v1 AS f JOIN runs ON runs.run = f.run"
    )
    op.drop_table("fills_v1")
    op.create_index("fills_by_run", "fills", ["run"])


def _add_what_was_seen() -> None:
    amounts = ("cash", "position", "price", "value")
    numbers = ("open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_buy_volume")
    op.create_table(
        "signals",
        _run(),
        _key("symbol", 32),
        _time("open_time"),
        sa.Column("decisions", sa.Text, nullable=False),
        sa.Column("values", sa.Text, nullable=False),
    )
    op.create_table(
        "balances",
        _run(),
        _time("time_ms"),
        _key("asset", 16),
        sa.Column("free", sa.Text, nullable=False),
        sa.Column("locked", sa.Text, nullable=False),
    )
    op.create_table(
        "equity",
        _run(),
        _key("symbol", 32),
        _time("open_time"),
        *(sa.Column(name, sa.Text, nullable=False) for name in amounts),
    )
    op.create_table(
        "bars",
        _run(),
        _key("symbol", 32),
        _key("interval", 8),
        _time("open_time"),
        *(sa.Column(name, sa.Double) for name in (*numbers, "taker_buy_quote_volume")),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("tradable", sa.Boolean, nullable=False),
    )


def _add_small_tables() -> None:
    op.create_table(
        "symbols",
        _run(),
        _key("symbol", 32),
        sa.Column("base_asset", sa.String(16), nullable=False),
        sa.Column("quote_asset", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Text) for name in ("tick_size", "lot_step", "min_notional")),
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.run"), nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("stream", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )
    op.create_index("connections_by_run", "connections", ["run"])
    op.create_table("state", _run(), _key("key", 64), sa.Column("value", sa.Text, nullable=False))
    op.create_table(
        "writer",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("beat_ms", sa.BigInteger, nullable=False),
    )
