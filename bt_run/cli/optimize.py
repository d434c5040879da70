"""``bt-run optimize``: search the parameters of a strategy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.options import (
    ACCOUNT_KEYS,
    account_options,
    check_outputs,
    data_options,
    pick,
    settings_of,
    stacked,
)
from bt_run.cli.progress import progress_bar
from bt_run.cli.report_option import check_report, report_options, time_of_report
from bt_run.cli.search_options import metric_option, search_options, search_request

if TYPE_CHECKING:
    from bt_run.run.optimize.request import SearchRequest
    from bt_run.run.optimize.sweep_file import SweepFile

__all__ = ["optimize"]

_EPILOG = """\b
Examples:
  bt-run optimize -s rsi -d btc_1d.csv --param period=5:30 --param oversold=20:40:5
  bt-run optimize -s macd -d btc_1d.csv -p fast=5:20 -p slow=20:60:2 --min-trades 30 --plot map.png
  bt-run optimize -s rsi -d btc_1d.csv -p period -p oversold --method tpe --trials 200 --seed 7
  bt-run optimize -s rsi -d btc_1d.csv -p period=5:30 -m return -m max_drawdown --csv trials.csv
  bt-run optimize -s ./mine.py:Mine -d BTCUSDT:1h -p level=0.5:1.5:0.1 --jobs 2 --out mine.sqlite
  bt-run optimize -s ./mine.py:Mine -d BTCUSDT:1h -p level=0.5:1.5:0.1 --out mine.sqlite --resume
"""

_FILE = click.Path(dir_okay=False, path_type=Path)

_output_options = stacked(
    click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), help="Begin no run after so many seconds."
    ),
    click.option(
        "--out", type=_FILE, help="Where every result is kept (SQLite).  [default: in ~/.local/share/bt-run]"
    ),
    click.option("--resume", is_flag=True, help="Go on with a sweep that was stopped."),
    click.option("--overwrite", is_flag=True, help="Begin anew although --out holds a sweep."),
    click.option(
        "--top", type=click.IntRange(min=1), default=10, show_default=True, help="How many of the best to show."
    ),
    click.option(
        "--map", "map_names", help="Two parameters for the heat map.  [default: the first two that move]"
    ),
    click.option("--plot", type=_FILE, help="Write the heat map as a picture: .png, .svg or .pdf."),
    click.option("--csv", "csv_path", type=_FILE, help="Write every result as CSV."),
    click.option("--json", "json_path", type=_FILE, help="Write what was found; - for standard output."),
    click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
)


@click.command(epilog=_EPILOG)
@search_options
@metric_option(several=True)
@_output_options
@report_options
@data_options
@account_options
@click.pass_context
def optimize(
    ctx: click.Context,
    /,
    strategy: str,
    data: str,
    *,
    plot: Path | None,
    csv_path: Path | None,
    json_path: Path | None,
    report_path: Path | None,
    reproducible: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """
    Search the parameters of a strategy for the best results.

    Every result is kept in a file as it comes: Ctrl-C loses nothing, and --resume goes on. The best of many
    tries is partly luck; what is printed at the end says how much.
    """
    from bt_run.cli.optimize_view import Outputs, show_search

    settings = settings_of(**pick(options, ACCOUNT_KEYS))
    from strategies.built_in import import_talib_for

    import_talib_for([strategy])
    check_report(report_path)
    check_outputs(json_path, csv_path, options["out"], report_path, plot=plot, inputs=[data, strategy])
    request = search_request(strategy, data, settings, options, quiet=quiet)
    outputs = Outputs(
        top=options["top"],
        map_names=tuple(name.strip() for name in (options["map_names"] or "").split(",") if name.strip()),
        plot=plot,
        csv=csv_path,
        json=json_path,
        report=report_path,
        clock=time_of_report(reproducible=reproducible),
        is_quiet=quiet,
    )
    outputs.check(request)
    with _file_of(request, options) as file:
        try:
            _run(request, file, quiet=quiet)
        except KeyboardInterrupt:
            show_search(ctx, request, file, outputs, spec=strategy, data=data, options=options)
            raise
        show_search(ctx, request, file, outputs, spec=strategy, data=data, options=options)


def _file_of(request: SearchRequest, options: dict[str, Any]) -> SweepFile:
    from bt_run.core.errors import ConfigError
    from bt_run.run.optimize.sweep import begin_sweep, resume_sweep

    if options["resume"] and options["overwrite"]:
        raise ConfigError("--resume goes on with a sweep and --overwrite throws it away. Give one of them.")
    if options["resume"]:
        return resume_sweep(request, options["out"])
    return begin_sweep(request, options["out"], overwrite=options["overwrite"])


def _run(request: SearchRequest, file: SweepFile, *, quiet: bool) -> None:
    from bt_run.run.optimize.sweep import run_sweep

    with progress_bar("Searching", total=request.budget, unit="combinations", shown=not quiet) as progress:
        run_sweep(request, file, progress=progress)
