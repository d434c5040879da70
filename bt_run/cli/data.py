"""``bt-run data``: the group of commands for market data."""

from __future__ import annotations

import click

from bt_run.cli.lazy import LazyGroup

__all__ = ["DATA_COMMANDS", "data"]

DATA_COMMANDS = {
    "capture": ("bt_run.cli.data_capture:capture", "Record live market streams."),
    "convert": ("bt_run.cli.data_convert:convert", "Write bars of any format as CSV or Parquet."),
    "download": ("bt_run.cli.data_download:download", "Fetch bars from the exchange, only what is missing."),
    "import-wscat": ("bt_run.cli.data_import_wscat:import_wscat", "Turn a wscat recording into a capture."),
    "list": ("bt_run.cli.data_list:list_series", "Show what the store holds."),
    "repair": ("bt_run.cli.data_repair:repair", "Ask again for gaps and damaged files."),
    "resample": ("bt_run.cli.data_convert:resample", "Write bars joined into longer ones."),
    "verify": ("bt_run.cli.data_verify:verify", "Look for gaps, duplicates and impossible bars."),
}
"""Command name: where it lives and its one line, so that --help need import none of them."""

_EPILOG = """\b
Examples:
  bt-run data download --symbol BTCUSDT --interval 1h --start 2024-01-01
  bt-run data list
  bt-run data verify BTCUSDT:1h
  bt-run data convert BTCUSDT:1h btc_1h.csv
  bt-run data resample btc_1h.csv btc_4h.parquet --interval 4h

\b
A series of the store is written SYMBOL:INTERVAL, such as BTCUSDT:1h or BTCUSDT:1M (a month);
of USD-M futures BTCUSDT:1h:futures.
"""


@click.group(cls=LazyGroup, table=DATA_COMMANDS, epilog=_EPILOG)
def data() -> None:
    """Download, record, list, verify and convert market data."""
