"""Make bars of any interval out of trades or aggregate trades."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.market import BAR_COLUMNS, Bars
from feeds.recording.trade_text import row_of
from feeds.resample import bar_bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from bt_run.core.interval import Interval
    from bt_run.core.market import FloatArray, IntArray
    from feeds.recording.trade_text import TradeRow
    from feeds.wire.messages import AggTrade, Trade

    BoolArray = npt.NDArray[np.bool_]

__all__ = ["TradeTape", "bars_from_trades"]

_DECIMALS = 8
_ROUNDED_BELOW = 9e7  # 2**53 / 10**8: above it, a float has no room for eight decimals


@dataclass(frozen=True, slots=True, eq=False)
class TradeTape:
    """
    Trades of one symbol in order of their ids, every array of shape (n,), n >= 0.

    `ids` are those of the trades, or of the aggregate trades, and strictly increasing; where one is not the
    one before plus one, trades are missing. `count` says how many trades an entry stands for.
    """

    ids: IntArray
    time_ms: IntArray
    price: FloatArray
    quantity: FloatArray
    count: IntArray
    buyer_is_maker: BoolArray

    @classmethod
    def of(cls, trades: Iterable[Trade | AggTrade]) -> TradeTape:
        """Build a tape from trades, or from aggregate trades, in any order; a repeated id counts once."""
        return cls.of_rows([row_of(trade) for trade in trades])

    @classmethod
    def of_rows(cls, rows: Sequence[TradeRow]) -> TradeTape:
        """Build a tape from rows of `feeds.recording.trade_text`, in any order; a repeated id counts once."""
        columns = list(zip(*rows, strict=True)) or [()] * 6
        ids, first = np.unique(np.array(columns[0], dtype=np.int64), return_index=True)
        kinds: tuple[Any, ...] = (np.int64, np.float64, np.float64, np.int64, np.bool_)
        return cls(
            ids, *(np.array(column, dtype=kind)[first] for column, kind in zip(columns[1:], kinds, strict=True))
        )

    @classmethod
    def joined(cls, tapes: Sequence[TradeTape]) -> TradeTape:
        """Join tapes of one symbol, in any order; an id that comes again counts once."""
        if not tapes:
            return cls.of([])
        ids, first = np.unique(np.concatenate([tape.ids for tape in tapes]), return_index=True)
        names = [field.name for field in fields(cls)][1:]
        return cls(ids, *(np.concatenate([getattr(tape, name) for tape in tapes])[first] for name in names))

    def __len__(self) -> int:
        return int(self.ids.shape[0])


def bars_from_trades(tape: TradeTape, interval: Interval, *, partial: bool = False) -> Bars:
    """
    Build the bars that Binance would have sent, equal to its klines to the eighth decimal.

    A bar without trades between two bars is there, as Binance sends it: all four prices are the last
    close, all volumes 0. It is made only where the ids prove that no trade is missing. A bar of which
    trades may be missing is left out: the first and the last one of the tape, and those where ids jump.

    Args:
        tape: The trades.
        interval: Any; bars start as those of `feeds.resample` do.
        partial: Keep the bars of which trades may be missing, as far as there are any trades.

    Returns:
        Bars with all columns known; none for an empty tape.
    """
    if not len(tape):
        return Bars.of([], **dict.fromkeys(BAR_COLUMNS[1:], ()))
    opens, ends = bar_bounds(tape.time_ms, interval)
    # Without this a time that steps back splits a bar: test_times_that_step_back_do_not_split_a_bar.
    order = np.argsort(opens, kind="stable")
    opens, ends = opens[order], ends[order]
    first = np.flatnonzero(np.append(True, opens[1:] != opens[:-1]))
    columns = _aggregate(tape, order, first)
    jumps = _jumps(tape, interval)
    quiet = _quiet_bars(opens[first], ends[first], columns["close"], jumps, interval)
    times = np.concatenate([opens[first], quiet["open_time"]])
    place = np.argsort(times, kind="stable")
    joined = {name: np.concatenate([columns[name], quiet[name]])[place] for name in BAR_COLUMNS[1:]}
    bars = Bars.of(times[place], **joined)
    return bars if partial else _whole(bars, int(opens[0]), int(opens[-1]), jumps)


def _aggregate(tape: TradeTape, order: IntArray, first: IntArray) -> dict[str, FloatArray]:
    price, quantity = tape.price[order], tape.quantity[order]
    buys = ~tape.buyer_is_maker[order]
    last = np.append(first[1:], len(order)) - 1

    def total(values: npt.NDArray[Any]) -> FloatArray:
        sums = np.add.reduceat(values.astype(np.float64), first)
        return np.where(sums < _ROUNDED_BELOW, np.round(sums, _DECIMALS), sums)

    return {
        "open": price[first],
        "high": np.maximum.reduceat(price, first),
        "low": np.minimum.reduceat(price, first),
        "close": price[last],
        "volume": total(quantity),
        "quote_volume": total(price * quantity),
        "trades": total(tape.count[order]),
        "taker_buy_volume": total(quantity * buys),
        "taker_buy_quote_volume": total(price * quantity * buys),
    }


def _jumps(tape: TradeTape, interval: Interval) -> list[tuple[int, int]]:
    """Give the opens of the bars before and after each place where trades are missing."""
    opens, _ = bar_bounds(tape.time_ms, interval)
    places = np.flatnonzero(np.diff(tape.ids) != 1)
    return [(int(opens[place]), int(opens[place + 1])) for place in places]


def _quiet_bars(
    opens: IntArray, ends: IntArray, closes: FloatArray, jumps: list[tuple[int, int]], interval: Interval
) -> dict[str, Any]:
    """Make the bars without trades, where the ids go on from the bar before to the bar after."""
    times: list[IntArray] = [np.empty(0, dtype=np.int64)]
    prices: list[FloatArray] = [np.empty(0)]
    torn = {before for before, after in jumps if before != after}
    for place in np.flatnonzero(ends[:-1] < opens[1:]):
        if int(opens[place]) in torn:
            continue
        between = _opens_between(int(ends[place]), int(opens[place + 1]), interval)
        times.append(between)
        prices.append(np.full(len(between), closes[place]))
    price = np.concatenate(prices)
    nothing = np.zeros(len(price))
    columns = {name: price if name in ("open", "high", "low", "close") else nothing for name in BAR_COLUMNS[1:]}
    return {"open_time": np.concatenate(times), **columns}


def _opens_between(start: int, end: int, interval: Interval) -> IntArray:
    if interval.milliseconds is not None:
        return np.arange(start, end, interval.milliseconds, dtype=np.int64)
    found = []
    while start < end:
        found.append(start)
        _, ends = bar_bounds(np.array([start], dtype=np.int64), interval)
        start = int(ends[0])
    return np.array(found, dtype=np.int64)


def _whole(bars: Bars, first: int, last: int, jumps: list[tuple[int, int]]) -> Bars:
    keep = (bars.open_time > first) & (bars.open_time < last)
    for before, after in jumps:
        keep &= (bars.open_time < before) | (bars.open_time > after)
    return Bars.of(bars.open_time[keep], **{name: getattr(bars, name)[keep] for name in BAR_COLUMNS[1:]})
