"""``bt-run parity``: a live run against its backtest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bt_run.cli import types
from bt_run.cli.journal_options import LAST, RUN, file_of_journal, journal_options, open_journal, window_of
from bt_run.cli.options import check_outputs, complete_strategy
from bt_run.cli.output import is_stdout, print_result, put_json

if TYPE_CHECKING:
    from bt_run.run.parity.check import ParityReport

__all__ = ["parity"]

_EPILOG = """\b
Examples:
  bt-run parity
  bt-run parity --journal live.sqlite --run 3 --plot parity.png
  bt-run parity --strategy ./mine.py:Mine --details
  bt-run parity --json - | jq .causes

\b
Exit code: 0 where everything is equal or explained, 1 where a signal differs
or something is not explained. Other codes are those of every command.
"""

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=_EPILOG)
@journal_options
@click.option(
    "--run",
    type=RUN,
    default=LAST,
    show_default=True,
    help="The run: a number, or last; with those it resumes.",
)
@click.option("--symbol", type=types.SYMBOL, help="Which symbol, where the run traded several.")
@click.option(
    "--strategy",
    "-s",
    shell_complete=complete_strategy,
    help="Another class than the journal leads to, or where its file has moved: ./file.py:Class.",
)
@click.option(
    "--commission",
    type=types.COMMISSION,
    help="Fee of the backtest, 0.001 or 0.1%.  [default: what the live fills paid]",
)
@click.option("--details", is_flag=True, help="Print every difference of every trade, with what each side did.")
@click.option("--json", "json_path", type=_FILE, help="Write everything; - for standard output.")
@click.option("--csv", "csv_path", type=_FILE, help="Write the differences, one a line.")
@click.option("--plot", type=_FILE, help="Write a picture of both equity curves: .png, .svg or .pdf.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors; the exit code tells.")
def parity(
    *,
    journal: str,
    run: int | str,
    symbol: str | None,
    strategy: str | None,
    commission: float | None,
    details: bool,
    json_path: Path | None,
    csv_path: Path | None,
    plot: Path | None,
    quiet: bool,
) -> int:
    """
    Compare a live run with a backtest of the bars that it saw.

    Signals, orders, fills and equity are compared bar by bar, and each difference gets its reason and what it
    cost.
    """
    check_outputs(json_path, csv_path, plot=plot, inputs=[file_of_journal(journal)])
    from strategies.built_in import import_talib_for

    import_talib_for([strategy or ""])
    from bt_run.run.parity.check import run_parity

    with open_journal(journal) as reader:
        window = window_of(reader, run=run, symbol=None, since=None, until=None)
        record = reader.run(window.run or 0)
        report = run_parity(reader, record, symbol=symbol, strategy=strategy, commission=commission)
    written = _write(report, json_path=json_path, csv_path=csv_path, plot=plot)
    if not quiet and not is_stdout(json_path):
        from bt_run.cli.parity_view import parity_table

        print_result(parity_table(report, details=details), written)
    return 0 if report.comparison.is_explained else 1


def _write(
    report: ParityReport, *, json_path: Path | None, csv_path: Path | None, plot: Path | None
) -> list[Path]:
    from bt_run.cli.parity_files import report_to_dict, write_differences

    written: list[Path] = []
    if json_path is not None:
        written += put_json(json_path, report_to_dict(report))
    if csv_path is not None:
        write_differences(csv_path, report)
        written.append(csv_path)
    if plot is not None:
        from bt_run.cli.parity_view import title_of
        from bt_run.reports.figure_file import save_figure
        from bt_run.reports.parity_figure import draw_parity

        joined, found = report.story.joined, report.comparison
        start = min(joined.first_tradable, len(joined.bars) - 1)
        figure = draw_parity(
            joined.bars[start:],
            live=report.live_equity[start:],
            backtest=report.backtest.equity[start:],
            interval=joined.interval,
            title=f"Live and backtest: {title_of(report)}",
            quote_asset=report.story.quote_asset,
            verdict="explained" if found.is_explained else "NOT EXPLAINED",
        )
        save_figure(figure, plot)
        written.append(plot)
    return written
