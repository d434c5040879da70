"""A Backtrader feed of a symbol's history: the store first, the exchange for what is missing."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.clock import parse_time
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.core.venue import find_venue
from feeds.bt_feed import ArrayFeed
from feeds.history import fetch_missing, read_history
from feeds.storage.series import SeriesName, check_symbol
from feeds.storage.store_paths import store_root
from feeds.store import Store

if TYPE_CHECKING:
    from bt_run.core.market import BarFile
    from bt_run.core.venue import Market, Venue

    Moment = str | int | datetime

__all__ = ["HistoryFeed"]

_log = logging.getLogger(__name__)


class HistoryFeed(ArrayFeed):
    """
    A Backtrader data feed of closed bars from Binance.

    ``cerebro.adddata(HistoryFeed("BTCUSDT", "1h", start="2024-01-01"))`` reads the bars from the store and
    downloads what is missing there first, when the feed is made. `file` holds the `BarFile`; what was noticed
    is in `warnings` and is logged. The parameters of every Backtrader feed (fromdate, name, tz, ...) are taken
    as well.

    Args:
        symbol: As the exchange writes it.
        interval: One of the exchange's, such as ``1h``.
        start: First bar: a date or ISO time or a datetime (UTC without a zone), or ms since 1970. None
            for the first there is.
        end: Last bar; a date includes that whole day. None for the last that has closed: then the exchange is
            asked each time.
        market: ``spot`` or ``futures`` (USD-M).
        venue: Whom to ask; ``data`` needs no key.
        store: Folder of the store; by default as on the command line.
        download: False reads the store alone and never touches the network.

    Raises:
        DataError: no bars in the range.
        ExchangeError: the exchange refused or could not be reached.
        ConfigError: a symbol, interval or time that is none; a venue with prices of its own, such as the
            testnet, and no `store` for them.
    """

    def __init__(
        self,
        symbol: str,
        interval: str | Interval,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        market: Market = "spot",
        venue: str | Venue = "data",
        store: str | Path | Store | None = None,
        download: bool = True,
    ) -> None:
        parsed = Interval.parse(interval) if isinstance(interval, str) else interval
        series = SeriesName(symbol.upper(), parsed, market)
        check_symbol(series.symbol)
        place = store if isinstance(store, Store) else Store(store_root(None if store is None else Path(store)))
        first, last = _as_ms(start), _as_ms(end, end=True)
        notes: tuple[str, ...] = ()
        if download:
            asked = find_venue(venue) if isinstance(venue, str) else venue
            if store is None and asked.name not in {"data", "mainnet"}:
                raise ConfigError(
                    f"The prices of {asked.name} are its own. Give HistoryFeed a store=... for them, "
                    f"apart from the store of real ones."
                )
            notes = fetch_missing(place, series, start=first, end=last, venue=asked)
        self.file: BarFile = read_history(place, series, start=first, end=last)
        self.warnings = (*notes, *self.file.warnings)
        super().__init__(self.file.bars, interval=parsed)
        self._name = self.p.name or series.symbol
        for sentence in self.warnings:
            _log.warning("%s: %s", series, sentence)


def _as_ms(moment: Moment | None, *, end: bool = False) -> int | None:
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return round(aware.timestamp() * 1000)
    return parse_time(moment, end=end) if isinstance(moment, str) else moment
