"""12 Manifest: data, versions, parameters, seed, and the command that makes the report again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.core.clock import iso_utc
from bt_run.reports.page.section import Section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.results import RunResult
    from bt_run.reports.page.contents import Manifest

__all__ = ["manifest_section"]


def manifest_section(runs: Sequence[RunResult], manifest: Manifest) -> Section:
    """List what each run was made of."""
    values = {"runs": [_facts(run) for run in runs], "manifest": manifest}
    return Section("manifest", "Where it comes from", "manifest.html", values)


def _facts(run: RunResult) -> list[tuple[str, str]]:
    told, data = run.settings, run.data
    times = data.bars.open_time
    guard = told.protection
    stops = {
        "stop-loss": guard.stop_loss_pct,
        "take-profit": guard.take_profit_pct,
        "trailing stop": guard.trailing_stop_pct,
    }
    protection = ", ".join(f"{name} {value:g}%" for name, value in stops.items() if value is not None)
    params = {**run.defaults, **run.params}
    return [
        ("Strategy", run.strategy),
        ("Parameters", ", ".join(f"{name}={value}" for name, value in params.items()) or "none"),
        ("Engine", run.engine),
        ("Data", str(data.path)),
        ("SHA-256", data.sha256),
        ("Format", data.format),
        ("Symbol, interval", data.title),
        ("Bars", f"{len(data.bars):,}, {iso_utc(int(times[0]))} to {iso_utc(int(times[-1]))}"),
        ("Note", data.note),
        ("Warnings", " ".join(data.warnings)),
        ("Cash, stake", f"{told.cash:g}, {told.stake}"),
        ("Commission, slippage", f"{told.commission:g}, {told.slippage:g}"),
        ("Lot step", f"{told.lot_step:g}"),
        ("Protection", protection or "none"),
        ("Shorts", "allowed" if told.allow_short else "not by signals"),
    ]
