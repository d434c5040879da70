"""``bt-run live``: one strategy on an exchange."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.alert_settings import alerts_option, listener_for, say_unsent
from bt_run.cli.command_line import command_line
from bt_run.cli.live_options import book_options, market_options, practice_options, stake_options, web_options
from bt_run.cli.options import check_outputs, complete_strategy, pick, settings_option, store_option
from bt_run.cli.output import is_stdout, print_result, put_json
from bt_run.cli.report_option import check_report, report_options, time_of_report, write_report
from bt_run.cli.safety_options import SAFETY_KEYS, limits_of, safety_options
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from brokers.binance.credentials import Credentials
    from bt_run.cli.live_options import Adopted
    from bt_run.core.results import RunResult
    from bt_run.core.venue import Venue
    from bt_run.practice.plan import PracticePlan
    from bt_run.run.live.plan import DataOrigin, LivePlan, Mode
    from bt_run.run.live.practice import Market
    from bt_run.run.live.run import LiveOutcome

__all__ = ["live"]

_INTERRUPTED = 130
_ALL_PCT = 95  # of equity; the rest is for fees and for a price that moves meanwhile
_JOURNAL = "bt-run.sqlite"
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
@click.option(
    "--strategy",
    "-s",
    required=True,
    shell_complete=complete_strategy,
    help="A name (see bt-run strategies) or ./file.py:Class, with parameters as in rsi:period=10,oversold=25.",
)
@click.option("--param", "-p", multiple=True, help="A strategy parameter, name=value; repeatable.")
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
    mode = _mode(options)
    where = _venue(venue, names, mode)
    from strategies.built_in import import_talib_for

    import_talib_for([strategy])
    check_report(report_path)
    inputs = [*(_file_of(name) for name in names), strategy]
    check_outputs(json_path, trades, equity, report_path, plot=plot, inputs=inputs)
    listener = listener_for(ctx, wants=alerts, is_replay=bool(names))
    from bt_run.cli.live_display import LiveDisplay
    from bt_run.run.live.real_money import allow_real_money
    from bt_run.run.live.run import LiveRun
    from strategies.loader import load_strategy

    loaded = load_strategy(strategy, params=options["param"])
    with ExitStack() as stack:
        origin: DataOrigin | None = None
        markets: tuple[Market, ...] = ()
        credentials: Credentials | None = None
        if names:
            exchange, origin = _start_exchange(stack, names, options)
            where, markets = exchange.venue, exchange.markets
            credentials = _key(exchange.api_key, exchange.secret)
        elif where.name == "practice":
            from bt_run.run.live.practice import running_markets

            markets = running_markets(where)
        if credentials is None and mode == "live":
            from brokers.binance.credentials import find_credentials

            credentials = find_credentials(where.name)
        plan = _plan(loaded, where, mode, options, markets=markets, origin=origin)
        uid = allow_real_money(
            plan, is_wanted=real_money, environ=os.environ, ask=_ask if sys.stdin.isatty() else None
        )
        if web:
            from bt_run.cli.live_web import open_page

            to_stderr = quiet or is_stdout(json_path)
            plan = open_page(stack, plan, port=web_port, opens=web_browser, to_stderr=to_stderr)
        display = stack.enter_context(LiveDisplay(plan, quiet=quiet))
        run = LiveRun(plan, credentials, audience=display, account_uid=uid, listener=listener, abandon=_abandon)
        outcome = run.run()
    say_unsent(is_unsent=listener is not None and listener.unsent)
    written = _write(outcome.results, plot=plot, json_path=json_path, trades=trades, equity=equity)
    if report_path is not None and outcome.results:
        clock = time_of_report(reproducible=reproducible)
        written.append(_report(report_path, outcome.results, command=command_line(ctx), clock=clock))
    if not quiet and not is_stdout(json_path):
        _print(outcome, written)
    if outcome.was_interrupted:
        ctx.exit(_INTERRUPTED)


def _abandon() -> None:
    """End the process as if it was killed; written around `sys.stderr`, which the other thread may hold."""
    from bt_run.cli.main import TERMINATED
    from bt_run.run.live.os_signals import LEAVE_S

    told = (
        f"Error: The run did not end within {LEAVE_S:g} s of SIGTERM, so the process ends as if killed. "
        f"The same command goes on from here.\n"
    )
    shown = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # the cursor, which the panel hides
    os.write(2, (shown + told).encode())
    os._exit(TERMINATED)


# Before the run.


def _mode(options: dict[str, Any]) -> Mode:
    if options["paper"] and options["signals_only"]:
        raise ConfigError("--paper simulates fills, and --signals-only sends nothing. Give one of them.")
    return "paper" if options["paper"] else "signals" if options["signals_only"] else "live"


def _venue(name: str | None, names: Sequence[str], mode: Mode) -> Venue:
    from bt_run.cli.venues import venue_named

    if names and name not in (None, "practice"):
        raise ConfigError(f"--data replays a file on the practice exchange, and --venue says {name}. Drop one.")
    default = "practice" if names else "testnet" if mode == "live" else "data"
    return venue_named(name or default)


def _file_of(name: str) -> str:
    """Give the file of a --data, which may name a symbol before it."""
    return name.partition("=")[2] or name


def _start_exchange(stack: ExitStack, names: Sequence[str], options: dict[str, Any]) -> tuple[Any, DataOrigin]:
    from bt_run.run.live.plan import DataOrigin
    from bt_run.run.live.practice import EmbeddedPractice

    exchange = stack.enter_context(EmbeddedPractice(_practice_plan(names, options), cash=options["cash"]))
    for market in exchange.markets:
        for warning in market.warnings:
            click.echo(warning, err=True)
    first = exchange.markets[0]
    return exchange, DataOrigin(_file_of(names[0]), first.warnings)


def _practice_plan(names: Sequence[str], options: dict[str, Any]) -> PracticePlan:
    from bt_run.cli.practice import market_request
    from bt_run.practice.plan import PracticePlan
    from bt_run.practice.rules import Fees

    symbols, asset = options["symbols"], options["fee_asset"]
    only = symbols[0] if len(symbols) == 1 and len(names) == 1 and "=" not in names[0] else None
    given = {**options, "data_interval": None}
    return PracticePlan(
        tuple(market_request(name, only, given) for name in names),
        fees=Fees(options["fee"], options["fee"], asset if asset in ("received", "quote") else asset.upper()),
        speed=options["speed"],
        step=True,  # its clock begins when the run is ready
        seed=options["seed"],
        limits=options["speed"] != "max",  # they count real time
    )


def _key(api_key: str, secret: str) -> Credentials:
    from brokers.binance.credentials import Credentials

    return Credentials(api_key, secret)


def _plan(
    strategy: Any,
    venue: Venue,
    mode: Mode,
    options: dict[str, Any],
    *,
    markets: tuple[Market, ...],
    origin: DataOrigin | None,
) -> LivePlan:
    from bt_run.core.interval import Interval
    from bt_run.core.money import Stake
    from bt_run.core.settings import Protection
    from bt_run.run.live.plan import LivePlan

    symbols = tuple(name.upper().replace("/", "").replace("-", "") for name in options["symbols"])
    if not symbols:
        symbols = tuple(market.symbol for market in markets) or ("BTCUSDT",)
    _check_replayed(symbols, markets)
    interval = options["interval"] or Interval.parse(markets[0].interval if markets else "1m")
    journal = options["journal"] or (None if origin is not None else _JOURNAL)
    return LivePlan(
        strategy=strategy,
        venue=venue,
        symbols=symbols,
        interval=interval,
        mode=mode,
        one_strategy=options["one_strategy"],
        stake=options["stake"] or Stake(_ALL_PCT * 100 // len(symbols) / 100, "percent"),
        protection=Protection(options["stop_loss"], options["take_profit"], options["trailing_stop"]),
        cash=options["cash"],
        history=options["history"],
        intrabar=options["intrabar"],
        duration_s=options["duration"],
        journal=journal,
        limits=limits_of(**pick(options, SAFETY_KEYS)),
        on_stop=options["on_stop"],
        missed_exits=options["missed_exits"],
        adopt=_adopt(options["adopt"], symbols),
        fresh=options["fresh"],
        notes={market.symbol: market.note for market in markets},
        origin=origin,
    )


def _check_replayed(symbols: tuple[str, ...], markets: tuple[Market, ...]) -> None:
    replayed = [market.symbol for market in markets]
    strangers = [symbol for symbol in symbols if symbol not in replayed]
    if replayed and strangers:
        raise ConfigError(
            f"The practice exchange replays {', '.join(replayed)}, not {', '.join(strangers)}. "
            f"Each symbol has data of its own: --data BTCUSDT=btc.csv --data ETHUSDT=eth.csv."
        )


def _adopt(given: Sequence[Adopted], symbols: tuple[str, ...]) -> dict[str, tuple[Decimal, Decimal | None]]:
    found: dict[str, tuple[Decimal, Decimal | None]] = {}
    for symbol, quantity, price in given:
        if not symbol and len(symbols) > 1:
            raise ConfigError("With several symbols name the one: --adopt-position BTCUSDT=0.5@60000.")
        found[symbol or symbols[0]] = (quantity, price)
    return found


def _ask(lines: list[str], question: str) -> str:
    for line in lines:
        click.echo(line, err=True)
    return str(click.prompt(question, default="", show_default=False, err=True))


# After the run.


def _write(
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


def _report(path: Path, results: Sequence[RunResult], *, command: str, clock: str | None) -> Path:
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


def _print(outcome: LiveOutcome, written: Sequence[Path]) -> None:
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
    for path in written:
        click.echo(f"Wrote {path}")
