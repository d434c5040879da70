"""The collector of garbage is out of the way for one run, and as it was afterwards."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from bt_run.cli.collector import rare_collection


def test_garbage_is_looked_for_more_rarely_and_then_as_before():
    """However the block ends; what was set before counts again."""
    before = gc.get_threshold()

    @rare_collection()
    def fail():
        assert (100_000, *before[1:]) == gc.get_threshold()
        raise ValueError("as wanted")

    for _ in range(2):
        with pytest.raises(ValueError, match="as wanted"):
            fail()

        assert before == gc.get_threshold()


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("rsi", "kept\n"), ("{root}/benchmarks/bt_tutorial.py:TutorialRsi", "kept\nclosed\n")],
)
def test_a_last_look_for_garbage_is_taken_for_code_of_users_alone(root, tmp_path, strategy, expected):
    """What hangs in a ring of references is closed at the end of a run that loaded any."""
    code = f"""
import sys
from bt_run.cli.main import run

class Ring:
    def __init__(self):
        self.me = self
    def __del__(self):
        print("closed", flush=True)

def keep():
    Ring()

words = ["backtest", "--strategy", {strategy.format(root=root)!r}, "--data", "data/btc_1d.csv", "--quiet"]
assert 0 == run(words)
import gc
gc.disable()
keep()
print("kept", flush=True)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, cwd=root)

    assert expected == done.stdout
