"""From a name of data to a market: a file, a capture or a series of the store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.clock import iso_utc, parse_time
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.practice.market.replay import Market
from bt_run.practice.market.symbols import rules_for
from bt_run.practice.market.tape import RecordedTape
from feeds.csv_file import read_bars
from feeds.locate import find_data
from feeds.recording.capture_file import CaptureReader, is_capture
from feeds.recording.capture_series import collect_series
from feeds.storage.series import find_series
from feeds.storage.store_paths import store_root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.market import Bars
    from bt_run.practice.rules import SymbolRules

__all__ = ["LoadedMarket", "MarketRequest", "load_market", "place_of"]

_HISTORY = 500
_SHORT = 1000


@dataclass(frozen=True, slots=True)
class MarketRequest:
    """
    Which data to replay, and how.

    `name` is a path or the name of a file in the data folders, a capture, or a series of the store such as
    ``BTCUSDT:1h``. `at` is where the clock begins: ``start`` after the first 500 bars (after half of them
    where there are fewer than 1000), ``end`` after the last, or a time (`bt_run.core.clock.parse_time`), at
    the first bar that opens then or later. `symbol` and `interval` override what the file says; of a capture
    they choose. `rules` None: guessed from symbol and prices; `base` and `quote` help. `changes` replace fields
    of the rules, given or guessed.
    """

    name: str
    at: str = "start"
    symbol: str | None = None
    interval: Interval | None = None
    base: str | None = None
    quote: str | None = None
    rules: SymbolRules | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    prints_per_bar: int = 8
    seed: int = 7
    spread_ticks: int = 0
    data_dir: Path | None = None
    store: Path | None = None


@dataclass(frozen=True, slots=True)
class LoadedMarket:
    """A market and what is to be said about its data: `note` wherever it is shown, `warnings` once."""

    market: Market
    note: str = ""
    warnings: tuple[str, ...] = ()


def load_market(request: MarketRequest) -> LoadedMarket:
    """
    Find and read the data of a request. A capture with trades replays them, any other its closed bars.

    Raises:
        DataError: no such data, or unusable.
        ConfigError: the symbol's assets are not clear, or the clock would begin outside the data.
    """
    series = None if Path(request.name).expanduser().exists() else find_series(request.name)
    if series is None:
        path = find_data(request.name, data_dir=request.data_dir)
        if is_capture(path):
            return _from_capture(path, request)
        data = read_bars(path, symbol=request.symbol, interval=request.interval)
    else:
        # The store brings Parquet and locks, which a file need not wait for.
        from feeds.history import read_history  # noqa: PLC0415
        from feeds.store import Store  # noqa: PLC0415

        data = read_history(Store(store_root(request.store)), series)
    market = _from_bars(data.bars, data.interval, request.symbol or data.symbol, request)
    return LoadedMarket(market, data.note, data.warnings)


def place_of(at: str, opens: Any) -> int:
    """
    Give the index of the first bar to come for `at` (see `MarketRequest`); `opens` are open times in ms.

    Raises:
        ConfigError: not a time, or a time after the last bar.
    """
    count = len(opens)
    if at == "start":
        return _HISTORY if count >= _SHORT else count // 2
    if at == "end":
        return count
    place = int(np.searchsorted(opens, parse_time(at), side="left"))
    if place == count:
        raise ConfigError(
            f"The data ends with the bar of {iso_utc(int(opens[-1]))}, before {at}. "
            f"Let the clock begin earlier, or at 'end'."
        )
    return place


def _from_bars(bars: Bars, interval: Interval, symbol: str, request: MarketRequest) -> Market:
    return Market.from_bars(
        bars,
        interval,
        _rules(symbol, bars, request),
        prints_per_bar=request.prints_per_bar,
        seed=request.seed,
        at=place_of(request.at, bars.open_time),
        spread_ticks=request.spread_ticks,
    )


def _from_capture(path: Path, request: MarketRequest) -> LoadedMarket:
    # Making bars of a capture is only worth loading where there is one.
    from feeds.recording.capture_bars import read_capture  # noqa: PLC0415

    found = collect_series(CaptureReader(path), symbol=request.symbol)
    tapes = [series.agg_trades or series.trades for series in found]
    if len(found) != 1 or not tapes[0]:
        data = read_capture(path, symbol=request.symbol, interval=request.interval)
        return LoadedMarket(
            _from_bars(data.bars, data.interval, data.symbol, request), data.note, data.warnings
        )
    trades, interval = tapes[0].tape(), request.interval or Interval(1, "m")
    rules = request.rules or rules_for(
        found[0].symbol, base=request.base, quote=request.quote, prices=trades.price
    )
    rules = replace(rules, **request.changes)
    tape = RecordedTape(trades, interval, rules)
    at = place_of(request.at, tape.table.opens)
    return LoadedMarket(Market(tape, rules, at=at, spread_ticks=request.spread_ticks))


def _rules(symbol: str, bars: Bars, request: MarketRequest) -> SymbolRules:
    if request.rules is not None:
        return replace(request.rules, **request.changes)
    try:
        prices = np.concatenate([bars.open, bars.high, bars.low, bars.close])
        rules = rules_for(symbol, base=request.base, quote=request.quote, prices=prices)
    except ConfigError as error:
        raise ConfigError(f"{request.name}: {error}") from error
    return replace(rules, **request.changes)
