"""Stored results: a folder of the JSON files that ``bt-run backtest --json`` writes, with their curves."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ConfigError
from bt_run.reports.export import BACKTEST_SCHEMA, COMPARE_SCHEMA, EQUITY_COLUMNS, write_equity_csv, write_json
from bt_run.reports.export import result_to_dict as document_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bt_run.core.results import RunResult

__all__ = ["MOST_FILES", "ResultCurve", "ResultFolder", "StoredResult"]

MOST_FILES = 200
"""Files that are looked at, the newest; a page keeps no more."""

_MOST_BYTES = 32 * 1024 * 1024
_MOST_POINTS = 5_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,79}")


@dataclass(frozen=True, slots=True)
class StoredResult:
    """
    One run of a file: `name` is the file's stem, with ``#2`` for the second of a comparison.

    `start` and `end` are ISO 8601 UTC, open times of the first and the last bar. `metrics` as docs/metrics.md.
    """

    name: str
    strategy: str
    params: Mapping[str, Any]
    symbol: str
    interval: str
    start: str
    end: str
    note: str
    metrics: Mapping[str, float | int | None]


@dataclass(frozen=True, slots=True)
class ResultCurve:
    """
    An account over time: `times` in ms UTC, rising, and `equity` in quote asset, both of shape (n,), n >= 1.

    `by_trade` where no equity file lies beside the result: the account at the exit of each trade, and nothing
    of what lies between.
    """

    times: tuple[int, ...]
    equity: tuple[float, ...]
    by_trade: bool


_Run = tuple[StoredResult, ResultCurve]
"""What is kept of a file in memory: the summary without a name, and the account by trade."""


class ResultFolder:
    """
    Results below one folder, not in folders within it. What is no result of ours is passed over.

    A file is read anew when it has changed. May be used by several threads.

    Args:
        path: The folder; it may not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: dict[Path, tuple[tuple[int, int], tuple[_Run, ...]]] = {}

    def results(self) -> tuple[StoredResult, ...]:
        """List the results of the newest files, the newest first."""
        return tuple(replace(summary, name=name) for name, (summary, _) in self._runs().items())

    def curve(self, name: str) -> ResultCurve:
        """Give the account of a result. Raises ConfigError where there is none of that name."""
        run = self._runs().get(name)
        if run is None:
            raise ConfigError(f"There is no result {name!r} in {self.path}.")
        file = None if "#" in name else self._equity_file(name)
        return run[1] if file is None else _thinned(*_read_equity(file), by_trade=False)

    def keep(self, name: str, result: RunResult) -> StoredResult:
        """
        Write a result and its equity, as ``bt-run backtest --json NAME.json --equity NAME.csv`` does.

        Raises:
            ConfigError: a name that is no plain file name, is taken, or is one too many.
        """
        if not _NAME.fullmatch(name) or name.endswith((".", " ")):
            raise ConfigError(f"{name!r} is no name for a result. Use letters, digits, spaces and dashes.")
        file = self.path / f"{name}.json"
        if file.exists() or file.with_suffix(".csv").exists():
            raise ConfigError(f"There is a result {name!r} already. Choose another name.")
        if len(self._files()) >= MOST_FILES:
            raise ConfigError(f"{self.path} has {MOST_FILES} results. Take some away first.")
        self.path.mkdir(parents=True, exist_ok=True)
        write_equity_csv(file.with_suffix(".csv"), result)
        document = document_of(result)
        write_json(file, document)
        return replace(_summary(document), name=name)

    def _files(self) -> list[Path]:
        found = [(file.stat(), file) for file in self.path.glob("*.json") if file.is_file()]
        kept = [(stat.st_mtime_ns, file) for stat, file in found if stat.st_size <= _MOST_BYTES]
        return [file for _, file in sorted(kept, reverse=True)[:MOST_FILES]]

    def _runs(self) -> dict[str, _Run]:
        found: dict[str, _Run] = {}
        for file in self._files():
            runs = self._runs_of(file)
            for number, run in enumerate(runs, start=1):
                found[file.stem if len(runs) == 1 else f"{file.stem}#{number}"] = run
        return found

    def _runs_of(self, file: Path) -> tuple[_Run, ...]:
        stat = file.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        known = self._read.get(file)
        if known is None or known[0] != stamp:
            known = self._read[file] = (stamp, _parse(file))
        return known[1]

    def _equity_file(self, name: str) -> Path | None:
        for file in (self.path / f"{name}.csv", self.path / f"{name}-equity.csv"):
            if file.is_file():
                with file.open(encoding="utf-8", newline="") as text:
                    if text.readline().strip() == ",".join(EQUITY_COLUMNS):
                        return file
        return None


def _parse(file: Path) -> tuple[_Run, ...]:
    """Give the runs of a file that can be shown; none of a file that is something else."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return ()
    schema = told.get("schema") if isinstance(told, dict) else None
    runs = [told] if schema == BACKTEST_SCHEMA else told.get("runs", []) if schema == COMPARE_SCHEMA else []
    try:
        return tuple((_summary(run), _by_trade(run)) for run in runs)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ()


def _summary(run: Mapping[str, Any]) -> StoredResult:
    data, strategy = run["data"], run["strategy"]
    metrics = {
        str(key): value
        for key, value in run["metrics"].items()
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    }
    return StoredResult(
        name="",
        strategy=str(strategy["name"]),
        params=dict(strategy["params"]),
        symbol=str(data["symbol"] or ""),
        interval=str(data["interval"]),
        start=str(data["start"]),
        end=str(data["end"]),
        note=str(data["note"]),
        metrics=metrics,
    )


def _by_trade(run: Mapping[str, Any]) -> ResultCurve:
    """Reckon the account at the exits; the last value is what the result says it was worth at the end."""
    cash, final = float(run["settings"]["cash"]), float(run["metrics"]["equity_final"])
    trades = sorted((_ms(trade["exit_time"]), float(trade["pnl"])) for trade in run["trades"])
    sums = accumulate((earned for _, earned in trades), initial=cash)
    next(sums)
    found = {_ms(run["data"]["start"]): cash, **dict(zip((time for time, _ in trades), sums, strict=True))}
    found[_ms(run["data"]["end"])] = final
    times = sorted(found)
    return _thinned(times, [found[time] for time in times], by_trade=True)


def _read_equity(file: Path) -> tuple[list[int], list[float]]:
    with file.open(encoding="utf-8", newline="") as text:
        rows = [(row["open_time"], row["equity"]) for row in csv.DictReader(text)]
    try:
        return [_ms(time) for time, _ in rows], [float(equity) for _, equity in rows]
    except ValueError as error:
        raise ConfigError(f"{file} is no equity file of bt-run: {error}.") from error


def _thinned(times: list[int], equity: list[float], *, by_trade: bool) -> ResultCurve:
    """Leave so many points that a picture shows them, the last one among them."""
    step = max(1, -(-len(times) // _MOST_POINTS))
    places = sorted({*range(0, len(times), step), len(times) - 1} - {-1})
    return ResultCurve(tuple(times[at] for at in places), tuple(equity[at] for at in places), by_trade)


def _ms(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)
