"""``bt-run web``: the desk on a page."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from bt_run.cli import types
from bt_run.cli.live_options import practice_options
from bt_run.cli.options import settings_option, store_option
from bt_run.cli.replay import start_exchange, venue_or_replay
from bt_run.cli.safety_options import hand_options
from bt_run.core.environment import read_variables
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.venue import Venue
    from bt_run.run.desk.rule_keeper import RuleKeeper
    from bt_run.run.live.practice import EmbeddedPractice
    from bt_run.web.state import Desk

__all__ = ["web"]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")

_EPILOG = """\b
Examples:
  bt-run web --venue practice --data btc_1d.csv --speed 60
  bt-run web
  bt-run web --venue testnet --journal bt-run.sqlite --results results
  bt-run web --venue mainnet --journal bt-run.sqlite --real-money --max-order 500

\b
Orders need a key, read from the environment or from .env (see bt-run live --help), and a journal.
"""


class _Shown(NamedTuple):
    """What the page begins with; `exchange` is one of its own, that replays --data."""

    venue: Venue
    symbols: tuple[str, ...]
    interval: str
    note: str = ""
    exchange: EmbeddedPractice | None = None


@click.command(epilog=_EPILOG)
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8765, show_default=True, help="0: any free one."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; another than this machine's needs BT_RUN_WEB_PASSWORD.",
)
@click.option(
    "--name",
    "host_names",
    multiple=True,
    help="A name that browsers know it by, such as desk.local; repeatable.",
)
@click.option("--browser/--no-browser", default=True, help="Whether to open the page.  [default: browser]")
@click.option("--venue", help="testnet, demo, practice, mainnet, data, or one of your own.  [default: data]")
@click.option(
    "--symbol",
    "symbols",
    multiple=True,
    type=types.SYMBOL,
    help="What to look at first.  [default: BTCUSDT]",
)
@click.option("--interval", "-i", type=types.INTERVAL, help="Of the bars.  [default: 1m, or that of the data]")
@click.option(
    "--journal",
    envvar="BT_RUN_JOURNAL",
    show_envvar=True,
    metavar="FILE|URL",
    help="Show the bots of this journal and four words for them; orders by hand are written there.",
)
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Compare the results in this folder, as bt-run backtest --json writes them; keep more there.",
)
@hand_options
@practice_options
@store_option
@settings_option
@click.pass_context
def web(
    ctx: click.Context,
    /,
    *,
    port: int,
    host: str,
    host_names: tuple[str, ...],
    browser: bool,
    venue: str | None,
    journal: str | None,
    results: Path | None,
    names: tuple[str, ...],
    **options: Any,
) -> None:
    """
    Show the market on a page: live chart, indicators, strategies, orders.

    It listens on this machine only, and lets in who has the token that it prints. Bars come from Binance's
    market data, without a key, or from a practice exchange. Orders are taken where there is a key.
    """
    from bt_run.cli.web_trading import offer_trading, signal_secret
    from bt_run.run.desk.results import ResultFolder
    from bt_run.web.access import Access
    from bt_run.web.app import make_app
    from bt_run.web.serve import bind, hosts_of, serve
    from bt_run.web.session_file import SessionFile, default_session_file
    from bt_run.web.state import Desk

    password_hash, secret = _password_for(host, host_names), signal_secret()
    with ExitStack() as stack:
        shown = _shown(stack, names, venue, options)
        listening = stack.enter_context(bind(host, port))
        token, real_port = secrets.token_urlsafe(32), listening.getsockname()[1]
        access = Access(token, password_hash=password_hash, kept=SessionFile(default_session_file()))
        desk = Desk(
            shown.venue,
            access,
            note=shown.note,
            symbols=shown.symbols,
            interval=shown.interval,
            journal=journal or "",
            results=None if results is None else ResultFolder(results),
        )
        desk.signal_secret = secret
        desk.market.start()
        stack.callback(desk.market.stop)
        offer_trading(stack, desk, shown.exchange, options)
        if desk.journal:
            desk.keeper = _keep_rules(stack, ctx, desk, is_replay=bool(names))
        url = f"http://{host}:{real_port}/?token={token}"
        app = make_app(desk, hosts=hosts_of(host, real_port, more=host_names))
        serve(app, listening, url=url, opens=browser, ready=lambda: click.echo(url))


def _shown(stack: ExitStack, names: Sequence[str], venue: str | None, options: dict[str, Any]) -> _Shown:
    symbols, interval = tuple(options["symbols"]), options["interval"]
    where = venue_or_replay(venue, names, default="data")
    if not names:
        return _Shown(where, symbols, str(interval or "1m"))
    exchange = start_exchange(stack, names, options, waits=False)
    markets = exchange.markets
    notes = dict.fromkeys(["practice exchange", *(market.note for market in markets if market.note)])
    return _Shown(
        exchange.venue,
        tuple(market.symbol for market in markets),
        str(interval or markets[0].interval),
        " · ".join(notes),
        exchange,
    )


def _keep_rules(stack: ExitStack, ctx: click.Context, desk: Desk, *, is_replay: bool) -> RuleKeeper:
    """Let the desk watch the alert rules; a replay of the past tells the page alone."""
    from bt_run.cli.alert_settings import read_alert_settings, targets_of
    from bt_run.run.desk.rule_keeper import RuleKeeper

    settings = read_alert_settings(ctx)
    targets = () if is_replay else targets_of(settings)
    keeper = RuleKeeper(desk.venue, desk.journal, settings, targets).start()
    stack.callback(keeper.stop)
    return keeper


def _password_for(host: str, names: tuple[str, ...]) -> str:
    """Give the hash of the user's password, empty for this machine alone. Raises ConfigError."""
    if host in _LOOPBACK:
        return ""
    from bt_run.web.access import hash_password

    password = read_variables().get("BT_RUN_WEB_PASSWORD")
    if not password:
        raise ConfigError(
            f"{host} lets other machines in, which needs a password. Set BT_RUN_WEB_PASSWORD in the "
            f"environment or in .env, or use a tunnel: ssh -L 8765:127.0.0.1:8765 HOST."
        )
    if host in ("0.0.0.0", "::") and not names:  # noqa: S104  # it is refused without names
        raise ConfigError(f"{host} is every address of this machine. Say by which name it is reached: --name.")
    return hash_password(password)
