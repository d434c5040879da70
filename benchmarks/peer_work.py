"""
The work that every peer does, and how it is told of it.

Imported by scripts that run with other environments' Python: it needs nothing but the standard library.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Found = dict[str, Any]
else:
    Found = dict

__all__ = [
    "CASH",
    "COMMISSION",
    "OVERBOUGHT",
    "OVERSOLD",
    "OVERSOLDS",
    "PERIOD",
    "PERIODS",
    "TOLERANCE",
    "Found",
    "main_of",
]

CASH = 10_000_000.0
COMMISSION = 0.001
PERIOD, OVERSOLD, OVERBOUGHT = 14, 30.0, 70.0
PERIODS, OVERSOLDS = range(5, 25), range(20, 30)
TOLERANCE = 1e-4
"""Of final equity: sums of thousands of fees differ in the last digits by the order of additions."""


def main_of(run: Callable[[str], Found], sweep: Callable[[str, range, int], Found]) -> None:
    """
    Read the arguments, do the work, and write what was found.

    `run` gives ``equity_final`` and ``trades``: (bar of entry, bar of exit) of each closed one. `sweep` gives
    ``seconds``, without the reading of the file, and ``results``: (final equity, closed trades, (period,
    oversold)) of each combination; `main_of` adds ``seconds_again`` where asked to.
    """
    parser = argparse.ArgumentParser(description="One peer of the benchmarks.")
    parser.add_argument("work", choices=["run", "sweep"])
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--levels", type=int, default=len(OVERSOLDS), help="of OVERSOLDS, the first so many")
    parser.add_argument("--again", action="store_true", help="sweep a second time, with compiled code at hand")
    given = parser.parse_args()
    if given.work == "run":
        given.out.write_text(json.dumps(run(given.data), default=float))
        return
    found = sweep(given.data, OVERSOLDS[: given.levels], given.jobs)
    if given.again:
        found["seconds_again"] = sweep(given.data, OVERSOLDS[: given.levels], given.jobs)["seconds"]
    given.out.write_text(json.dumps(found, default=float))
