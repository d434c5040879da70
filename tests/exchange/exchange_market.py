"""What the loopback exchange sells: bars and trades as Binance writes them in JSON and in its archive. Pure."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.market import BAR_COLUMNS, Bars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.interval import Interval

MICROSECONDS_FROM_MS = 1_735_689_600_000  # 2025-01-01: the spot archive counts in microseconds from here on
_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore"
)


def make_bars(interval: Interval, start: int, count: int, *, seed: int = 7, price: float = 100.0) -> Bars:
    """Draw a random walk of bars on the interval's grid; the same arguments give the same bars."""
    draw = np.random.default_rng(seed)
    close = np.round(1 + price * np.exp(np.cumsum(draw.normal(0.0, 0.004, count))), 2)
    opened = np.concatenate(([price], close[:-1]))
    volume = np.round(draw.uniform(1.0, 50.0, count), 5)
    bought = np.round(volume * 0.5, 5)
    return Bars.of(
        open_times(interval, start, count),
        open=opened,
        high=np.round(np.maximum(opened, close) + 0.5, 2),
        low=np.round(np.minimum(opened, close) * 0.995, 2),
        close=close,
        volume=volume,
        quote_volume=np.round(volume * close, 6),
        trades=np.floor(volume * 7) + 1,
        taker_buy_volume=bought,
        taker_buy_quote_volume=np.round(bought * close, 6),
    )


def open_times(interval: Interval, start: int, count: int) -> Any:
    """Give the open times of `count` bars from `start` on, which must be one itself."""
    if interval.milliseconds is not None:
        return start + interval.milliseconds * np.arange(count, dtype=np.int64)
    first = np.datetime64(start, "ms").astype("datetime64[M]")
    months = first + interval.count * np.arange(count)
    return months.astype("datetime64[ms]").astype(np.int64)


def close_time(interval: Interval, open_time: int) -> int:
    """Give the last millisecond of the bar that opens here."""
    return int(open_times(interval, open_time, 2)[1]) - 1


@dataclass(slots=True)
class Series:
    """The bars of one symbol and interval; `rows` are ready JSON texts, one a bar."""

    interval: Interval
    bars: Bars
    close_times: Any = field(init=False)
    rows: list[str] = field(init=False)

    def __post_init__(self) -> None:
        times = self.bars.open_time
        self.close_times = np.array([close_time(self.interval, int(time)) for time in times], dtype=np.int64)
        table = zip(*(getattr(self.bars, name).tolist() for name in BAR_COLUMNS), strict=True)
        self.rows = [
            json.dumps(_row(values, int(closed)), separators=(",", ":"))
            for values, closed in zip(table, self.close_times, strict=True)
        ]

    def page(self, *, start: int | None, end: int | None, limit: int, now: int) -> list[str]:
        """Give what a request answers: oldest first from `start`, else the newest up to `end`; no future."""
        times = self.bars.open_time
        last = int(np.searchsorted(times, min(end if end is not None else now, now), side="right"))
        if start is None:
            return self.rows[max(0, last - limit) : last]
        first = int(np.searchsorted(times, start, side="left"))
        return self.rows[first : min(last, first + limit)]

    def csv(self, first_ms: int, end_ms: int, *, market: str) -> str:
        """Write the archive's file of [first, end): no header and microseconds from 2025 on for spot."""
        part = self.bars.between(first_ms, end_ms - 1)
        if not len(part):
            return ""
        scale = 1000 if market == "spot" and first_ms >= MICROSECONDS_FROM_MS else 1
        lines = [] if market == "spot" else [_HEADER]
        table = zip(*(getattr(part, name).tolist() for name in BAR_COLUMNS), strict=True)
        for values in table:
            closed = close_time(self.interval, int(values[0]))
            cells = _row(values, closed)
            cells[0], cells[6] = int(values[0]) * scale, (closed + 1) * scale - 1
            lines.append(",".join(str(cell) for cell in cells))
        return "\n".join(lines) + "\n"


def _row(values: Sequence[float], closed: int) -> list[Any]:
    """Write one kline as GET /api/v3/klines does: times and counts as numbers, the rest as text."""
    opened, *prices, volume, quote, trades, base_bought, quote_bought = values
    shown = [f"{value:.8f}" for value in (*prices, volume)]
    return [
        int(opened),
        *shown,
        closed,
        f"{quote:.8f}",
        int(trades),
        f"{base_bought:.8f}",
        f"{quote_bought:.8f}",
        "0",
    ]


def archive_path(market: str, symbol: str, interval: Interval, period: str) -> str:
    """Give the archive's path of a month (``2024-01``) or a day (``2024-01-31``)."""
    folder = "spot" if market == "spot" else "futures/um"
    label = f"{interval.count}mo" if interval.unit == "M" else str(interval)
    span = "monthly" if len(period) == 7 else "daily"
    return f"/data/{folder}/{span}/klines/{symbol}/{label}/{symbol}-{label}-{period}.zip"


def period_of(period: str) -> tuple[int, int]:
    """Give the first millisecond of a month or a day, and the first after it."""
    first = datetime.fromisoformat(period if len(period) == 10 else f"{period}-01").replace(tzinfo=UTC)
    following = first + timedelta(days=1) if len(period) == 10 else (first + timedelta(days=32)).replace(day=1)
    return round(first.timestamp() * 1000), round(following.timestamp() * 1000)


def published_ms(period: str) -> int:
    """Tell when a file appears: a day on the next day at 04:00, a month on the next month's first Monday."""
    _, end = period_of(period)
    hours = timedelta(hours=4)
    after = datetime.fromtimestamp(end / 1000, tz=UTC)
    if len(period) == 7:
        after += timedelta(days=(7 - after.weekday()) % 7)
    return round((after + hours).timestamp() * 1000)


def zipped(name: str, text: str) -> bytes:
    """Pack one file as the archive does."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0)), text)
    return packed.getvalue()


def checksum_line(name: str, body: bytes) -> str:
    """Write a ``.CHECKSUM`` file in the format of sha256sum."""
    return f"{hashlib.sha256(body).hexdigest()}  {name}\n"
