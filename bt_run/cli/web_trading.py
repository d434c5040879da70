"""Orders on the web desk: whose account, which journal, and whether real money may be moved."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.core.environment import read_variables
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from contextlib import ExitStack
    from decimal import Decimal

    from brokers.binance.credentials import Credentials
    from bt_run.core.venue import Venue
    from bt_run.run.by_hand.limits import HandLimits
    from bt_run.run.live.practice import EmbeddedPractice
    from bt_run.web.state import Desk

__all__ = ["offer_trading", "signal_secret"]

_LEAST_SECRET = 16
_SECRET = "BT_RUN_SIGNAL_SECRET"  # noqa: S105  # the variable's name


def offer_trading(
    stack: ExitStack, desk: Desk, exchange: EmbeddedPractice | None, options: dict[str, Any]
) -> None:
    """
    Let the desk take orders where there is a key, a journal, and no real money or an agreement to it.

    Where there is not, the desk says what to do. `stack` ends what was begun.

    Raises:
        ConfigError: real money was asked for and not agreed to.
    """
    from bt_run.run.by_hand.limits import HandLimits
    from bt_run.run.live.real_money import is_real

    limits = HandLimits(options["max_order"], options["max_price_deviation"], options["max_orders_per_minute"])
    if exchange is not None:
        from brokers.binance.credentials import Credentials

        journal = desk.journal or _passing_journal(stack)
        world = f"practice-{time.time_ns() // 1_000_000}"  # its orders end with it
        key = Credentials(exchange.api_key, exchange.secret)
        _take(stack, desk, key, journal=journal, limits=limits, world=world)
        return
    desk.trading_off = _what_is_missing(desk, wants_real=options["real_money"])
    if desk.trading_off:
        return
    from brokers.binance.credentials import find_credentials

    desk.has_real_money = is_real(desk.venue)
    uid = _agreed(desk.venue, limits) if desk.has_real_money else None
    _take(stack, desk, find_credentials(desk.venue.name), journal=desk.journal, limits=limits, uid=uid)


def signal_secret() -> str:
    """Give the secret of signals, empty for none. Raises ConfigError for a short one."""
    secret = read_variables().get(_SECRET, "")
    if secret and len(secret) < _LEAST_SECRET:
        raise ConfigError(f"{_SECRET} has fewer than {_LEAST_SECRET} characters. Choose a longer one.")
    return secret


def _what_is_missing(desk: Desk, *, wants_real: bool) -> str:
    """Say why no orders are taken, and what to do; empty where they can be."""
    from brokers.binance.credentials import find_credentials
    from bt_run.run.live.real_money import is_real

    if not desk.venue.ws_api_url:
        return (
            f"The venue {desk.venue.name} has market data only. To trade, start bt-run web with --venue "
            f"testnet and a key of it, or try it without any: bt-run web --venue practice --data btc_1d.csv"
        )
    if is_real(desk.venue) and not wants_real:
        return f"{desk.venue.name} trades real money. Try --venue testnet first; then add --real-money."
    if not desk.journal:
        return "Orders are written down before they are sent: start bt-run web with --journal bt-run.sqlite."
    try:
        find_credentials(desk.venue.name)
    except ConfigError as error:
        return str(error)
    return ""


def _passing_journal(stack: ExitStack) -> str:
    """Make a journal that lives as long as the practice exchange inside."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bt-run-"))
    return str(Path(folder) / "practice.sqlite")


def _agreed(venue: Venue, limits: HandLimits) -> str | None:
    from bt_run.run.live.real_money import agree_to_real_money

    def told(name: str, value: Decimal | int | None, unit: str = "") -> str:
        return f"  {name}: {'NO LIMIT' if value is None else f'{value}{unit}'}"

    return agree_to_real_money(
        venue,
        is_wanted=True,
        environ=os.environ,
        ask=_ask if sys.stdin.isatty() else None,
        lines=[
            f"REAL MONEY on {venue.name}: whoever is let into the page can trade with all of the account",
            told("largest order, in quote asset", limits.max_order),
            told("price worse than the last trade by at most", limits.max_price_deviation_pct, " %"),
            told("orders in a minute", limits.max_orders_per_minute),
        ],
        word=venue.name.upper(),
        instead="Try --venue testnet or practice first",
    )


def _ask(lines: list[str], question: str) -> str:
    for line in lines:
        click.echo(line, err=True)
    return str(click.prompt(question, default="", show_default=False, err=True))


def _take(
    stack: ExitStack,
    desk: Desk,
    credentials: Credentials,
    *,
    journal: str,
    limits: HandLimits,
    world: str = "",
    uid: str | None = None,
) -> None:
    from bt_run.run.by_hand.desk import HandDesk

    trading = HandDesk(desk.venue, credentials, journal=journal, limits=limits, world=world, account_uid=uid)
    desk.take_orders(trading)
    trading.start()
    stack.callback(trading.stop)
