"""``bt-run data verify``: look for what is wrong with series and files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.options import settings_option, store_option
from bt_run.cli.types import INTERVAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.core.interval import Interval
    from feeds.storage.maintenance import Gap
    from feeds.verify import Report

__all__ = ["verify"]

_FAULTY = 3
_SHOWN = 10

_EPILOG = """\b
Examples:
  bt-run data verify
  bt-run data verify BTCUSDT:1h btc_1d.csv
  bt-run data verify --json > report.json

\b
Exit code 0: clean, or every gap lies in a known maintenance of the exchange, or the exchange was
asked over REST and has no bars there. Exit code 3: anything else.
"""


@click.command(epilog=_EPILOG)
@click.argument("names", nargs=-1, metavar="[SERIES or FILE]...")
@settings_option
@store_option
@click.option("--interval", "-i", type=INTERVAL, help="Interval of files that do not tell it.")
@click.option("--all-gaps", is_flag=True, help="List every gap, the explained ones too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(
    names: tuple[str, ...], *, store: Path | None, interval: Interval | None, all_gaps: bool, as_json: bool
) -> int:
    """
    Look for gaps, duplicates, impossible prices and damaged files.

    Without a name the whole store is checked. Nothing is downloaded or changed; bt-run data repair mends.
    """
    reports = list(_reports(names, store, interval))
    if as_json:
        click.echo(json.dumps([_as_dict(report) for report in reports], indent=2, ensure_ascii=False))
    else:
        for report in reports:
            click.echo("\n".join(_lines(report, all_gaps=all_gaps)))
        if not reports:
            click.echo("The store is empty: nothing to verify.")
    return 0 if all(report.clean for report in reports) else _FAULTY


def _reports(names: tuple[str, ...], store: Path | None, interval: Interval | None) -> Iterator[Report]:
    from feeds.locate import find_data
    from feeds.storage.series import find_series
    from feeds.storage.store_paths import find_series_folders, store_root
    from feeds.store import Store
    from feeds.verify import verify_file, verify_series

    place = Store(store_root(store))
    if not names:
        for held, _ in find_series_folders(place.root):
            yield verify_series(place, held)
    for name in names:
        series = None if Path(name).expanduser().exists() else find_series(name)
        if series is not None:
            yield verify_series(place, series)
        else:
            yield verify_file(find_data(name), interval=interval)


def _lines(report: Report, *, all_gaps: bool) -> Iterator[str]:
    from feeds.quality import show_time

    yield f"{report.title}: {'clean' if report.clean else 'NOT CLEAN'}"
    if report.first is not None and report.last is not None:
        yield f"  bars         {report.bars:,}, {show_time(report.first)} to {show_time(report.last)} UTC"
    missing = sum(gap.bars for gap in report.gaps)
    explained = len(report.gaps) - len(report.unexplained)
    if report.gaps:
        yield f"  gaps         {len(report.gaps):,} ({_bars(missing)} missing), {explained:,} explained"
    for problem in report.problems:
        places = f": {', '.join(problem.places)}" if problem.places else ""
        yield f"  PROBLEM      {problem.count:,} {problem.what}{places}"
    shown = report.gaps if all_gaps else report.unexplained[:_SHOWN]
    for gap in shown:
        yield _gap_line(gap)
    if not all_gaps and len(report.unexplained) > len(shown):
        yield f"  ...          and {len(report.unexplained) - len(shown):,} more; --all-gaps lists them"
    zero = report.zero_volume
    if zero.longest_at is not None:
        yield (
            f"  no volume    {_bars(zero.bars)}; "
            f"the longest run {_bars(zero.longest)} from {show_time(zero.longest_at)}"
        )
    for note in report.notes:
        yield f"  note         {note}"


def _gap_line(gap: Gap) -> str:
    from feeds.quality import show_time

    why = "not explained"
    if gap.window is not None:
        why = f"maintenance {show_time(gap.window.start)} to {show_time(gap.window.end)}"
    elif gap.confirmed:
        why = "the exchange was asked and has none"
    return f"  gap          {show_time(gap.first)} to {show_time(gap.last)} ({_bars(gap.bars)}): {why}"


def _bars(number: int) -> str:
    return "1 bar" if number == 1 else f"{number:,} bars"


def _as_dict(report: Report) -> dict[str, Any]:
    from bt_run.core.clock import iso_utc

    def time(value: int | None) -> str | None:
        return None if value is None else iso_utc(value)

    zero = report.zero_volume
    return {
        "title": report.title,
        "interval": str(report.interval),
        "clean": report.clean,
        "bars": report.bars,
        "first": time(report.first),
        "last": time(report.last),
        "gaps": [
            {
                "first": time(gap.first),
                "last": time(gap.last),
                "bars": gap.bars,
                "maintenance": gap.window and [time(gap.window.start), time(gap.window.end)],
                "source": gap.window and gap.window.source,
                "confirmed": gap.confirmed,
            }
            for gap in report.gaps
        ],
        "problems": [
            {"what": one.what, "count": one.count, "places": list(one.places)} for one in report.problems
        ],
        "zero_volume": {
            "bars": zero.bars,
            "runs": zero.runs,
            "longest": zero.longest,
            "longest_at": time(zero.longest_at),
        },
        "notes": list(report.notes),
    }
