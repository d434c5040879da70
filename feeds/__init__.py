"""
Feeds: market data from files, the exchange and captures, as bars and as Backtrader data.

``from feeds import CsvFeed`` works in any Backtrader script. Importing the package loads nothing heavy:
each name is fetched from its module when it is first asked for. ``feeds.resample`` is the module, because
a function of that name could not stand beside it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feeds.bt_feed import ArrayFeed, CsvFeed
    from feeds.bt_history import HistoryFeed
    from feeds.bt_live import LiveFeed
    from feeds.csv_file import read_bars
    from feeds.locate import find_data, shipped_data

__all__ = ["ArrayFeed", "CsvFeed", "HistoryFeed", "LiveFeed", "find_data", "read_bars", "shipped_data"]

_HOMES = {
    "ArrayFeed": "feeds.bt_feed",
    "CsvFeed": "feeds.bt_feed",
    "HistoryFeed": "feeds.bt_history",
    "LiveFeed": "feeds.bt_live",
    "find_data": "feeds.locate",
    "read_bars": "feeds.csv_file",
    "shipped_data": "feeds.locate",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
