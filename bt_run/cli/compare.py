"""``bt-run compare``: several strategies over one or more files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.command_line import command_line
from bt_run.cli.data_source import load_source
from bt_run.cli.options import (
    ACCOUNT_KEYS,
    account_options,
    check_outputs,
    complete_data,
    complete_strategy,
    data_options,
    pick,
    settings_of,
)
from bt_run.cli.output import is_stdout, print_result, put_json
from bt_run.cli.progress import progress_bar
from bt_run.cli.report_option import check_report, report_options, time_of_report, write_report

if TYPE_CHECKING:
    from bt_run.core.results import RunResult

__all__ = ["compare"]

_EPILOG = """\b
Examples:
  bt-run compare -s rsi -s sar -s macd:fast=8 --data btc_1d.csv --plot equity.png
  bt-run compare -s rsi -s rsi:period=7 -d btc_1d.csv -d btcusd_1d_2021.csv --json out.json
  bt-run compare -s ./mine.py:Mine -s bollinger -d btc_1d.csv --log
"""

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=_EPILOG)
@click.option(
    "--strategy",
    "-s",
    "strategies",
    required=True,
    multiple=True,
    shell_complete=complete_strategy,
    help="A name or ./file.py:Class, with parameters as in macd:fast=8; repeatable.",
)
@click.option(
    "--data",
    "-d",
    required=True,
    multiple=True,
    shell_complete=complete_data,
    help="A file of bars, or a series of the store; repeated, every strategy runs on each.",
)
@data_options
@account_options
@click.option("--plot", type=_FILE, help="Write a picture of the equity curves: .png, .svg or .pdf.")
@click.option("--log/--linear", default=False, help="Scale of the equity axis.  [default: linear]")
@click.option("--show", is_flag=True, help="Open the picture in a window.")
@click.option("--json", "json_path", type=_FILE, help="Write all results; - for standard output.")
@report_options
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), help="Processes.  [default: by the work and the cores]"
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@click.pass_context
def compare(
    ctx: click.Context,
    /,
    strategies: tuple[str, ...],
    data: tuple[str, ...],
    *,
    plot: Path | None,
    log: bool,
    show: bool,
    json_path: Path | None,
    report_path: Path | None,
    reproducible: bool,
    jobs: int | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Run several strategies side by side, with buy and hold as the measure."""
    settings = settings_of(**pick(options, ACCOUNT_KEYS))
    from strategies.built_in import import_talib_for

    import_talib_for(strategies)
    check_report(report_path)
    check_outputs(json_path, report_path, plot=plot, inputs=[*data, *strategies])
    from bt_run.run.compare import run_comparison

    files = [load_source(name, options, quiet=quiet) for name in data]
    runs = len(files) * len(strategies)
    with progress_bar("Comparing", total=runs, unit="runs", shown=not quiet) as progress:
        results = run_comparison(strategies, files, settings, jobs=jobs, progress=progress)
    written = _write(results, json_path=json_path, plot=plot, log=log)
    if report_path is not None:
        from bt_run.run.report.gather import report_of_runs

        clock = time_of_report(reproducible=reproducible)
        written.append(
            write_report(report_path, report_of_runs(results, command=command_line(ctx), written=clock))
        )
    if not quiet and not is_stdout(json_path):
        from bt_run.reports.tables import comparison_table

        print_result(comparison_table(results), written)
    if show:
        from bt_run.reports.compare_figure import draw_comparison
        from bt_run.reports.figure_file import show_figure

        show_figure(draw_comparison(results, log=log))


def _write(results: list[RunResult], *, json_path: Path | None, plot: Path | None, log: bool) -> list[Path]:
    from bt_run.reports import export

    written: list[Path] = []
    if json_path is not None:
        written += put_json(json_path, export.comparison_to_dict(results))
    if plot is not None:
        from bt_run.reports.compare_figure import draw_comparison
        from bt_run.reports.figure_file import save_figure

        save_figure(draw_comparison(results, log=log), plot)
        written.append(plot)
    return written
