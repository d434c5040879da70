"""Where the store lies, and where in it a series and a month lie."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from feeds.storage.series import SeriesName, check_symbol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bt_run.core.interval import Interval

__all__ = [
    "STORE_VARIABLE",
    "find_months",
    "find_series_folders",
    "month_bounds",
    "month_of",
    "series_folder",
    "store_root",
]

STORE_VARIABLE = "BT_RUN_STORE"

_MONTH_FILE = re.compile(r"(\d{4}-(?:0[1-9]|1[0-2]))\.parquet")


def store_root(given: Path | None = None, *, environ: Mapping[str, str] | None = None) -> Path:
    """
    Give the folder of the store: `given`, the variable BT_RUN_STORE, or ``bt-run/store`` in the user's data.

    The user's data lie in XDG_DATA_HOME, by default ``~/.local/share``. The folder need not exist.
    """
    known = os.environ if environ is None else environ
    if given is not None:
        return given.expanduser()
    if named := known.get(STORE_VARIABLE):
        return Path(named).expanduser()
    home = known.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(home).expanduser() / "bt-run" / "store"


def series_folder(root: Path, name: SeriesName) -> Path:
    """
    Give the folder of a series: ``spot/BTCUSDT/1m``.

    Months are spelled ``1mo``, as in Binance's archive: on many disks ``1M`` and ``1m`` are one folder.
    """
    check_symbol(name.symbol)
    return root / name.market / name.symbol / _spelled(name.interval)


def find_series_folders(root: Path) -> Iterator[tuple[SeriesName, Path]]:
    """Find the series that the store holds, by market, symbol and length of the bars; foreign folders pass."""
    for market in ("spot", "futures"):
        found = [
            (SeriesName.parse(f"{folder.parent.name}:{folder.name}:{market}"), folder)
            for folder in (root / market).glob("*/*")
            if _is_series(folder)
        ]
        yield from sorted(found, key=lambda pair: (pair[0].symbol, pair[0].interval.approximate_ms))


def find_months(folder: Path) -> dict[str, Path]:
    """Find the month files of a series, oldest first, by month (``2024-01``); temporary files are none."""
    if not folder.is_dir():
        return {}
    found = ((match[1], entry) for entry in folder.iterdir() if (match := _MONTH_FILE.fullmatch(entry.name)))
    return dict(sorted(found))


def month_of(time_ms: int) -> str:
    """Give the month, UTC, that a time in ms since 1970 lies in: ``2024-01``."""
    return datetime.fromtimestamp(time_ms // 1000, tz=UTC).strftime("%Y-%m")


def month_bounds(month: str) -> tuple[int, int]:
    """Give the first and the last ms of a month such as ``2024-01``."""
    year, number = int(month[:4]), int(month[5:])
    first = datetime(year, number, 1, tzinfo=UTC)
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()) * 1000, int(following.timestamp()) * 1000 - 1


def _spelled(interval: Interval) -> str:
    return f"{interval.count}mo" if interval.unit == "M" else str(interval)


def _is_series(folder: Path) -> bool:
    if not re.fullmatch(r"[1-9]\d{0,3}(s|m|h|d|w|mo)", folder.name) or not find_months(folder):
        return False
    return re.fullmatch(r"[^\W_][\w-]*", folder.parent.name) is not None
