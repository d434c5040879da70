"""The package gives its names without loading anything heavy first."""

from __future__ import annotations

import subprocess
import sys

import pytest

import feeds


def test_public_names() -> None:
    """These names are public, sorted, and there."""
    assert [
        "ArrayFeed", "CsvFeed", "HistoryFeed", "LiveFeed", "find_data", "read_bars", "shipped_data"
    ] == feeds.__all__  # fmt: skip
    assert [name for name in feeds.__all__ if not callable(getattr(feeds, name))] == []
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = feeds.nothing


def test_importing_the_package_loads_no_heavy_library() -> None:
    """Import feeds, and even the finding of files, without numpy, pandas, pyarrow and backtrader."""
    heavy = {"numpy", "pandas", "pyarrow", "backtrader"}
    code = f"import sys, feeds.locate; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()


def test_reading_a_csv_loads_neither_pandas_nor_backtrader(root: object) -> None:
    """A file of text needs numpy and pyarrow alone."""
    code = (
        f"import sys, feeds; feeds.read_bars({str(root)!r} + '/data/btc_1d.csv'); "
        "print(sorted({'pandas', 'backtrader', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "['pyarrow']" == done.stdout.strip()
