"""8 Drawdowns: the ten deepest falls, from peak over trough to recovery."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.reports.cells import duration_cell, percent_cell
from bt_run.reports.drawdown import deepest_falls
from bt_run.reports.heading import time_cell
from bt_run.reports.page.section import Section, number

if TYPE_CHECKING:
    from bt_run.core.results import RunResult
    from bt_run.reports.drawdown import Fall

__all__ = ["falls_section"]

_DAY_MS = 86_400_000


def falls_section(result: RunResult) -> Section:
    """List them, the deepest first."""
    bars = result.data.bars
    falls = deepest_falls(result.curve.equity, bars.open_time, start=result.settings.cash)
    rows = [_row(result, place, fall) for place, fall in enumerate(falls)]
    data = {"falls": [{"depth_pct": fall.depth_pct, "duration_s": fall.duration_s} for fall in falls]}
    return Section("falls", "Deepest drawdowns", "falls.html", {"rows": rows}, data=data)


def _row(result: RunResult, place: int, fall: Fall) -> dict[str, object]:
    times = result.data.bars.open_time
    clock = result.data.interval.approximate_ms < _DAY_MS

    def when(bar: int) -> str:
        return time_cell(int(times[bar]), with_clock=clock)

    return {
        "depth": number(percent_cell(-fall.depth_pct), fall.depth_pct, path=f"falls.{place}.depth_pct"),
        "peak": "start" if fall.peak < 0 else when(fall.peak),
        "trough": when(fall.trough),
        "recovered": "not yet" if fall.recovered is None else when(fall.recovered),
        "lasted": number(duration_cell(fall.duration_s), fall.duration_s, path=f"falls.{place}.duration_s"),
        "from_ms": int(times[max(fall.peak, 0)]),
        "to_ms": int(times[-1 if fall.recovered is None else fall.recovered]),
    }
