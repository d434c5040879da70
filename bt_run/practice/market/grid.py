"""Where bars of an interval begin and end, one at a time; Binance's sixteen intervals and time zones."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from bt_run.core.errors import ConfigError
from bt_run.core.interval import BINANCE_INTERVALS, Interval
from bt_run.practice.refusal import Refusal

__all__ = ["bounds", "parse_interval"]

_DAY_MS = 86_400_000
_WEEK_MS = 7 * _DAY_MS
_MONDAY_MS = 4 * _DAY_MS  # 1970-01-05
_ORIGINS = {3 * _DAY_MS: _DAY_MS}  # 3d bars open on 1970-01-02 and every third day after it


@lru_cache(maxsize=64)
def parse_interval(text: str, *also: Interval) -> Interval:
    """
    Read the interval of a request; `also` are such as the exchange has besides Binance's sixteen.

    Raises:
        Refusal: -1120, as Binance answers.
    """
    try:
        found = Interval.parse(text)
    except ConfigError:
        found = None
    if found is None or (text not in BINANCE_INTERVALS and found not in also):
        raise Refusal(-1120, "Invalid interval.")
    return found


def bounds(interval: Interval, time: int, offset_ms: int = 0) -> tuple[int, int]:
    """
    Give the open of the bar that a time falls into, and its end, which is the open of the next.

    All are ms since 1970 UTC. Bars start as Binance's do: seconds to days from midnight, weeks on Monday,
    months on the first, 3d on the days that Binance uses. `offset_ms` is how far the clock of the time zone
    is ahead of UTC: its midnight counts then.
    """
    local = time + offset_ms
    length = interval.milliseconds
    if length is None:
        first, end = _month(local, interval.count)
        return first - offset_ms, end - offset_ms
    origin = _ORIGINS.get(length, 0) if length % _WEEK_MS else _MONDAY_MS
    first = local - (local - origin) % length - offset_ms
    return first, first + length


def _month(local: int, count: int) -> tuple[int, int]:
    day = datetime.fromtimestamp(local / 1000, tz=UTC)
    months = (day.year - 1970) * 12 + day.month - 1
    months -= months % count
    return _month_start(months), _month_start(months + count)


def _month_start(months: int) -> int:
    return round(datetime(1970 + months // 12, months % 12 + 1, 1, tzinfo=UTC).timestamp() * 1000)
