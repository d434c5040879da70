"""Version 7: in a file, a new order and its first line go into two pages instead of six."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Bring a journal of version 6 to version 7."""
    op.drop_index("orders_by_state", "orders")
    op.drop_index("orders_by_client_id", "orders")
    if op.get_bind().dialect.name == "sqlite":
        _make_orders_anew()
        _make_events_anew()


def _make_orders_anew() -> None:
    _make_anew(
        "orders",
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.run"), primary_key=True),
        sa.Column("client_id", sa.String(36), primary_key=True),
        sa.Column("symbol", sa.String(32), nullable=False),
        sa.Column("side", sa.String(4), nullable=False),
        sa.Column("type", sa.String(24), nullable=False),
        sa.Column("quantity", sa.Text),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("updated_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("quote_quantity", sa.Text),
        sa.Column("price", sa.Text),
        sa.Column("stop_price", sa.Text),
        sa.Column("trailing_delta", sa.Integer),
        sa.Column("time_in_force", sa.String(8), nullable=False),
        sa.Column("list_id", sa.String(36), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("exchange_id", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
    )


def _make_events_anew() -> None:
    _make_anew(
        "order_events",
        sa.Column("run", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("client_id", sa.String(36), primary_key=True),
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["run", "client_id"], ["orders.run", "orders.client_id"]),
    )


def _make_anew(name: str, *parts: Any) -> None:
    """Make a table that lies in the tree of its key, with all rows of the one that is there, in its place."""
    columns = [part for part in parts if isinstance(part, sa.Column)]
    names = ", ".join(column.name for column in columns)
    keys = ", ".join(column.name for column in columns if column.primary_key)
    op.create_table(f"{name}_v7", *parts, sqlite_with_rowid=False)
    # In the order of the key: then each page is filled, and written, once.
    op.execute(f"INSERT INTO {name}_v7 ({names}) SELECT {names} FROM {name} ORDER BY {keys}")  # noqa: S608
    op.drop_table(name)
    op.rename_table(f"{name}_v7", name)
