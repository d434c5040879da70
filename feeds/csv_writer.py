"""Write bars to a file of our own: CSV, plain or in gz, or Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from bt_run.core.atomic import replacing
from bt_run.core.errors import ConfigError
from bt_run.core.market import BAR_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

    from bt_run.core.market import Bars, IntArray

__all__ = ["BAR_ENDINGS", "check_ending", "write_bars"]

BAR_ENDINGS = (".csv", ".csv.gz", ".parquet")
"""What the name of a file of bars that we write ends in."""

_PRICES = BAR_COLUMNS[1:5]


def write_bars(path: Path, bars: Bars) -> None:
    """
    Write bars as `read_bars` reads them back: the columns of `BAR_COLUMNS`, every float to its last bit.

    The ending chooses the form: ``.csv``, ``.csv.gz`` or ``.parquet``. Open times are ISO 8601 UTC in CSV
    (with milliseconds where one of them has any), timestamps in Parquet. A volume column without one known
    value is left out; a single unknown value (NaN) is an empty cell. The file is written whole or not at
    all, and the same bars give the same bytes.

    Raises:
        ConfigError: another ending, a folder that cannot be written to, or a full disk.
    """
    ending = check_ending(path)
    with replacing(path) as temporary:
        if ending == ".parquet":
            pyarrow.parquet.write_table(
                _table(bars, _timestamps(bars.open_time)), temporary, compression="zstd"
            )
            return
        table = _table(bars, _iso_texts(bars.open_time))
        plain = pyarrow.csv.WriteOptions(quoting_style="none", quoting_header="none")
        with pa.output_stream(str(temporary), compression="gzip" if ending == ".csv.gz" else None) as stream:
            pyarrow.csv.write_csv(table, stream, plain)


def check_ending(path: Path) -> str:
    """Give the ending that chooses the form of the file. Raises ConfigError where it is none of ours."""
    for ending in BAR_ENDINGS:
        if path.name.casefold().endswith(ending):
            return ending
    raise ConfigError(f"{path} does not tell the form of the file. End it in {', '.join(BAR_ENDINGS)}.")


def _table(bars: Bars, times: Any) -> Any:
    columns = {"open_time": times}
    for name in BAR_COLUMNS[1:]:
        values = getattr(bars, name)
        unknown = np.isnan(values)
        if name in _PRICES or not len(bars) or not unknown.all():
            columns[name] = pa.array(values, mask=unknown)
    return pa.table(columns)


def _timestamps(times: IntArray) -> Any:
    return pa.array(times).cast(pa.timestamp("ms", "UTC"))


def _iso_texts(times: IntArray) -> Any:
    unit = "ms" if (times % 1000).any() else "s"
    texts = pa.array(times).cast(pa.timestamp("ms")).cast(pa.timestamp(unit)).cast(pa.string())
    return pc.binary_join_element_wise(pc.replace_substring(texts, " ", "T"), "Z", "")
