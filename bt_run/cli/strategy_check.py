"""``bt-run strategies check``: look-ahead, warm-up, determinism, parameters and engines of a strategy."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.data_source import load_source
from bt_run.cli.finding_view import finding_lines
from bt_run.cli.options import complete_data, data_options, param_option, strategy_option
from bt_run.cli.progress import progress_bar

if TYPE_CHECKING:
    from bt_run.run.strategy_check.check import CheckReport
    from bt_run.run.strategy_check.subject import Subject

__all__ = ["check"]

_FAILED = 4

_EPILOG = """\b
Examples:
  bt-run strategies check --strategy rsi --data btc_1d.csv
  bt-run strategies check -s ./mine.py:Mine -d btc_1d.csv --history 500
  bt-run strategies check -s ./mine.py:Mine -d btc_1d.csv --allow-short --json

\b
Exit code 0: nothing failed; warnings do not count. 4: a check failed.
"""


@click.command(epilog=_EPILOG)
@strategy_option
@click.option(
    "--data",
    "-d",
    required=True,
    shell_complete=complete_data,
    help="Bars on which it trades: a file, a capture, or a series of the store such as BTCUSDT:1h.",
)
@param_option
@data_options
@click.option(
    "--history",
    type=click.IntRange(min=0),
    default=5000,
    show_default=True,
    help="Bars with which bt-run live would warm up.",
)
@click.option(
    "--allow-short/--long-only", default=False, help="Whether signals may open shorts.  [default: long-only]"
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors; the exit code tells.")
def check(
    strategy: str,
    data: str,
    param: tuple[str, ...],
    *,
    history: int,
    allow_short: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Check a strategy for look-ahead, warm-up, chance, parameters, and engines that differ."""
    from bt_run.core.settings import BacktestSettings
    from bt_run.run.strategy_check.check import MOST_STEPS, check_strategy
    from bt_run.run.strategy_check.subject import Subject
    from strategies.loader import load_strategy

    loaded = load_strategy(strategy, params=param)
    bars = load_source(data, options, quiet=quiet)
    subject = Subject(loaded, bars, BacktestSettings(allow_short=allow_short), history)
    with progress_bar("Checking", total=MOST_STEPS, unit="checks", shown=not quiet) as progress:
        report = check_strategy(subject, progress=progress)
    if as_json:
        click.echo(json.dumps(_document(subject, report), indent=2, ensure_ascii=False))
    elif not quiet:
        click.echo(_heading(subject, report) + "\n")
        click.echo("\n".join(finding_lines(report.findings, about=loaded.name)))
    return _FAILED if report.has_failed else 0


def _document(subject: Subject, report: CheckReport) -> dict[str, Any]:
    return {
        "strategy": subject.strategy.name,
        "params": dict(subject.strategy.params),
        "data": str(subject.data.path),
        "history": subject.history,
        "signal_bars": report.signal_bars,
        "run_bars": report.run_bars,
        "passed": not report.has_failed,
        "findings": [asdict(one) for one in report.findings],
    }


def _heading(subject: Subject, report: CheckReport) -> str:
    """Say what is checked on how much of the data."""
    count = len(subject.data.bars)
    parts = [
        f"{what} on the last {bars:,}"
        for what, bars in (("signals", report.signal_bars), ("runs", report.run_bars))
        if bars and bars < count
    ]
    below = f"\n{', '.join(parts)}" if parts else ""
    return f"{subject.strategy.name} on {subject.data.title}, {count:,} bars{below}"
