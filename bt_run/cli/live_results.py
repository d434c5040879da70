"""What ``bt-run live`` prints and writes when the run is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.output import print_result, put_json
from bt_run.cli.report_option import write_report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bt_run.core.results import RunResult
    from bt_run.run.live.run import LiveOutcome

__all__ = ["print_outcome", "report_results", "write_results"]


def write_results(
    results: Sequence[RunResult],
    *,
    plot: Path | None,
    json_path: Path | None,
    trades: Path | None,
    equity: Path | None,
) -> list[Path]:
    """Write the files asked for; give their paths."""
    from bt_run.reports import export

    wanted = [path for path in (plot, json_path, trades, equity) if path is not None]
    if not results or not wanted:
        if wanted:
            click.echo("No bar closed during the run, so there is no result to write.", err=True)
        return []
    written: list[Path] = []
    alone = results[0] if len(results) == 1 else None
    if json_path is not None:
        document = export.result_to_dict(alone) if alone else export.comparison_to_dict(results)
        written += put_json(json_path, document)
    for result in results:
        for path, write in ((trades, export.write_trades_csv), (equity, export.write_equity_csv)):
            if path is not None:
                own = path if alone else path.with_stem(f"{path.stem}-{result.data.symbol}")
                write(own, result)
                written.append(own)
    if plot is not None:
        from bt_run.reports.figure_file import save_figure

        save_figure(_figure(results), plot)
        written.append(plot)
    return written


def report_results(path: Path, results: Sequence[RunResult], *, command: str, clock: str | None) -> Path:
    """Write the report of at least one result; give its path."""
    from bt_run.run.report.gather import report_of_live, report_of_runs

    if len(results) == 1:
        return write_report(path, report_of_live(results[0], command=command, written=clock))
    return write_report(path, report_of_runs(results, command=command, kind="bt-run live", written=clock))


def _figure(results: Sequence[RunResult]) -> Any:
    if len(results) == 1:
        from bt_run.reports.figure import draw_run

        return draw_run(results[0])
    from bt_run.reports.compare_figure import draw_comparison

    return draw_comparison(results, log=False)


def print_outcome(outcome: LiveOutcome) -> None:
    """Print the results, why the run ended, and what was left."""
    from bt_run.reports.tables import comparison_table, run_table

    if len(outcome.results) == 1:
        print_result(run_table(outcome.results[0]), ())
    elif outcome.results:
        print_result(comparison_table(outcome.results), ())
    else:
        click.echo("No bar closed during the run.")
    click.echo(f"Ended: {outcome.reason}.")
    for sentence in outcome.sentences:
        click.echo(sentence)
