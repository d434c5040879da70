"""Arrays that a sweep frees are taken again without asking the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNT = """
import resource, sys
import numpy as np
from bt_run.fast.freed_memory import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        first, second = np.full(1_000_000, 1.0), np.full(1_000_000, 2.0)
        del first, second
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults()
print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the knob is glibc's")
def test_the_same_memory_is_used_again():
    """Page faults of forty arrays of 8 MB: thousands without, next to none with."""
    found = {
        how: int(
            subprocess.run(
                [sys.executable, "-c", COUNT, how], capture_output=True, check=True, text=True
            ).stdout
        )
        for how in ("keep", "leave")
    }

    assert found["keep"] < 200
    assert found["keep"] < found["leave"]
