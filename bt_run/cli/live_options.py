"""The options of ``bt-run live``, by what they are about."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from bt_run.cli import types
from bt_run.cli.options import complete_data, stacked, stop_loss_option, take_profit_option
from bt_run.cli.practice import parse_rate, parse_speed
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval

__all__ = [
    "Adopted",
    "book_options",
    "market_options",
    "parse_amount",
    "parse_duration",
    "practice_options",
    "stake_options",
    "web_options",
]

Adopted = tuple[str, Decimal, Decimal | None]
"""A symbol (empty: the only one), a quantity of its base asset, and the price paid for it."""


def parse_amount(text: str) -> Decimal:
    """Read an amount above 0. Raises ConfigError."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and amount > 0):
        raise ConfigError(f"{text!r} is no amount above 0. Write 1000 (quote asset).")
    return amount


def parse_duration(text: str) -> float:
    """Read a span such as ``8h``, in seconds. Raises ConfigError."""
    try:
        milliseconds = Interval.parse(text).milliseconds
    except ConfigError:
        milliseconds = None
    if milliseconds is None:
        raise ConfigError(f"{text!r} is not a duration. Write a number and s, m, h or d, such as 8h.")
    return milliseconds / 1000


def _adopted(text: str) -> Adopted:
    match = re.fullmatch(r"(?:([A-Za-z0-9]{2,20})=)?([0-9.]+)(?:@([0-9.]+))?", text.strip())
    if match is None:
        raise ConfigError(f"{text!r} is no holding. Write 0.5@60000, 0.5, or BTCUSDT=0.5@60000.")
    return (
        (match[1] or "").upper(),
        parse_amount(match[2]),
        None if match[3] is None else parse_amount(match[3]),
    )


market_options = stacked(
    click.option(
        "--symbol",
        "symbols",
        multiple=True,
        type=types.SYMBOL,
        help="What to trade; repeatable.  [default: BTCUSDT]",
    ),
    click.option(
        "--interval",
        "-i",
        type=types.INTERVAL,
        help="Of the bars.  [default: 1m; on the practice exchange that of its data]",
    ),
    click.option(
        "--one-strategy", is_flag=True, help="One strategy over all symbols; without it one for each."
    ),
    click.option(
        "--venue",
        help="testnet, demo, practice, mainnet, or a name of your own.  [default: testnet]",
    ),
    click.option(
        "--paper", is_flag=True, help="Real market data, fills simulated by us at the book's prices; no key."
    ),
    click.option("--signals-only", is_flag=True, help="Say what the strategy wants, and send nothing; no key."),
    click.option(
        "--real-money", is_flag=True, help="Allow a venue that trades real money, after a typed confirmation."
    ),
    click.option(
        "--history",
        type=click.IntRange(min=0),
        default=5000,
        show_default=True,
        help="Closed bars to warm up with.",
    ),
    click.option("--intrabar", is_flag=True, help="Let the strategy see each state of the open bar, too."),
    click.option(
        "--duration", type=types.Parsed("duration", parse_duration), help="End after so long: 30m, 8h."
    ),
)

stake_options = stacked(
    click.option(
        "--stake",
        type=types.STAKE,
        help="Size of an entry: 0.01 (base asset), 100USDT (quote asset) or 95% (of equity).  "
        "[default: 95%, of several symbols each its part of that]",
    ),
    click.option(
        "--cash",
        type=types.Parsed("amount", parse_amount),
        help="How much of the account this run may use, in quote asset.  [default: all that is free]",
    ),
    stop_loss_option,
    take_profit_option,
    click.option(
        "--trailing-stop",
        type=types.percent("Trailing stop"),
        help="Leave this many percent below the best price since the entry.",
    ),
)

book_options = stacked(
    click.option(
        "--journal",
        envvar="BT_RUN_JOURNAL",
        show_envvar=True,
        metavar="FILE|URL",
        help="Where the run is written down.  [default: bt-run.sqlite; with --data none]",
    ),
    click.option(
        "--fresh", is_flag=True, help="Begin with new books, whatever the journal has of earlier runs."
    ),
    click.option(
        "--adopt-position",
        "adopt",
        multiple=True,
        type=types.Parsed("holding", _adopted),
        metavar="QTY[@PRICE]",
        help="Take over a holding of the account: 0.5@60000, or BTCUSDT=0.5; repeatable.",
    ),
    click.option(
        "--on-stop",
        type=click.Choice(["keep", "cancel", "close"]),
        default="keep",
        show_default=True,
        help="At the end keep orders that protect (entries are cancelled), cancel all, or sell too.",
    ),
    click.option(
        "--missed-exits/--no-missed-exits",
        default=True,
        show_default=True,
        help="Leave at the next live bar where the bar that said so came too late to trade on.",
    ),
)

practice_options = stacked(
    click.option(
        "--data",
        "-d",
        "names",
        multiple=True,
        shell_complete=complete_data,
        help="Start a practice exchange inside and replay this; repeatable. ETHUSDT=FILE names the symbol.",
    ),
    click.option(
        "--speed",
        type=types.Parsed("speed", parse_speed),
        default="1",
        show_default=True,
        help="Of that exchange: seconds in a second, or max: as fast as the strategy decides.",
    ),
    click.option(
        "--at",
        default="start",
        show_default=True,
        metavar="start|TIME",
        help="Where its clock begins; start is after 500 bars, which are the history.",
    ),
    click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Of its prices."),
    click.option(
        "--spread", type=click.IntRange(min=0), default=0, show_default=True, help="Bid to ask, in ticks."
    ),
    click.option(
        "--fee", type=types.Parsed("fee", parse_rate), default="0.1%", show_default=True, help="Of each trade."
    ),
    click.option(
        "--fee-asset",
        default="received",
        show_default=True,
        help="received (as Binance), quote (as a backtest counts), or an asset such as BNB, if there is some.",
    ),
    click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="BT_RUN_DATA_DIR",
        show_envvar=True,
        help="Your folder of data files, searched after the current one and before the shipped data.",
    ),
)

web_options = stacked(
    click.option("--web", is_flag=True, help="Show the run on a page: chart, orders, four words for the bot."),
    click.option(
        "--web-port",
        type=click.IntRange(0, 65_535),
        default=8765,
        show_default=True,
        help="Where the page is, on this machine alone; 0: any free one.",
    ),
    click.option(
        "--browser/--no-browser",
        "web_browser",
        default=True,
        help="Whether to open the page of --web; at a terminal only.  [default: browser]",
    ),
)
