"""The strategy file that a newcomer starts from."""

from __future__ import annotations

import keyword
import re
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["class_name_for", "template"]

_TEMPLATE = '''\
"""My strategy: buy a dip in a rising market. Change what you like."""

import talib

from strategies.base import Signals, SignalStrategy


class {name}(SignalStrategy):
    """Buy when a rising market dips, sell when it has recovered."""

    # The parameters and their defaults. Change one for a run with: --param dip=35
    params = (
        ("trend", 50),  # bars of the average that tells whether the market rises
        ("period", 5),  # bars of the RSI, which goes from 0 (only falls) to 100 (only rises)
        ("dip", 40.0),  # an RSI below this is a dip
        ("recovered", 65.0),  # an RSI above this is a recovery
    )

    # What each may be. Values outside are refused, and a search for the best stays inside.
    ranges = {{"trend": (2, 400), "period": (2, 50), "dip": (5.0, 50.0), "recovered": (50.0, 95.0)}}

    @staticmethod
    def signals(bars, p):
        # `bars` holds one array a column: open, high, low, close, volume, oldest bar first.
        # `p` holds the parameters. TA-Lib takes whole arrays and gives arrays of the same length,
        # NaN at the start while it has too few bars; a comparison with NaN is False: no signal.
        average = talib.SMA(bars.close, p.trend)
        rsi = talib.RSI(bars.close, p.period)

        # One True or False a bar. What is True at the close of a bar is traded at the next open.
        # Never look ahead: a bar's signal may use that bar and the bars before it, none after.
        is_rising, is_falling = bars.close > average, bars.close < average
        return Signals(
            long_entry=is_rising & (rsi < p.dip),
            long_exit=rsi > p.recovered,
            # For --allow-short: the same, turned round.
            short_entry=is_falling & (rsi > 100 - p.dip),
            short_exit=rsi < 100 - p.recovered,
            # For --plot: overlays are drawn over the price, panels below it.
            overlays={{f"SMA {{p.trend}}": average}},
            panels={{"RSI": rsi}},
        )
'''


def template(class_name: str) -> str:
    """
    Write the text of a new strategy file: a small working SignalStrategy of that name, with comments.

    Raises ConfigError where the name cannot be the name of a class.
    """
    if not class_name.isidentifier() or keyword.iskeyword(class_name) or class_name.startswith("_"):
        raise ConfigError(f"{class_name!r} cannot name a class. Use letters and digits, such as MyDip.")
    return _TEMPLATE.format(name=class_name)


def class_name_for(path: Path) -> str:
    """Make a class name of a file's name: ``my-dip.py`` gives ``MyDip``, ``2x.py`` gives ``Strategy2x``."""
    words = re.findall(r"[^\W_]+", path.stem)
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name.isidentifier() else f"Strategy{name}"
