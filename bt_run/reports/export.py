"""
Results as files: JSON for everything, CSV for trades and for the equity curve.

The same run gives the same bytes: nothing of the clock or of the machine goes in. Times are ISO 8601 UTC.
``docs/results.md`` names every key.
"""

from __future__ import annotations

import csv
import json
import math
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from bt_run.core.atomic import replacing
from bt_run.core.clock import iso_utc
from bt_run.reports.benchmark import find_holds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bt_run.core.market import BarFile, IntArray
    from bt_run.core.results import OpenPosition, RejectedOrder, RunResult, Trade

__all__ = [
    "BACKTEST_SCHEMA",
    "COMPARE_SCHEMA",
    "EQUITY_COLUMNS",
    "TRADE_COLUMNS",
    "comparison_to_dict",
    "result_to_dict",
    "to_json",
    "write_equity_csv",
    "write_json",
    "write_trades_csv",
]

BACKTEST_SCHEMA = "bt-run/backtest/1"
COMPARE_SCHEMA = "bt-run/compare/1"

TRADE_COLUMNS = (
    "entry_time", "exit_time", "entry_bar", "exit_bar", "side", "size", "entry_price", "exit_price", "pnl",
    "pnl_pct", "fees", "duration_s", "entry_tag", "exit_reason", "mae_pct", "mfe_pct",
)  # fmt: skip
"""The keys of a trade, in JSON and as CSV columns."""

EQUITY_COLUMNS = ("open_time", "equity", "cash", "position", "drawdown_pct")
"""The columns of the equity file."""

_CONTAINERS, _PLAIN = frozenset((dict, list)), frozenset((int, float, str))
_DAY_MS = 86_400_000
_ROWS_AT_ONCE = 1 << 16  # all at once would take as much memory as the bars
_DICTS_AT_ONCE = 1000  # as above
_THREADS = 2


def result_to_dict(result: RunResult) -> dict[str, Any]:
    """
    Turn a result into plain JSON values: str, int, float, bool, None, lists and dicts.

    A number that is NaN or infinite becomes None. ``data.path`` is the path that was read; `data.sha256` tells
    which content it was.
    """
    document = {
        "schema": BACKTEST_SCHEMA,
        "strategy": {"name": result.strategy, "params": {**result.defaults, **result.params}},
        "data": _data(result.data),
        "settings": _settings(result),
        "metrics": dict(result.metrics),
        "trades": [],
        "open_position": _open_position(result.open_position),
        "rejected": [_rejected(order) for order in result.rejected],
    }
    plain: dict[str, Any] = _plain(document)
    is_finite = _are_finite(result.trades)
    plain["trades"] = [
        row if is_finite and _PLAIN.issuperset(map(type, row.values())) else _plain(row)
        for row in _trades(result)
    ]
    return plain


def _are_finite(trades: Sequence[Trade]) -> bool:
    """Tell whether no number of any trade overflowed, all at once: one by one takes as long as writing them."""
    numbers = attrgetter("size", "entry_price", "exit_price", "pnl", "pnl_pct", "fees", "mae_pct", "mfe_pct")
    return bool(np.isfinite([numbers(trade) for trade in trades]).all())


def comparison_to_dict(results: Sequence[RunResult]) -> dict[str, Any]:
    """
    Put runs side by side: each as `result_to_dict` has it, and buy and hold once for each file of bars.
    """
    holds = [
        {"data": _data(hold.data), "cash": hold.cash, "metrics": hold.metrics} for hold in find_holds(results)
    ]
    return {
        "schema": COMPARE_SCHEMA,
        "runs": [result_to_dict(result) for result in results],
        "buy_and_hold": _plain(holds),
    }


def to_json(document: Mapping[str, Any]) -> str:
    """Write a document as indented JSON with a newline at the end; NaN is refused (ValueError)."""
    return "".join(_pieces(document, "\n")) + "\n"


def _pieces(value: Any, margin: str) -> Iterator[str]:
    """
    Write a value as ``json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)`` does, piece by piece.

    Python leaves its quick encoder where it indents, so that is given what is all of one depth: the trades.
    """
    deeper = margin + "  "
    if isinstance(value, dict) and value:
        if _is_row(value):
            yield f"{{{deeper}{_encoder(deeper).encode(value)[1:-1]}{margin}}}"
            return
        for number, (key, item) in enumerate(value.items()):
            yield f"{',' if number else '{'}{deeper}{_encoder(deeper).encode(key)}: "
            yield from _pieces(item, deeper)
        yield f"{margin}}}"
    elif isinstance(value, list) and value:
        if all(_is_row(item) for item in value):
            yield from _row_pieces(value, deeper)
        else:
            for number, item in enumerate(value):
                yield f"{',' if number else '['}{deeper}"
                yield from _pieces(item, deeper)
        yield f"{margin}]"
    else:
        yield _encoder(deeper).encode(value)


def _row_pieces(rows: list[dict[str, Any]], margin: str) -> Iterator[str]:
    inner = margin + "  "
    # The margin begins with the end of a line, which no encoded text holds: this finds ends of rows alone.
    end, between = f"}},{inner}{{", f"{margin}}},{margin}{{{inner}"
    for first in range(0, len(rows), _DICTS_AT_ONCE):
        text = _encoder(inner).encode(rows[first : first + _DICTS_AT_ONCE])[2:-2]
        yield f"{',' if first else '['}{margin}{{{inner}{text.replace(end, between)}{margin}}}"


def _is_row(value: Any) -> bool:
    """Tell a dict that holds something, but no list and no other dict."""
    return isinstance(value, dict) and bool(value) and _CONTAINERS.isdisjoint(map(type, value.values()))


@cache
def _encoder(margin: str) -> json.JSONEncoder:
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(f",{margin}", ": "))


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document of `result_to_dict` or `comparison_to_dict`, whole or not at all. Raises ConfigError."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(_pieces(document, "\n"))
        file.write("\n")


def write_trades_csv(path: Path, result: RunResult) -> None:
    """Write one line a closed trade under `TRADE_COLUMNS`; numbers read back exactly. Raises ConfigError."""
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, TRADE_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(_trades(result))


def write_equity_csv(path: Path, result: RunResult) -> None:
    """
    Write one line a bar under `EQUITY_COLUMNS`: the account at its close.

    Every number is the shortest text that reads back exactly. A million bars take about a second.
    Raises ConfigError.
    """
    curve, times = result.curve, result.data.bars.open_time
    values = (curve.equity, curve.cash, curve.position, curve.drawdown_pct)

    def lines_from(first: int) -> Any:
        rows = slice(first, first + _ROWS_AT_ONCE)
        columns = [_iso_column(times[rows]), *(pa.array(value[rows]) for value in values)]
        text = pa.BufferOutputStream()
        options = arrow_csv.WriteOptions(include_header=False, quoting_style="none")
        arrow_csv.write_csv(pa.table(columns, names=list(EQUITY_COLUMNS)), text, options)
        return text.getvalue()

    with replacing(path) as temporary, temporary.open("wb") as file, ThreadPoolExecutor(_THREADS) as pool:
        file.write((",".join(EQUITY_COLUMNS) + "\n").encode())  # Arrow would put the names in quotes
        starts = range(0, len(times), _ROWS_AT_ONCE)
        for few in (starts[at : at + _THREADS] for at in range(0, len(starts), _THREADS)):
            file.writelines(pool.map(lines_from, few))


def _iso_column(open_time: IntArray) -> Any:
    """Write times as `iso_utc` does; each day and each time of day is put into words once."""
    day = pa.array(open_time // _DAY_MS).dictionary_encode()
    clock = pa.array(open_time % _DAY_MS).dictionary_encode()
    days = pa.array([iso_utc(count * _DAY_MS)[:10] for count in day.dictionary.to_pylist()], pa.string())
    clocks = pa.array([iso_utc(time)[10:] for time in clock.dictionary.to_pylist()], pa.string())
    return compute.binary_join_element_wise(days.take(day.indices), clocks.take(clock.indices), "")


def _data(data: BarFile) -> dict[str, Any]:
    times = data.bars.open_time
    return {
        "path": str(data.path),
        "symbol": data.symbol,
        "interval": str(data.interval),
        "bars": len(data.bars),
        "start": iso_utc(int(times[0])),
        "end": iso_utc(int(times[-1])),
        "sha256": data.sha256,
        "format": data.format,
        "note": data.note,
        "warnings": list(data.warnings),
    }


def _settings(result: RunResult) -> dict[str, Any]:
    told = result.settings
    return {
        "cash": told.cash,
        "commission": told.commission,
        "slippage": told.slippage,
        "stake": str(told.stake),
        "engine": result.engine,
        "engine_note": result.engine_note,
        "lot_step": told.lot_step,
        "allow_short": told.allow_short,
        "stop_loss_pct": told.protection.stop_loss_pct,
        "take_profit_pct": told.protection.take_profit_pct,
        "trailing_stop_pct": told.protection.trailing_stop_pct,
    }


def _trades(result: RunResult) -> Iterator[dict[str, Any]]:
    """Give the row of every trade."""
    trades = result.trades
    entries, exits = _iso_texts([trade.entry_ms for trade in trades]), _iso_texts([t.exit_ms for t in trades])
    rest = attrgetter(*TRADE_COLUMNS[2:])
    for entry, leave, trade in zip(entries, exits, trades, strict=True):
        yield dict(zip(TRADE_COLUMNS, (entry, leave, *rest(trade)), strict=True))


def _iso_texts(times: Sequence[int]) -> list[str]:
    """Write times as `iso_utc` does, all at once where none has a part of a second."""
    if any(time % 1000 for time in times):
        return [iso_utc(time) for time in times]
    texts: list[str] = np.datetime_as_string(np.array(times, dtype="datetime64[ms]"), unit="s").tolist()
    return [f"{text}Z" for text in texts]


def _open_position(held: OpenPosition | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {
        "entry_time": iso_utc(held.entry_ms),
        "entry_bar": held.entry_bar,
        "side": held.side,
        "size": held.size,
        "entry_price": held.entry_price,
        "last_price": held.last_price,
        "pnl": held.pnl,
        "pnl_pct": held.pnl_pct,
        "fees": held.fees,
        "entry_tag": held.entry_tag,
    }


def _rejected(order: RejectedOrder) -> dict[str, Any]:
    return {
        "time": iso_utc(order.time_ms),
        "bar": order.bar,
        "side": order.side,
        "size": order.size,
        "price": order.price,
        "reason": order.reason,
    }


def _plain(value: Any) -> Any:
    """Turn a value into what JSON knows; an object among a strategy's parameters becomes its class's name."""
    if value is None or isinstance(value, (bool, str, int)) or (type(value) is float and math.isfinite(value)):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        return _plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return getattr(value, "__qualname__", type(value).__qualname__)
