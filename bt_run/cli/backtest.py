"""``bt-run backtest``: one strategy over one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.ahead import engine_ahead, is_long
from bt_run.cli.collector import rare_collection, skip_last_collection
from bt_run.cli.command_line import command_line
from bt_run.cli.data_source import load_source
from bt_run.cli.options import (
    ACCOUNT_KEYS,
    account_options,
    check_outputs,
    complete_data,
    data_options,
    param_option,
    pick,
    settings_of,
    strategy_option,
)
from bt_run.cli.output import is_stdout, print_result, put_json
from bt_run.cli.progress import progress_bar
from bt_run.cli.report_option import check_report, report_options, time_of_report, write_report

if TYPE_CHECKING:
    from rich.console import RenderableType

    from bt_run.core.results import RunResult
    from bt_run.reports.honesty.honesty import HonestyReport
    from strategies.loader import LoadedStrategy

__all__ = ["backtest"]

_MANY_BARS = 50_000

_EPILOG = """\b
Examples:
  bt-run backtest --strategy rsi --data btc_1d.csv
  bt-run backtest -s rsi:period=10,oversold=25 -d btc_1d.csv --plot rsi.png
  bt-run backtest -s sar -d BTCUSDT-1h-2025-01.csv.gz --allow-short -i 4h
  bt-run backtest -s macd -d btc_1d.csv --stop-loss 5 --take-profit 20
  bt-run backtest -s ./mine.py:Mine -d btc_1d.csv --json out.json --trades out.csv
  bt-run backtest -s sar -d btc_1d.csv --report sar.html
  bt-run backtest -s macd -d btc_1d.csv --bootstrap 2000
"""

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=_EPILOG)
@strategy_option
@click.option(
    "--data",
    "-d",
    required=True,
    shell_complete=complete_data,
    help="A file of bars, a capture, or a series of the store such as BTCUSDT:1h.",
)
@param_option
@data_options
@account_options
@click.option("--plot", type=_FILE, help="Write a picture: .png, .svg or .pdf.")
@click.option("--show", is_flag=True, help="Open the picture in a window.")
@click.option("--json", "json_path", type=_FILE, help="Write the whole result; - for standard output.")
@click.option("--trades", type=_FILE, help="Write the trades as CSV.")
@click.option("--equity", type=_FILE, help="Write equity, cash and position of every bar as CSV.")
@report_options
@click.option(
    "--bootstrap",
    type=click.IntRange(min=100, max=1_000_000),
    help="Say how much may be luck: resample days and trades so many times, such as 2000.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@click.pass_context
@rare_collection()
def backtest(
    ctx: click.Context,
    /,
    strategy: str,
    data: str,
    param: tuple[str, ...],
    *,
    plot: Path | None,
    show: bool,
    json_path: Path | None,
    trades: Path | None,
    equity: Path | None,
    report_path: Path | None,
    reproducible: bool,
    bootstrap: int | None,
    quiet: bool,
    **options: Any,
) -> None:
    """
    Run one strategy over one file of bars.

    A decision at the close of a bar is filled at the open of the next one.
    """
    settings = settings_of(**pick(options, ACCOUNT_KEYS))
    from strategies.built_in import BUILT_IN, import_talib_for, is_there

    import_talib_for([strategy])
    check_report(report_path)
    check_outputs(json_path, trades, equity, report_path, plot=plot, inputs=[data, strategy])
    loaded = None
    if not is_there(strategy) or (is_long(data, store=options["store"]) and (param or "=" in strategy)):
        loaded = _load(strategy, param)  # what is wrong is said before time goes into reading
    is_ours = strategy.partition(":")[0] in BUILT_IN
    if is_ours:
        skip_last_collection()
    with engine_ahead(settings.engine, data, is_ours=is_ours, store=options["store"]):
        bars = load_source(data, options, quiet=quiet)
    from bt_run.run.backtest import run_backtest

    loaded = loaded or _load(strategy, param)
    many = len(bars.bars) >= _MANY_BARS
    with progress_bar("Backtesting", total=len(bars.bars), unit="bars", shown=many and not quiet) as progress:
        result = run_backtest(loaded, bars, settings, progress=progress)
    luck = _judge(result, resamples=bootstrap) if bootstrap is not None else None
    written = _write(result, luck, plot=plot, json_path=json_path, trades=trades, equity=equity)
    if report_path is not None:
        clock = time_of_report(reproducible=reproducible)
        written.append(
            _report(report_path, result, loaded, command=command_line(ctx), clock=clock, quiet=quiet)
        )
    if not quiet and not is_stdout(json_path):
        print_result(_table(result, luck), written)
    if show:
        from bt_run.reports.figure import draw_run
        from bt_run.reports.figure_file import show_figure

        show_figure(draw_run(result))


def _judge(result: RunResult, *, resamples: int) -> HonestyReport:
    from bt_run.reports.honesty.honesty import facts_of_run, honesty_of

    return honesty_of(facts_of_run(result), resamples=resamples)


def _table(result: RunResult, luck: HonestyReport | None) -> RenderableType:
    from rich.console import Group

    from bt_run.reports.tables import run_table

    if luck is None:
        return run_table(result)
    from bt_run.reports.honesty.block import honesty_block

    return Group(run_table(result), honesty_block(luck))


def _report(
    path: Path, result: RunResult, strategy: LoadedStrategy, *, command: str, clock: str | None, quiet: bool
) -> Path:
    """Repeat the run under other costs and write the report."""
    from bt_run.run.report.gather import COST_FACTORS, report_of_run

    many = len(result.data.bars) >= _MANY_BARS
    with progress_bar("Reporting", total=len(COST_FACTORS), unit="runs", shown=many and not quiet) as progress:
        contents = report_of_run(result, strategy, command=command, written=clock, progress=progress)
    return write_report(path, contents)


def _load(strategy: str, param: tuple[str, ...]) -> LoadedStrategy:
    from strategies.loader import load_strategy

    return load_strategy(strategy, params=param)


def _write(
    result: RunResult,
    luck: HonestyReport | None,
    *,
    plot: Path | None,
    json_path: Path | None,
    trades: Path | None,
    equity: Path | None,
) -> list[Path]:
    """Write the files asked for, the picture last because it takes longest; give their paths."""
    from bt_run.reports import export

    written: list[Path] = []
    if json_path is not None:
        document = export.result_to_dict(result)
        if luck is not None:
            from bt_run.reports.honesty.honesty import honesty_to_dict

            document["luck"] = honesty_to_dict(luck)
        written += put_json(json_path, document)
    if trades is not None:
        export.write_trades_csv(trades, result)
        written.append(trades)
    if equity is not None:
        export.write_equity_csv(equity, result)
        written.append(equity)
    if plot is not None:
        from bt_run.reports.figure import draw_run
        from bt_run.reports.figure_file import save_figure

        save_figure(draw_run(result), plot)
        written.append(plot)
    return written
