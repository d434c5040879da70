"""``bt-run signals``: watch pairs, and say what a strategy would do and what that would be worth."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli import types
from bt_run.cli.alert_settings import alerts_option, say_unsent, settings_for_run, targets_of
from bt_run.cli.live_options import parse_amount, parse_duration
from bt_run.cli.options import complete_data, complete_strategy, param_option, settings_option, store_option
from bt_run.cli.practice import parse_rate, parse_speed
from bt_run.cli.replay import start_exchange, venue_or_replay
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from bt_run.alerts.settings import AlertSettings
    from bt_run.core.venue import Venue
    from bt_run.run.alerting.signals import SignalAlerts
    from bt_run.run.live.practice import Market
    from bt_run.run.signals.plan import WatchPlan
    from bt_run.run.signals.watch import WatchOutcome

__all__ = ["signals"]

_INTERRUPTED = 130
_FILE = click.Path(dir_okay=False, path_type=Path)

_EPILOG = """\b
Examples:
  bt-run signals --symbol BTCUSDT --invest 250
  bt-run signals --symbol BTCUSDT --symbol ETHUSDT --invest 100 -s rsi:period=10 -i 5m
  bt-run signals --venue practice --data btc_1d.csv --speed max --invest 250 -s sar
  bt-run signals --symbol BTCUSDT --invest 250 --json --duration 8h

\b
It never trades and needs no key: prices are mainnet's public ones unless --venue says otherwise.
Asks for pair and amount where they are not given and a terminal is there. Ctrl-C prints a summary.
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--symbol", "symbols", multiple=True, type=types.SYMBOL, help="A pair, such as BTCUSDT; repeatable."
)
@click.option(
    "--invest",
    type=types.Parsed("amount", parse_amount),
    help="What an entry may cost, fee included, in the quote asset: 250.",
)
@click.option(
    "--strategy",
    "-s",
    default="combined",
    show_default=True,
    shell_complete=complete_strategy,
    help="A name (see bt-run strategies) or ./file.py:Class, with parameters as in rsi:period=10.",
)
@param_option
@click.option(
    "--interval",
    "-i",
    type=types.INTERVAL,
    help="Of the bars.  [default: 1m; on the practice exchange that of its data]",
)
@click.option(
    "--history",
    type=click.IntRange(min=0),
    default=5000,
    show_default=True,
    help="Closed bars to begin with; how signals did before is reckoned from them.",
)
@click.option(
    "--allow-short/--long-only", default=False, help="Whether there are short signals.  [default: long-only]"
)
@click.option(
    "--fee", type=types.Parsed("fee", parse_rate), default="0.1%", show_default=True, help="Of each trade."
)
@click.option(
    "--market",
    type=click.Choice(["spot", "futures"]),
    help="USD-M futures have liquidations.  [default: spot; futures for strategies of order flow]",
)
@click.option("--duration", type=types.Parsed("duration", parse_duration), help="End after so long: 30m, 8h.")
@click.option(
    "--venue",
    help="mainnet, testnet, demo, practice, or a name of your own.  [default: mainnet's public data]",
)
@click.option(
    "--data",
    "-d",
    "names",
    multiple=True,
    shell_complete=complete_data,
    help="Start a practice exchange inside and replay this; repeatable. ETHUSDT=FILE names the pair.",
)
@click.option(
    "--speed",
    type=types.Parsed("speed", parse_speed),
    default="1",
    show_default=True,
    help="Of that exchange: seconds in a second, or max.",
)
@click.option("--at", default="start", show_default=True, metavar="start|TIME", help="Where its clock begins.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Of its prices.")
@alerts_option
@click.option(
    "--journal",
    default="bt-run.sqlite",
    show_default=True,
    envvar="BT_RUN_JOURNAL",
    show_envvar=True,
    metavar="FILE|URL",
    help="Where alerts and their rules are kept; only used with alerts.",
)
@store_option
@settings_option
@click.option("--chart", type=_FILE, help="Write an interactive chart at the end: one .html file, offline.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.option("--quiet", "-q", is_flag=True, help="Print signals, warnings and the summary alone.")
@click.pass_context
def signals(
    ctx: click.Context,
    /,
    symbols: tuple[str, ...],
    *,
    invest: Decimal | None,
    strategy: str,
    names: tuple[str, ...],
    venue: str | None,
    chart: Path | None,
    as_json: bool,
    quiet: bool,
    alerts: bool | None,
    journal: str,
    **options: Any,
) -> None:
    """
    Watch pairs and tell each signal of a strategy as it happens, and what it is worth while it lasts.

    A signal has its time, side, price and indicator values, the size that the amount buys, and how the same
    signal did before. While it lasts: gain in percent and money, best and worst since, the break-even.
    """
    where = venue_or_replay(venue, names, default="data")
    if chart is not None:
        _check_chart(chart)
    symbols, invest = _asked(symbols, invest, names, is_open=where.name == "practice")
    from strategies.built_in import import_talib_for

    import_talib_for([strategy])
    from bt_run.cli.signals_display import display_of
    from bt_run.run.signals.watch import SignalWatch
    from strategies.loader import load_strategy

    loaded = load_strategy(strategy, params=options["param"])
    settings = settings_for_run(ctx, wants=alerts, is_replay=bool(names))
    with ExitStack() as stack:
        markets: tuple[Market, ...] = ()
        if names:
            exchange = start_exchange(stack, names, options, symbols=symbols)
            where, markets = exchange.venue, exchange.markets
        elif where.name == "practice":
            from bt_run.run.live.practice import running_markets

            markets = running_markets(where)
        plan = _plan(
            loaded, where, options, symbols=symbols, invest=invest, markets=markets, is_own=bool(names)
        )
        display = display_of(plan, as_json=as_json, quiet=quiet)
        followers = _followers(stack, settings, journal)
        with display:
            outcome = SignalWatch(plan, [display, *followers]).run()
        display.summary(outcome)
        if chart is not None:
            _write_chart(chart, plan, outcome)
    if outcome.was_interrupted:
        ctx.exit(_INTERRUPTED)


def _followers(stack: ExitStack, settings: AlertSettings | None, journal: str) -> list[SignalAlerts]:
    """Open the desk that makes messages; none where there are no targets, or none is wanted."""
    if settings is None or not settings.urls:
        return []
    from bt_run.run.alerting.desk import AlertDesk
    from bt_run.run.alerting.signals import SignalAlerts

    desk = AlertDesk(settings, targets_of(settings), journal).start()
    stack.callback(lambda: say_unsent(is_unsent=not desk.close()))
    return [SignalAlerts(desk, scope=f"signals-{time.time_ns() // 1_000_000}")]


def _check_chart(path: Path) -> None:
    from bt_run.core.atomic import check_target
    from bt_run.reports.page.signal_page import check_page_path

    check_page_path(path)
    check_target(path)


def _write_chart(path: Path, plan: WatchPlan, outcome: WatchOutcome) -> None:
    from bt_run.reports.page.signal_page import write_signal_page
    from bt_run.run.signals.chart import chart_of

    charts = [found for desk in outcome.desks if (found := chart_of(desk)) is not None]
    title = f"Signals of {plan.strategy.name} on {plan.venue.name}"
    write_signal_page(path, charts, title=title, note=plan.note)
    click.echo(f"Wrote {path}", err=True)


def _asked(
    symbols: tuple[str, ...], invest: Decimal | None, names: Sequence[str], *, is_open: bool
) -> tuple[tuple[str, ...], Decimal]:
    """Give pairs and amount; asks for what is missing where a person is there."""
    can_ask = sys.stdin.isatty() and sys.stderr.isatty()
    if not symbols and not names and not is_open:
        if not can_ask:
            raise ConfigError("Name a pair to watch, such as --symbol BTCUSDT.")
        typed = str(click.prompt("Pair", default="BTCUSDT", err=True)).replace(",", " ").split()
        symbols = tuple(map(types.plain_symbol, typed))
    if invest is None:
        if not can_ask:
            raise ConfigError("Say what an entry may cost in the quote asset, such as --invest 250.")
        invest = click.prompt("Amount to invest", type=types.Parsed("amount", parse_amount), err=True)
    return symbols, invest


def _plan(
    strategy: Any,
    venue: Venue,
    options: dict[str, Any],
    *,
    symbols: tuple[str, ...],
    invest: Decimal,
    markets: tuple[Market, ...],
    is_own: bool,
) -> WatchPlan:
    from bt_run.core.interval import Interval
    from bt_run.run.signals.plan import WatchPlan

    return WatchPlan(
        strategy=strategy,
        venue=venue,
        symbols=symbols or tuple(market.symbol for market in markets),
        interval=options["interval"] or Interval.parse(markets[0].interval if markets else "1m"),
        invest=invest,
        market=options["market"] or ("futures" if getattr(strategy.cls, "uses_order_flow", False) else "spot"),
        fee=options["fee"],
        history=options["history"],
        allow_short=options["allow_short"],
        duration_s=options["duration"],
        holds_clock=is_own,
        note=markets[0].note if markets else "",
    )
