"""``bt-run report``: the report of a live run, from its journal."""

from __future__ import annotations

from pathlib import Path

import click

from bt_run.cli import types
from bt_run.cli.command_line import command_line
from bt_run.cli.journal_options import RUN, file_of_journal, journal_options, open_journal, window_of
from bt_run.cli.options import check_outputs
from bt_run.cli.report_option import check_report, time_of_report, write_report

__all__ = ["report"]

_EPILOG = """\b
Examples:
  bt-run report last
  bt-run report 3 --journal live.sqlite --output week.html
  bt-run report last --symbol ETHUSDT --output eth.pdf
"""


@click.command(epilog=_EPILOG)
@click.argument("run", type=RUN, default="last")
@journal_options
@click.option("--symbol", type=types.SYMBOL, help="Which symbol, of a run that traded several.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write, .html or .pdf.  [default: run-N.html]",
)
@click.option(
    "--reproducible", is_flag=True, help="Leave the clock out, so that the same run writes the same bytes."
)
@click.pass_context
def report(
    ctx: click.Context,
    /,
    *,
    run: int | str,
    journal: str,
    symbol: str | None,
    output: Path | None,
    reproducible: bool,
) -> None:
    """
    Write the report of a live run, by its number or last, with the runs that it went on from.

    It is the report of bt-run backtest, but for the repetitions under other costs.
    """
    with open_journal(journal) as reader:
        number = window_of(reader, run=run, symbol=None, since=None, until=None).run or 0
        path = output or Path(f"run-{number}.html")
        check_report(path)
        check_outputs(None, path, plot=None, inputs=[file_of_journal(journal)])
        from bt_run.run.report.gather import report_of_live
        from bt_run.run.report.stored import stored_result

        result = stored_result(reader, reader.run(number), symbol=symbol)
    contents = report_of_live(
        result,
        command=command_line(ctx),
        kind="bt-run report",
        written=time_of_report(reproducible=reproducible),
    )
    click.echo(f"Wrote {write_report(path, contents)}")
