"""``bt-run practice``: our own exchange on this machine, which speaks Binance's protocol."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from bt_run.cli import types
from bt_run.cli.options import complete_data, settings_option, store_option
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from bt_run.cli.practice_view import PracticeView
    from bt_run.practice.plan import Practice, PracticePlan
    from bt_run.practice.rules import Fees
    from bt_run.practice.signing import HmacKey

__all__ = ["fees_in", "market_request", "parse_rate", "parse_speed", "practice"]

_INTERRUPTED = 130
_PORT = 8590
_CHECK_S = 0.2
_KEY, _SECRET = "BT_RUN_PRACTICE_API_KEY", "BT_RUN_PRACTICE_API_SECRET"

_EPILOG = """\b
Examples:
  bt-run practice --data btc_1d.csv --symbol BTCUSDT --speed 60
  bt-run practice --data BTCUSDT:1m --data ETHUSDT=eth_1m.csv --balance 10000USDT --balance 1ETH
  bt-run practice --data btc_1d.csv --seed 7 --speed max --faults nasty.json
  bt-run practice --data captures/ --port 0 --state practice.json

\b
--data and what stands behind it: a file, a capture, or a series of the store, as in bt-run backtest.
The account's key is made up; --seed makes the same one each time. BT_RUN_PRACTICE_API_KEY and
BT_RUN_PRACTICE_API_SECRET (64 letters and digits) are taken where they are set.
"""


def parse_speed(text: str) -> float | Literal["max"]:
    """Read a speed above 0, or ``max``. Raises ConfigError."""
    if text == "max":
        return "max"
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise ConfigError(f"{text!r} is not a speed. Write 1 (real time), 60, 0.5 or max.")
    return speed


def _parse_balance(text: str) -> tuple[str, Decimal]:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z][A-Za-z0-9]{0,19})\s*", text)
    if match is None:
        raise ConfigError(f"{text!r} is not a balance. Write amount and asset, such as 10000USDT or 0.5BTC.")
    return match[2].upper(), Decimal(match[1])


def parse_rate(text: str) -> Decimal:
    """Read a fee, ``0.1%`` or ``0.001``, at most 2 %. Raises ConfigError."""
    try:
        rate = Decimal(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except InvalidOperation:
        rate = Decimal("NaN")
    if not 0 <= rate <= Decimal("0.02"):
        raise ConfigError(f"{text!r} is not a fee. Write 0.1% or 0.001; at most 2%.")
    return rate


@click.command(epilog=_EPILOG)
@click.option(
    "--data",
    "-d",
    "names",
    multiple=True,
    required=True,
    shell_complete=complete_data,
    help="What to replay: bars, trades or a capture; repeatable. ETHUSDT=FILE names the symbol.",
)
@click.option("--symbol", "-s", type=types.SYMBOL, help="Symbol of the data, where their name does not tell.")
@click.option("--data-interval", type=types.INTERVAL, help="Interval of the data, where they do not tell.")
@click.option(
    "--speed",
    type=types.Parsed("speed", parse_speed),
    default="1",
    show_default=True,
    help="Seconds of the exchange in a second, or max: as fast as the bot that holds the clock.",
)
@click.option("--step", is_flag=True, help="The clock moves on request only: POST /practice/step.")
@click.option(
    "--at",
    default="start",
    show_default=True,
    metavar="start|end|TIME",
    help="Where the clock begins; start is after 500 bars, so that there is history.",
)
@click.option(
    "--balance",
    "balances",
    multiple=True,
    type=types.Parsed("balance", _parse_balance),
    help="Such as 10000USDT; repeatable.  [default: 10000 of each quote asset]",
)
@click.option(
    "--maker-fee", type=types.Parsed("fee", parse_rate), default="0.1%", show_default=True, help="Of makers."
)
@click.option(
    "--taker-fee", type=types.Parsed("fee", parse_rate), default="0.1%", show_default=True, help="Of takers."
)
@click.option(
    "--fee-asset",
    default="received",
    show_default=True,
    help="received (as Binance), quote (as Backtrader counts), or an asset such as BNB.",
)
@click.option(
    "--spread", type=click.IntRange(min=0), default=0, show_default=True, help="Between bid and ask, in ticks."
)
@click.option(
    "--filters",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON with filters that differ, by symbol, as in exchangeInfo.",
)
@click.option(
    "--faults",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON with faults that are active from the start.",
)
@click.option("--no-limits", is_flag=True, help="Count weights, orders and messages, and refuse none.")
@click.option(
    "--state",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that keeps clock, orders, balances and key over restarts.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Make the same prices inside bars, ids and key again.")
@click.option(
    "--ed25519-public-key",
    "public_key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="PEM file of a public key that may trade, too.",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Who may connect; the default is this machine."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=_PORT,
    show_default=True,
    help="0: any free one. --venue practice looks at the default.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="BT_RUN_DATA_DIR",
    show_envvar=True,
    help="Your folder of data files, searched after the current one and before the shipped data.",
)
@store_option
@settings_option
@click.option("--quiet", "-q", is_flag=True, help="No log and no status line.")
@click.pass_context
def practice(ctx: click.Context, /, *, quiet: bool, **options: Any) -> None:
    """
    Serve a practice exchange: Binance's protocol on this machine, without keys, network or risk.

    One port serves REST, streams and the WebSocket API. The data are replayed as a market that trades; orders
    are matched against it. Ctrl-C ends it and prints the balances.
    """
    from bt_run.cli.practice_view import PracticeView
    from bt_run.practice.plan import prepare

    found = prepare(_plan(**options))
    view = PracticeView(found, quiet=quiet)
    if asyncio.run(_serve(found, view)):
        ctx.exit(_INTERRUPTED)


async def _serve(found: Practice, view: PracticeView) -> bool:
    """Serve until a signal ends it; tells whether it was Ctrl-C."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    interrupted = begun = False

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        stop.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    try:
        with view.logging():
            async with found.server:
                begun = True
                view.greet()
                async with view.showing():
                    await _until(stop, found)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
        if found.state is not None and begun:
            found.state.close()
    view.say_goodbye()
    return interrupted


async def _until(stop: asyncio.Event, found: Practice) -> None:
    """Wait for the end; keeps the state's file meanwhile. Raises what stopped the clock."""
    while not stop.is_set():
        if found.pacer.failure is not None:
            raise found.pacer.failure
        if found.state is not None:
            found.state.save_if_due()
        try:
            async with asyncio.timeout(_CHECK_S):
                await stop.wait()
        except TimeoutError:
            continue


def _plan(
    *,
    names: tuple[str, ...],
    symbol: str | None,
    balances: tuple[tuple[str, Decimal], ...],
    filters: Path | None,
    faults: Path | None,
    no_limits: bool,
    public_key: Path | None,
    **options: Any,
) -> PracticePlan:
    """Make the plan of the command's options. Raises ConfigError."""
    from bt_run.practice.faults import read_faults
    from bt_run.practice.market.filter_changes import read_filters
    from bt_run.practice.plan import PracticePlan

    if symbol is not None and len(names) > 1:
        raise ConfigError(
            "--symbol is for one --data. Name each: --data BTCUSDT=btc.csv --data ETHUSDT=eth.csv."
        )
    return PracticePlan(
        tuple(market_request(name, symbol, options) for name in names),
        balances=_summed(balances),
        fees=fees_in(options["fee_asset"], maker=options["maker_fee"], taker=options["taker_fee"]),
        filters={} if filters is None else read_filters(filters),
        speed=options["speed"],
        step=options["step"],
        seed=options["seed"],
        key=_own_key(),
        public_key=None if public_key is None else _text_of(public_key),
        host=options["host"],
        port=options["port"],
        limits=not no_limits,
        faults=() if faults is None else read_faults(faults),
        state=options["state"],
    )


def market_request(name: str, symbol: str | None, options: dict[str, Any]) -> Any:
    """Make a request of ``SYMBOL=NAME`` or a name, and of the options about data. Raises ConfigError."""
    from bt_run.practice.market.data_file import MarketRequest

    named = re.fullmatch(r"([A-Za-z0-9]{2,20})=(.+)", name)
    if named is not None and symbol is not None:
        raise ConfigError(f"--data {name} names a symbol, and --symbol another. Leave one of them out.")
    return MarketRequest(
        name if named is None else named[2],
        at=options["at"],
        symbol=symbol if named is None else types.plain_symbol(named[1]),
        interval=options["data_interval"],
        spread_ticks=options["spread"],
        data_dir=options["data_dir"],
        store=options["store"],
    )


def _summed(balances: tuple[tuple[str, Decimal], ...]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for asset, amount in balances:
        found[asset] = found.get(asset, Decimal(0)) + amount
    return found


def fees_in(asset: str, *, maker: Decimal, taker: Decimal) -> Fees:
    """Give what trading costs on a practice exchange, taken in `asset` as --fee-asset names it."""
    from bt_run.practice.rules import Fees

    return Fees(maker, taker, asset if asset in ("received", "quote") else asset.upper())


def _own_key() -> HmacKey | None:
    """Give the key of the environment, None where it has none. Raises ConfigError where it is no key."""
    from bt_run.practice.signing import HmacKey

    key, secret = os.environ.get(_KEY), os.environ.get(_SECRET)
    if not key and not secret:
        return None
    if not key or not secret:
        raise ConfigError(f"{_KEY} and {_SECRET} belong together. Set both, or none.")
    for name, value in ((_KEY, key), (_SECRET, secret)):
        if not re.fullmatch(r"[A-Za-z0-9]{64}", value):
            raise ConfigError(f"{name} must be 64 letters and digits, as Binance's are. Or set none.")
    return HmacKey(key, secret)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
