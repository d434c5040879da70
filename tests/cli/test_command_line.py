"""The command line that a report shows."""

from __future__ import annotations

from bt_run.cli.command_line import value_text


def test_a_value_reads_back_exactly_but_for_a_password():
    values = [0.1, 5, "btc_1d.csv", "postgresql+psycopg://bot:hush@db/journal"]

    assert ["0.1", "5", "btc_1d.csv", "postgresql+psycopg://bot:***@db/journal"] == list(
        map(value_text, values)
    )
