"""``bt-run live``: one strategy on an exchange."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bt_run.cli.alert_settings import alerts_option, listener_for, say_unsent
from bt_run.cli.command_line import command_line
from bt_run.cli.journal_options import file_of_journal
from bt_run.cli.live_options import book_options, market_options, practice_options, stake_options, web_options
from bt_run.cli.live_plan import journal_of, mode_of, open_place, plan_of, venue_of
from bt_run.cli.live_results import print_outcome, report_results, write_results
from bt_run.cli.options import check_outputs, param_option, settings_option, store_option, strategy_option
from bt_run.cli.output import is_stdout, print_written
from bt_run.cli.replay import file_of
from bt_run.cli.report_option import check_report, report_options, time_of_report
from bt_run.cli.safety_options import safety_options

__all__ = ["live"]

_INTERRUPTED = 130
_FILE = click.Path(dir_okay=False, path_type=Path)

_EPILOG = """\b
Examples:
  bt-run live --strategy sar
  bt-run live -s sar --venue practice --data btc_1d.csv --speed max
  bt-run live -s rsi:period=10 --symbol ETHUSDT -i 5m --stake 100USDT --stop-loss 2
  bt-run live -s macd --paper --duration 8h --plot macd.png
  bt-run live -s sar --venue practice --data btc_1d.csv --speed 3600 --web
  bt-run live -s combined --venue mainnet --real-money --cash 500 --max-daily-loss 5%

\b
Keys are read from the environment or from .env: BINANCE_TESTNET_API_KEY and
BINANCE_TESTNET_API_SECRET, BINANCE_DEMO_..., BINANCE_API_KEY and BINANCE_API_SECRET for mainnet.
With --data no key is needed. Ctrl-C and SIGTERM end the run in order.
"""


@click.command(epilog=_EPILOG)
@strategy_option
@param_option
@market_options
@stake_options
@safety_options
@book_options
@practice_options
@alerts_option
@web_options
@store_option
@settings_option
@click.option("--plot", type=_FILE, help="Write a picture at the end: .png, .svg or .pdf.")
@click.option("--json", "json_path", type=_FILE, help="Write the whole result; - for standard output.")
@click.option("--trades", type=_FILE, help="Write the trades as CSV.")
@click.option("--equity", type=_FILE, help="Write equity, cash and position of every bar as CSV.")
@report_options
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but warnings and errors.")
@click.pass_context
def live(
    ctx: click.Context,
    /,
    strategy: str,
    *,
    plot: Path | None,
    json_path: Path | None,
    trades: Path | None,
    equity: Path | None,
    report_path: Path | None,
    reproducible: bool,
    quiet: bool,
    names: tuple[str, ...],
    venue: str | None,
    real_money: bool,
    alerts: bool | None,
    web: bool,
    web_port: int,
    web_browser: bool,
    **options: Any,
) -> None:
    """
    Trade one strategy on an exchange: Binance's testnet, unless told otherwise.

    The class is the one that was backtested. A decision at the close of a bar is sent at once. What a run does
    is written into the journal, and the next start goes on from there, however the last one ended.
    """
    mode = mode_of(options)
    where = venue_of(venue, names, mode)
    from strategies.built_in import import_talib_for

    import_talib_for([strategy])
    check_report(report_path)
    inputs = [*(file_of(name) for name in names), strategy]
    if (journal := journal_of(options, is_replay=bool(names))) is not None:
        inputs.append(file_of_journal(journal))
    check_outputs(json_path, trades, equity, report_path, plot=plot, inputs=inputs)
    listener = listener_for(ctx, wants=alerts, is_replay=bool(names))
    from bt_run.cli.live_display import LiveDisplay
    from bt_run.run.live.real_money import allow_real_money
    from bt_run.run.live.run import LiveRun
    from strategies.loader import load_strategy

    loaded = load_strategy(strategy, params=options["param"])
    with ExitStack() as stack:
        place = open_place(stack, where, names, mode, options)
        plan = plan_of(loaded, place, mode, options)
        uid = allow_real_money(
            plan, is_wanted=real_money, environ=os.environ, ask=_ask if sys.stdin.isatty() else None
        )
        if web:
            from bt_run.cli.live_web import open_page

            to_stderr = quiet or is_stdout(json_path)
            plan = open_page(stack, plan, port=web_port, opens=web_browser, to_stderr=to_stderr)
        display = stack.enter_context(LiveDisplay(plan, quiet=quiet))
        run = LiveRun(
            plan, place.credentials, audience=display, account_uid=uid, listener=listener, abandon=_abandon
        )
        outcome = run.run()
    say_unsent(is_unsent=listener is not None and listener.unsent)
    tells = not quiet and not is_stdout(json_path)
    if tells:
        print_outcome(outcome)  # before the files: what is held must be said though a disk is full
    written = write_results(outcome.results, plot=plot, json_path=json_path, trades=trades, equity=equity)
    if report_path is not None and outcome.results:
        clock = time_of_report(reproducible=reproducible)
        written.append(report_results(report_path, outcome.results, command=command_line(ctx), clock=clock))
    if tells:
        print_written(written)
    if outcome.was_interrupted:
        ctx.exit(_INTERRUPTED)


def _abandon() -> None:
    """End the process as if it was killed; written around `sys.stderr`, which the other thread may hold."""
    from bt_run.cli.main import TERMINATED
    from bt_run.run.live.os_signals import LEAVE_S

    told = (
        f"Error: The run did not end within {LEAVE_S:g} s of SIGTERM, so the process ends as if killed. "
        "The same command goes on from here.\n"
    )
    shown = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # the cursor, which the panel hides
    os.write(2, (shown + told).encode())
    os._exit(TERMINATED)


def _ask(lines: list[str], question: str) -> str:
    for line in lines:
        click.echo(line, err=True)
    return str(click.prompt(question, default="", show_default=False, err=True))
