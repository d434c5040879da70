"""Version 6: orders of a person's, on the web desk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Bring a journal of version 5 to version 6."""
    op.create_table(
        "hand_orders",
        sa.Column("client_id", sa.String(36), primary_key=True),
        sa.Column("venue", sa.String(32), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("leg", sa.Integer, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("wish", sa.Text, nullable=False),
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
        sa.Column("time_in_force", sa.String(8), nullable=False),
        sa.Column("list_id", sa.String(36), nullable=False),
        sa.Column("exchange_id", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("story", sa.Text, nullable=False),
    )
    op.create_index("hand_orders_by_key", "hand_orders", ["venue", "key"])
    op.create_index("hand_orders_by_state", "hand_orders", ["venue", "state"])
