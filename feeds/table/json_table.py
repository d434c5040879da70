"""Read JSON klines into arrays: what freqtrade stores and what Binance answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import DataError
from feeds.table.raw import RawBars
from feeds.table.timestamps import epoch_ms

if TYPE_CHECKING:
    from feeds.table.content import Content

__all__ = ["read_json"]

_FREQTRADE = ("open", "high", "low", "close", "volume")
_BINANCE = (*_FREQTRADE, "", "quote_volume", "trades", "taker_buy_volume", "taker_buy_quote_volume", "")


def read_json(content: Content) -> RawBars:
    """
    Read one array of arrays.

    Six values a bar are freqtrade's (and ccxt's) ``[ms, open, high, low, close, volume]``; twelve are
    Binance's answer to ``GET /api/v3/klines``, whose prices are texts. Errors count rows from 1.

    Raises:
        DataError: broken JSON, or anything else than such an array.
    """

    def fault(row: int, problem: str, column: str = "") -> DataError:
        return DataError(f"row {row + 1}: {problem}", path=content.path, column=column or None)

    rows = _parse(content)
    widths = {len(row) if isinstance(row, list) else 0 for row in rows}
    if widths not in ({6}, {12}):
        raise DataError(
            "The JSON is not an array of bars with 6 values (freqtrade) or 12 (Binance) each.",
            path=content.path,
            hint="Save the bars as CSV with a header line.",
        )
    try:
        table = np.array(rows, dtype=np.float64)
    except (TypeError, ValueError):
        raise _find_fault(rows, fault) from None
    names = _FREQTRADE if table.shape[1] == 6 else _BINANCE
    columns = {name: np.ascontiguousarray(table[:, place]) for place, name in enumerate(names, start=1) if name}
    times = epoch_ms(np.ascontiguousarray(table[:, 0]), fault)
    kind = "freqtrade JSON" if names is _FREQTRADE else "Binance klines JSON"
    return RawBars(times, columns, kind, None, "open", fault)


def _parse(content: Content) -> list[Any]:
    with content.open() as stream:
        body = stream.read()
    try:
        rows = json.loads(body)
    except UnicodeDecodeError as error:
        raise DataError("The JSON is not UTF-8 text.", path=content.path) from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"The JSON breaks off or is damaged: {error.msg}.", path=content.path, line=error.lineno
        ) from error
    if not isinstance(rows, list) or not rows:
        raise DataError("The JSON holds no array of bars.", path=content.path)
    return rows


def _find_fault(rows: list[list[Any]], fault: Any) -> DataError:
    for position, row in enumerate(rows):
        for value in row:
            try:
                float(value)
            except (TypeError, ValueError):
                error: DataError = fault(position, f"{value!r} is not a number.")
                return error
    return DataError("The JSON holds values that are not numbers.")
