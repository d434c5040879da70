"""``bt-run data import-wscat``: what wscat recorded becomes a capture, or bars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bt_run.cli import types
from bt_run.cli.options import settings_option

__all__ = ["import_wscat"]

_EPILOG = """\b
Examples:
  wscat -c wss://stream.binance.com:9443/ws/btcusdt@kline_5m | tee dataset.txt
  bt-run data import-wscat dataset.txt
  bt-run data import-wscat dataset.txt --out btc_5m.csv
  bt-run data import-wscat trades.txt --out btc_1m.csv --interval 1m
"""


@click.command("import-wscat", epilog=_EPILOG)
@click.argument("recording", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A capture (.jsonl.gz) or bars (.csv, .csv.gz, .parquet).  [default: RECORDING as .jsonl.gz]",
)
@settings_option
@click.option("--symbol", help="Symbol of the bars, where the recording holds several.")
@click.option("--interval", "-i", type=types.INTERVAL, help="Interval of the bars, such as 1m.")
@click.option(
    "--market",
    type=click.Choice(["spot", "futures"]),
    default="spot",
    show_default=True,
    help="What was recorded.",
)
def import_wscat(recording: Path, out: Path | None, **options: Any) -> None:
    """
    Turn a wscat recording into a capture, or into its closed bars.

    RECORDING is what wscat printed, with or without the "< " in front of each line. Lines that were typed and
    what wscat says itself are left out.
    """
    from bt_run.core.atomic import check_target
    from feeds.quality import show_time
    from feeds.recording.wscat_import import import_wscat as import_recording
    from feeds.table.naming import stem_of

    target = check_target(
        out or recording.with_name(f"{stem_of(recording.name).removesuffix('.jsonl')}.jsonl.gz")
    )
    done = import_recording(recording, target, **options)
    first, last = show_time(done.first_ms), show_time(done.last_ms)
    click.echo(f"Read {done.frames:,} frames of {', '.join(done.streams)}, {first} to {last} UTC")
    if done.torn:
        click.echo("Note: the last line was cut short and left out", err=True)
    if done.bars is None:
        click.echo(f"Wrote {target}")
        return
    for sentence in done.warnings:
        click.echo(f"Note: {sentence}", err=True)
    click.echo(
        f"Wrote {target}: {done.bars:,} bar{'' if done.bars == 1 else 's'} of {done.symbol} {done.interval}"
    )
