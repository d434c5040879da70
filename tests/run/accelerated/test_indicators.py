"""Every indicator that ships with Backtrader stands at the same bar with the same value on both engines."""

from __future__ import annotations

import backtrader as bt
import pytest

ONE_BY_ONE = {"HeikinAshi", "haD", "haDelta"}
UNFIT = {
    *(
        "ApplyN",
        "BaseApplyN",
        "Indicator",
        "MovingAverageBase",
        "OperationN",
        "OscillatorMixIn",
        "PeriodN",
        "ReduceN",
    ),
    *("CointN", "OLS_BetaN", "OLS_Slope_InterceptN", "OLS_TransformationN"),
    *("CrossDown", "CrossOver", "CrossUp", "ExponentialSmoothingDynamic", "FindFirstIndex", "FindLastIndex"),
    *("NonZeroDifference", "Oscillator"),
}
"""Bases, those that need statsmodels or two lines, and those that fail over a feed alone."""


def indicators():
    """Give every class once, by its own name."""
    found = {value for value in vars(bt.indicators).values() if isinstance(value, type)}
    classes = [value for value in found if issubclass(value, bt.Indicator) and value.__name__ not in UNFIT]
    return sorted(classes, key=lambda cls: cls.__name__)


@pytest.mark.slow
@pytest.mark.parametrize("indicator", indicators(), ids=lambda cls: cls.__name__)
def test_every_indicator_of_backtrader_has_its_values_at_every_bar(same, draw_bars, recorded, indicator):
    """Over the feed, over its close where it takes a line, and its last value at each bar."""

    class Watching(recorded):
        def __init__(self):
            self.over_feed = indicator(self.data)
            self.doubled = self.over_feed * 2.0

        def next(self):
            self.note(self.over_feed[0], self.over_feed[-1], self.doubled[0], len(self.over_feed))
            if len(self) % 4 == 0:
                self.close() if self.position else self.buy()

    words = "an indicator or a setting makes Backtrader compute bar by bar"
    same(Watching, draw_bars(17, 200), fallback=words if indicator.__name__ in ONE_BY_ONE else "")
