"""Fetch over REST what a stream has missed, as the rows that Binance would have answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from feeds.resample import bar_bounds
from feeds.wire.stream_names import StreamName

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars
    from feeds.binance_rest import BinanceRest
    from feeds.wire.continuity import Hole
    from feeds.wire.messages import AggTrade

__all__ = ["MOST_ROWS", "can_fill", "fetch_rows", "write_klines", "write_trades"]

MOST_ROWS = 500_000
"""Bars or aggregate trades of one hole, at most: 500 pages, a third of a minute's request weight."""


def can_fill(hole: Hole) -> bool:
    """Tell whether REST has what is missing: bars and aggregate trades, unless there are too many."""
    name = StreamName.parse(hole.stream)
    return (name.interval is not None or name.kind == "aggTrade") and hole.missed <= MOST_ROWS


def fetch_rows(rest: BinanceRest, hole: Hole) -> Iterator[tuple[str, int]]:
    """
    Fetch what is missing in pages: each the text that `codec_rest.parse_backfill` reads, and its rows.

    Fewer rows than are missing may come: of a pause of the exchange there are none, and the bar that closed
    last may take some seconds to appear.

    Raises:
        ExchangeError: as `BinanceRest` raises it.
    """
    name = StreamName.parse(hole.stream)
    if name.interval is not None:
        for bars in rest.fetch_klines(name.symbol, name.interval, start=hole.first, end=hole.end - 1):
            yield write_klines(bars, name.interval), len(bars)
        return
    for page in rest.fetch_agg_trades(name.symbol, from_id=hole.first):
        wanted = [trade for trade in page if trade.agg_id < hole.end]
        if wanted:
            yield write_trades(wanted), len(wanted)
        if len(wanted) < len(page) or wanted[-1].agg_id + 1 >= hole.end:
            return


def write_klines(bars: Bars, interval: Interval) -> str:
    """Write bars as ``GET /api/v3/klines`` does, numbers to their last bit."""
    _, ends = bar_bounds(bars.open_time, interval)
    first, second = ("open", "high", "low", "close", "volume"), ("taker_buy_volume", "taker_buy_quote_volume")
    columns = (
        bars.open_time.tolist(),
        *(_texts(getattr(bars, name).tolist()) for name in first),
        (ends - 1).tolist(),
        _texts(bars.quote_volume.tolist()),
        [int(count) for count in bars.trades.tolist()],
        *(_texts(getattr(bars, name).tolist()) for name in second),
    )
    return json.dumps([[*row, "0"] for row in zip(*columns, strict=True)], separators=(",", ":"))


def write_trades(trades: Sequence[AggTrade]) -> str:
    """Write aggregate trades as ``GET /api/v3/aggTrades`` does, numbers to their last bit."""
    rows = []
    for one in trades:
        row = {
            "a": one.agg_id, "p": repr(one.price), "q": repr(one.quantity), "f": one.first_id,
            "l": one.last_id, "T": one.time_ms, "m": one.buyer_is_maker,
        }  # fmt: skip
        rows.append(row if one.normal_quantity is None else {**row, "nq": repr(one.normal_quantity)})
    return json.dumps(rows, separators=(",", ":"))


def _texts(values: list[float]) -> list[str]:
    return [repr(value) for value in values]
