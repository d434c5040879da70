"""All that the doctor looks at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.journal.database import Place
from bt_run.run.doctor import journal as doctor_journal
from bt_run.run.doctor import machine as doctor_machine
from bt_run.run.doctor import venue as doctor_venue
from bt_run.run.doctor.finding import Finding, run_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.venue import Venue

__all__ = ["examine"]


def examine(venue: Venue, *, journal: str | Path, symbol: str = "BTCUSDT") -> tuple[Finding, ...]:
    """Look at everything, side by side; takes 5 seconds at most."""
    place = Place.parse(journal)
    checks: dict[str, Callable[[], Finding]] = {
        "Python": doctor_machine.check_python,
        "TA-Lib": doctor_machine.check_talib,
        "Packages": doctor_machine.check_packages,
        "Clock": doctor_machine.check_clock,
        "Key file": lambda: doctor_machine.check_env_file(Path.cwd() / ".env"),
        "Journal": lambda: doctor_journal.check_journal(journal),
        "REST": lambda: doctor_venue.check_rest(venue),
        "Time": lambda: doctor_venue.check_time(venue),
        "Streams": lambda: doctor_venue.check_stream(venue, symbol),
        "WebSocket API": lambda: doctor_venue.check_ws_api(venue),
        "Symbol": lambda: doctor_venue.check_symbol(venue, symbol),
        "API key": lambda: doctor_venue.check_key(venue),
    }
    if place.file is not None:
        folder = place.file.parent
        checks["Disk"] = lambda: doctor_machine.check_disk(folder)
    return run_checks(checks)
