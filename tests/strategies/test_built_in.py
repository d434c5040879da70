"""TA-Lib without pandas for our own strategies, with it for everybody else's."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from strategies.built_in import is_there

PROBE = """
import json, sys
from strategies.built_in import import_talib_for
import_talib_for(json.loads(sys.argv[1]))
import talib
loaded = "pandas" in sys.modules
import numpy, pandas
values = numpy.arange(50.0)
print(json.dumps([loaded, float(talib.SMA(values, 5)[-1]), "pandas" in sys.modules]))
"""


@pytest.mark.parametrize(
    ("specs", "with_pandas"),
    [
        (["rsi", "macd:fast=8"], False),
        (["rsi", "./mine.py:Mine"], True),
        (["somebody_elses"], True),
    ],
)
def test_pandas_is_loaded_only_for_strategies_that_may_pass_a_series(specs: list[str], with_pandas: bool):
    """Whoever imports pandas afterwards gets it."""
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(specs)], capture_output=True, text=True, check=True
    )

    assert [with_pandas, 47.0, True] == json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("source", "with_pandas"),
    [
        ("import backtrader as bt\nimport math, datetime\nfrom strategies.rsi import Rsi\n", False),
        ("import backtrader as bt\ndef f():\n    from pandas import Series\n", True),
        ("import backtrader as bt\nimport mine_too\n", True),
        ("import importlib\n", True),
        ("import backtrader as bt\n!", True),
        (None, True),
    ],
)
def test_a_file_is_read_for_what_it_imports(tmp_path, source, with_pandas):
    """What is not known to be free of pandas may pass a Series, as may a file that cannot be read."""
    path = tmp_path / "mine.py"
    if source is not None:
        path.write_text(source)
    probe = [sys.executable, "-c", PROBE, json.dumps(["macd", f"{path}:Mine:period=3"])]
    ran = subprocess.run(probe, capture_output=True, text=True, check=True)

    assert [with_pandas, 47.0, True] == json.loads(ran.stdout)


@pytest.mark.parametrize(
    "spec", ["rsi", "rsi:period=5,oversold=20", "mine.py", "mine.py:Mine", "./mine.py:Mine:period=3"]
)
def test_what_surely_can_be_found_is_known_without_loading_it(tmp_path, monkeypatch, spec):
    """A name of ours, or a file that exists, with whatever stands behind it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()

    assert is_there(spec)


@pytest.mark.parametrize("spec", ["rsj", "other.py", "other.py:Mine", "somebodys_own", ""])
def test_what_may_not_exist_is_left_to_the_loader(tmp_path, monkeypatch, spec):
    """Another package's name may exist: only the loader knows."""
    monkeypatch.chdir(tmp_path)

    assert not is_there(spec)
