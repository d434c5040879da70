"""TA-Lib without pandas for our own strategies, with it for everybody else's."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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
