"""``bt-run walk-forward``: choose parameters on a window, trade them on the next, and go on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.command_line import command_line
from bt_run.cli.options import (
    ACCOUNT_KEYS,
    account_options,
    check_outputs,
    data_options,
    pick,
    settings_of,
    stacked,
)
from bt_run.cli.output import is_stdout, put_json
from bt_run.cli.progress import progress_bar
from bt_run.cli.report_option import check_report, report_options, time_of_report, write_report
from bt_run.cli.search_options import metric_option, search_options, search_request

if TYPE_CHECKING:
    from bt_run.reports.honesty.honesty import HonestyReport
    from bt_run.reports.walk_forward.result import WalkForward, WindowResult
    from bt_run.run.walk_forward.walk import Walk

__all__ = ["walk_forward"]

_EPILOG = """\b
Examples:
  bt-run walk-forward -s rsi -d btc_1d.csv --param period=5:30 --train 730d --test 180d
  bt-run walk-forward -s ma_cross -d btc_1d.csv -p fast=5:20:5 -p slow=30:90:15 --anchored --plot wf.png
  bt-run walk-forward -s rsi -d BTCUSDT:1h -p period -p oversold --method tpe --trials 50 --train 52w --test 13w
  bt-run walk-forward -s ./mine.py:Mine -d btc_1d.csv -p level=1:9 -m return --min-trades 5 --json wf.json
  bt-run walk-forward -s rsi -d BTCUSDT:1m -p period -p oversold=20:40:1 --cluster tcp://host:8786
"""

_FILE = click.Path(dir_okay=False, path_type=Path)

_output_options = stacked(
    click.option("--plot", type=_FILE, help="Write a picture: .png, .svg or .pdf."),
    click.option("--csv", "csv_path", type=_FILE, help="Write the windows as CSV."),
    click.option("--equity", type=_FILE, help="Write the stitched account of every bar as CSV."),
    click.option("--trades", type=_FILE, help="Write the stitched trades as CSV."),
    click.option("--json", "json_path", type=_FILE, help="Write all that was found; - for standard output."),
    click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
)


@click.command(epilog=_EPILOG)
@search_options
@metric_option(several=False)
@click.option(
    "--train", default="365d", show_default=True, help="How much each window chooses on: 365d, 52w, 720h."
)
@click.option("--test", default="90d", show_default=True, help="How much each window trades.")
@click.option(
    "--anchored/--rolling",
    default=False,
    help="Train on everything before the test, or on --train alone.  [default: rolling]",
)
@_output_options
@report_options
@data_options
@account_options
@click.pass_context
def walk_forward(
    ctx: click.Context,
    /,
    strategy: str,
    data: str,
    *,
    metric: str,
    train: str,
    test: str,
    anchored: bool,
    plot: Path | None,
    csv_path: Path | None,
    equity: Path | None,
    trades: Path | None,
    json_path: Path | None,
    report_path: Path | None,
    reproducible: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """
    Search on a window of the past, trade its best on the bars that follow, and go on.

    What the tests earn, put behind each other, is what searching would have earned.
    """
    settings = settings_of(**pick(options, ACCOUNT_KEYS))
    from strategies.built_in import import_talib_for

    import_talib_for([strategy])
    check_report(report_path)
    check_outputs(json_path, csv_path, equity, trades, report_path, plot=plot, inputs=[data, strategy])
    from bt_run.run.walk_forward.walk import plan_walk
    from bt_run.run.walk_forward.windows import parse_span

    for span in (train, test):
        parse_span(span)  # before the bars are read
    request = search_request(strategy, data, settings, {**options, "metric": (metric,)}, quiet=quiet)
    walk = plan_walk(request, train=train, test=test, anchored=anchored)
    found = walk.summarise(_run(walk, quiet=quiet))
    luck = _luck(found)
    written = _write(
        found, luck, plot=plot, csv_path=csv_path, equity=equity, trades=trades, json_path=json_path
    )
    if report_path is not None:
        from bt_run.run.report.gather_search import report_of_walk

        clock = time_of_report(reproducible=reproducible)
        contents = report_of_walk(found, luck, command=command_line(ctx), written=clock)
        written.append(write_report(report_path, contents))
    if not quiet and not is_stdout(json_path):
        _show(found, luck, written)


def _run(walk: Walk, *, quiet: bool) -> list[WindowResult]:
    """Run the windows; on Ctrl-C show those that are done, and write nothing."""
    results: list[WindowResult] = []
    try:
        with progress_bar("Walking", total=walk.steps, unit="runs", shown=not quiet) as progress:
            for result in walk.run(progress=progress):
                results.append(result)  # noqa: PERF402  # those done are wanted on Ctrl-C
    except KeyboardInterrupt:
        if results and not quiet:
            from rich.console import Console

            from bt_run.reports.walk_forward.table import window_table

            names = [axis.name for axis in walk.request.space.moving]
            console = Console(highlight=False)
            console.print(window_table(results, names=names, metric=walk.request.goals[0].metric))
            console.print(f"Stopped after {len(results)} of {len(walk.windows)} windows; nothing was written.")
        raise
    return results


def _luck(found: WalkForward) -> HonestyReport:
    """Judge the stitched account: it was not chosen, so it is one try."""
    from bt_run.reports.honesty.honesty import facts_of_run, honesty_of

    return honesty_of(facts_of_run(found.stitched))


def _show(found: WalkForward, luck: HonestyReport, written: list[Path]) -> None:
    from rich.console import Console

    from bt_run.reports.honesty.block import honesty_block
    from bt_run.reports.walk_forward.table import walk_table

    console = Console(highlight=False)
    console.print(walk_table(found))
    console.print(honesty_block(luck))
    for path in written:
        click.echo(f"Wrote {path}")


def _write(
    found: WalkForward,
    luck: HonestyReport,
    *,
    plot: Path | None,
    csv_path: Path | None,
    equity: Path | None,
    trades: Path | None,
    json_path: Path | None,
) -> list[Path]:
    """Write the files asked for, the picture last because it takes longest; give their paths."""
    from bt_run.reports import export
    from bt_run.reports.honesty.honesty import honesty_to_dict
    from bt_run.reports.walk_forward.export import walk_to_dict, write_windows_csv

    written: list[Path] = []
    if json_path is not None:
        written += put_json(json_path, {**walk_to_dict(found), "luck": honesty_to_dict(luck)})
    if csv_path is not None:
        write_windows_csv(csv_path, found)
        written.append(csv_path)
    if equity is not None:
        export.write_equity_csv(equity, found.stitched)
        written.append(equity)
    if trades is not None:
        export.write_trades_csv(trades, found.stitched)
        written.append(trades)
    if plot is not None:
        from bt_run.reports.figure_file import save_figure
        from bt_run.reports.walk_forward.figure import draw_walk

        save_figure(draw_walk(found), plot)
        written.append(plot)
    return written
