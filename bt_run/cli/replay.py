"""``--data`` of a command that is live else: a practice exchange of its own that replays files as a market."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack
    from decimal import Decimal

    from bt_run.core.venue import Venue
    from bt_run.practice.plan import PracticePlan
    from bt_run.run.live.practice import EmbeddedPractice

__all__ = ["file_of", "start_exchange", "venue_or_replay"]


def file_of(name: str) -> str:
    """Give the file of a --data, which may name a symbol before it."""
    return name.partition("=")[2] or name


def venue_or_replay(name: str | None, names: Sequence[str], *, default: str) -> Venue:
    """Find the venue that is named, or `default`; --data has the practice exchange. Raises ConfigError."""
    from bt_run.cli.venues import venue_named

    if names and name not in (None, "practice"):
        raise ConfigError(f"--data replays a file on the practice exchange, and --venue says {name}. Drop one.")
    return venue_named(name or ("practice" if names else default))


def start_exchange(
    stack: ExitStack,
    names: Sequence[str],
    options: dict[str, Any],
    *,
    symbols: Sequence[str] = (),
    cash: Decimal | None = None,
    waits: bool = True,
) -> EmbeddedPractice:
    """
    Start the exchange of --data; `stack` ends it. What is to be said about the data is said.

    Args:
        stack: Of the command.
        names: What --data names.
        options: Of the command: speed, seed, at, store; spread, data_dir, fee and fee_asset where it has them.
        symbols: Those of --symbol; a single one is that of a single file.
        cash: What the account has of each quote asset; None for the usual.
        waits: Whether its clock stands until the command is ready.

    Raises:
        ConfigError, DataError: what is named cannot be replayed.
    """
    from bt_run.run.live.practice import EmbeddedPractice

    plan = _plan(names, options, symbols=symbols, waits=waits)
    exchange = stack.enter_context(EmbeddedPractice(plan, cash=cash))
    for market in exchange.markets:
        for warning in market.warnings:
            click.echo(warning, err=True)
    return exchange


def _plan(
    names: Sequence[str], options: dict[str, Any], *, symbols: Sequence[str], waits: bool
) -> PracticePlan:
    from bt_run.cli.practice import fees_in, market_request
    from bt_run.practice.plan import PracticePlan
    from bt_run.practice.rules import Fees

    only = symbols[0] if len(symbols) == 1 and len(names) == 1 and "=" not in names[0] else None
    given = {"data_dir": None, "spread": 0, **options, "data_interval": None}
    fees = Fees()
    if "fee_asset" in options:
        fees = fees_in(options["fee_asset"], maker=options["fee"], taker=options["fee"])
    return PracticePlan(
        tuple(market_request(name, only, given) for name in names),
        fees=fees,
        speed=options["speed"],
        step=waits,
        seed=options["seed"],
        limits=options["speed"] != "max",  # they count real time
    )
