"""Order flow: go with aggressive volume, and with or against those who were liquidated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.order_flow import ONE_A_SECOND
from strategies.base import Signals, SignalStrategy
from strategies.rolling import median_before

if TYPE_CHECKING:
    import numpy.typing as npt

    from bt_run.core.market import Bars, FloatArray

    BoolArray = npt.NDArray[np.bool_]

__all__ = ["OrderFlow"]


class OrderFlow(SignalStrategy):
    """
    Buy when aggressive buyers outweigh aggressive sellers by far on much volume, short the mirror of it.

    A bar triggers when its volume, the difference of false and true volume (aggressive buys less aggressive
    sells) and the liquidations each reach their threshold: the absolute one (`_min`, base asset) and the
    multiple (`_ratio`) of the median of the last `window` bars; 0 is off. By ``momentum`` of liquidations longs
    need liquidated shorts, whose buying drives the price; by ``reversal`` they need liquidated longs, whose
    selling is spent. The median of liquidations is that of bars that had some.

    A trigger becomes a signal after `confirm` bars that all close beyond the trigger's close. After a signal
    the same side is silent for `cool_down` bars. A position ends with a signal of the other side, or after
    `hold` bars (0: never).

    Where the bars hold no order flow, taker buy volume gives true and false volume, and the liquidation
    threshold is left out where liquidations are not known; `remark` says so.

    Source: Chordia, Roll and Subrahmanyam, "Order imbalance, liquidity, and market returns", 2002 (aggressive
    buys less sells); field ``m`` of Binance's trades and the USD-M liquidation stream.
    """

    params: Any = (
        ("window", 50),
        ("volume_min", 0.0),
        ("volume_ratio", 1.0),
        ("difference_min", 0.0),
        ("difference_ratio", 1.5),
        ("liquidation_min", 0.0),
        ("liquidation_ratio", 0.0),
        ("liquidations", "momentum"),
        ("confirm", 0),
        ("cool_down", 3),
        ("hold", 10),
    )
    ranges = {
        "window": (2, 1000),
        "volume_min": (0.0, 1e15),
        "volume_ratio": (0.0, 100.0),
        "difference_min": (0.0, 1e15),
        "difference_ratio": (0.0, 100.0),
        "liquidation_min": (0.0, 1e15),
        "liquidation_ratio": (0.0, 100.0),
        "confirm": (0, 20),
        "cool_down": (0, 1000),
        "hold": (0, 1000),
    }
    uses_order_flow = True
    choices = {"liquidations": ("momentum", "reversal")}

    @staticmethod
    def signals(bars: Bars, p: Any) -> Signals:
        """Find the triggers of both sides, confirm them, and let them cool down."""
        true_volume, false_volume = _volumes(bars)
        difference = false_volume - true_volume
        size = np.abs(difference)
        enough = _threshold(size, p.difference_min, p.difference_ratio, p.window)
        strong = _reaches(bars.volume, p.volume_min, p.volume_ratio, p.window)
        strong &= (size >= enough) & (size > 0.0)
        longs, shorts = _liquidated(bars)
        for_long, for_short = (longs, shorts) if p.liquidations == "reversal" else (shorts, longs)
        buy = strong & (difference > 0.0) & _liquidations_reach(for_long, p)
        sell = strong & (difference < 0.0) & _liquidations_reach(for_short, p)
        long_entry = _cooled(_confirmed(buy, bars.close, p.confirm, sign=1.0), p.cool_down)
        short_entry = _cooled(_confirmed(sell, bars.close, p.confirm, sign=-1.0), p.cool_down)
        panels = {
            "Volume difference": difference,
            "Volume difference to buy": enough,
            "Volume difference to sell": -enough,
        }
        if bars.flow is not None:
            panels |= {"Liquidations: longs": longs, "Liquidations: shorts": shorts}
        return Signals(
            long_entry=long_entry,
            long_exit=~long_entry & (short_entry | _after(long_entry, p.hold)),
            short_entry=short_entry,
            short_exit=~short_entry & (long_entry | _after(short_entry, p.hold)),
            panels=panels,
        )

    @staticmethod
    def remark(bars: Bars, p: Any) -> str | None:
        """Say what these bars do not tell of order flow."""
        if not len(bars):
            return None
        if np.isnan(_volumes(bars)[0]).all():
            return "order_flow gives no signal: these bars tell neither trades' sides nor taker buy volume"
        known = 0 if bars.flow is None else int(np.count_nonzero(bars.flow.knows_liquidations))
        if not known:
            return "order_flow uses taker buy volume alone: liquidations are not known for these bars"
        if known < len(bars):
            return (
                f"order_flow knows liquidations of {known:,} of {len(bars):,} bars and uses volume alone on "
                f"the others. {ONE_A_SECOND}"
            )
        return ONE_A_SECOND


def _volumes(bars: Bars) -> tuple[FloatArray, FloatArray]:
    """Give true and false volume; taker buy volume is the same thing, from klines."""
    if bars.flow is not None:
        return bars.flow.true_volume, bars.flow.false_volume
    return bars.volume - bars.taker_buy_volume, bars.taker_buy_volume


def _liquidated(bars: Bars) -> tuple[FloatArray, FloatArray]:
    """Give the liquidation volume of longs and of shorts, NaN where not known."""
    if bars.flow is not None:
        return bars.flow.long_liquidation_volume, bars.flow.short_liquidation_volume
    unknown = np.full(len(bars), np.nan)
    return unknown, unknown


def _threshold(values: FloatArray, least: float, ratio: float, window: int) -> FloatArray:
    """Give what the values must reach: the absolute or the relative threshold, whichever is higher."""
    if not ratio:
        return np.full(len(values), least)
    return np.maximum(least, ratio * median_before(values, window, least=(window + 1) // 2))


def _reaches(values: FloatArray, least: float, ratio: float, window: int) -> BoolArray:
    if not (least or ratio):
        return np.ones(len(values), dtype=np.bool_)
    reached: BoolArray = values >= _threshold(values, least, ratio, window)
    return reached


def _liquidations_reach(volume: FloatArray, p: Any) -> BoolArray:
    """Tell where liquidations reach their threshold, or are not known, or do not matter."""
    if not (p.liquidation_min or p.liquidation_ratio):
        return np.ones(len(volume), dtype=np.bool_)
    enough = np.full(len(volume), p.liquidation_min)
    if p.liquidation_ratio:
        some = np.where(volume > 0.0, volume, np.nan)
        enough = np.maximum(enough, p.liquidation_ratio * median_before(some, p.window, least=1))
    reached: BoolArray = np.isnan(volume) | ((volume > 0.0) & (volume >= enough))
    return reached


def _confirmed(trigger: BoolArray, close: FloatArray, bars: int, *, sign: float) -> BoolArray:
    """Move each trigger `bars` on, where every close since lies beyond the trigger's own."""
    if not bars:
        return trigger
    moved = np.zeros_like(trigger)
    if bars >= len(trigger):
        return moved
    holds = trigger[:-bars].copy()
    count = len(holds)
    for step in range(1, bars + 1):
        holds &= sign * (close[step : step + count] - close[:count]) > 0.0
    moved[bars:] = holds
    return moved


def _cooled(signal: BoolArray, bars: int) -> BoolArray:
    """Keep a signal where none was kept on the `bars` bars before it."""
    if not bars:
        return signal
    kept = np.zeros_like(signal)
    free_from = 0
    for position in np.flatnonzero(signal).tolist():
        if position >= free_from:
            kept[position] = True
            free_from = position + bars + 1
    return kept


def _after(entry: BoolArray, bars: int) -> BoolArray:
    """Tell the bars that come `bars` after an entry; none where `bars` is 0."""
    later = np.zeros_like(entry)
    if 0 < bars < len(entry):
        later[bars:] = entry[:-bars]
    return later
