"""From the options of ``bt-run live`` to where it trades, and with what settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bt_run.cli.options import pick
from bt_run.cli.replay import file_of, start_exchange, venue_or_replay
from bt_run.cli.safety_options import SAFETY_KEYS, limits_of
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack
    from decimal import Decimal

    from brokers.binance.credentials import Credentials
    from bt_run.cli.live_options import Adopted
    from bt_run.core.interval import Interval
    from bt_run.core.venue import Venue
    from bt_run.run.live.plan import DataOrigin, LivePlan, Mode
    from bt_run.run.live.practice import Market

__all__ = ["LivePlace", "journal_of", "mode_of", "open_place", "plan_of", "venue_of"]

_ALL_PCT = 95  # of equity; the rest is for fees and for a price that moves meanwhile
_JOURNAL = "bt-run.sqlite"


@dataclass(frozen=True, slots=True)
class LivePlace:
    """
    Where a run trades.

    `markets` are those of a practice exchange, else none. `credentials` are None where nothing is sent.
    `origin` tells what an exchange of the run's own replays.
    """

    venue: Venue
    markets: tuple[Market, ...] = ()
    credentials: Credentials | None = None
    origin: DataOrigin | None = None


def mode_of(options: dict[str, Any]) -> Mode:
    """Tell where orders go. Raises ConfigError where two ways are wanted."""
    if options["paper"] and options["signals_only"]:
        raise ConfigError("--paper simulates fills, and --signals-only sends nothing. Give one of them.")
    return "paper" if options["paper"] else "signals" if options["signals_only"] else "live"


def venue_of(name: str | None, names: Sequence[str], mode: Mode) -> Venue:
    """Find the venue: the testnet for orders, public data for all else, unless one is named."""
    return venue_or_replay(name, names, default="testnet" if mode == "live" else "data")


def journal_of(options: dict[str, Any], *, is_replay: bool) -> str | None:
    """Give the journal's file or URL; None where a replay keeps none."""
    return options["journal"] or (None if is_replay else _JOURNAL)


def open_place(
    stack: ExitStack, venue: Venue, names: Sequence[str], mode: Mode, options: dict[str, Any]
) -> LivePlace:
    """
    Find the key, and for --data start the exchange that replays it; `stack` ends it.

    Raises:
        ConfigError: no key is to be found.
        DataError: a file that cannot be replayed.
    """
    if names:
        return _replay(stack, names, options)
    markets: tuple[Market, ...] = ()
    credentials: Credentials | None = None
    if venue.name == "practice":
        from bt_run.run.live.practice import running_markets

        markets = running_markets(venue)
    if mode == "live":
        from brokers.binance.credentials import find_credentials

        credentials = find_credentials(venue.name)
    return LivePlace(venue, markets, credentials)


def _replay(stack: ExitStack, names: Sequence[str], options: dict[str, Any]) -> LivePlace:
    from brokers.binance.credentials import Credentials
    from bt_run.run.live.plan import DataOrigin

    exchange = start_exchange(stack, names, options, symbols=options["symbols"], cash=options["cash"])
    origin = DataOrigin(file_of(names[0]), exchange.markets[0].warnings)
    key = Credentials(exchange.api_key, exchange.secret)
    return LivePlace(exchange.venue, exchange.markets, key, origin)


def plan_of(strategy: Any, place: LivePlace, mode: Mode, options: dict[str, Any]) -> LivePlan:
    """Make the settings of a run. Raises ConfigError for those that do not go together."""
    from bt_run.core.interval import Interval
    from bt_run.core.money import Stake
    from bt_run.core.settings import Protection
    from bt_run.run.live.plan import LivePlan

    markets, origin = place.markets, place.origin
    symbols = options["symbols"] or tuple(market.symbol for market in markets) or ("BTCUSDT",)
    interval = options["interval"] or Interval.parse(markets[0].interval if markets else "1m")
    _check_replayed(symbols, interval, markets)
    return LivePlan(
        strategy=strategy,
        venue=place.venue,
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
        journal=journal_of(options, is_replay=origin is not None),
        limits=limits_of(**pick(options, SAFETY_KEYS)),
        on_stop=options["on_stop"],
        missed_exits=options["missed_exits"],
        adopt=_adopt(options["adopt"], symbols),
        fresh=options["fresh"],
        notes={market.symbol: market.note for market in markets},
        origin=origin,
    )


def _check_replayed(symbols: tuple[str, ...], interval: Interval, markets: tuple[Market, ...]) -> None:
    from bt_run.core.interval import Interval

    replayed = {market.symbol: market.interval for market in markets}
    strangers = [symbol for symbol in symbols if symbol not in replayed]
    if replayed and strangers:
        raise ConfigError(
            f"The practice exchange replays {', '.join(replayed)}, not {', '.join(map(repr, strangers))}. "
            f"Each symbol has data of its own: --data BTCUSDT=btc.csv --data ETHUSDT=eth.csv."
        )
    for symbol, of_data in replayed.items():
        if symbol in symbols and interval.approximate_ms < Interval.parse(of_data).approximate_ms:
            raise ConfigError(
                f"The data of {symbol} has bars of {of_data}, and --interval says {interval}. "
                f"Take {of_data} or longer, or data with shorter bars."
            )


def _adopt(given: Sequence[Adopted], symbols: tuple[str, ...]) -> dict[str, tuple[Decimal, Decimal | None]]:
    found: dict[str, tuple[Decimal, Decimal | None]] = {}
    for symbol, quantity, price in given:
        if not symbol and len(symbols) > 1:
            raise ConfigError("With several symbols name the one: --adopt-position BTCUSDT=0.5@60000.")
        found[symbol or symbols[0]] = (quantity, price)
    return found
