"""The benchmark of the store runs from end to end and compares what it measures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_a_small_run_writes_its_section(root: Path, tmp_path: Path):
    """Five ways, the same values, between markers of their own."""
    out = tmp_path / "RESULTS.md"
    command = [sys.executable, root / "benchmarks" / "store_load.py", "--bars", "50000", "--runs", "1"]
    ran = subprocess.run([*command, "--out", out], capture_output=True, text=True, check=False)
    text = out.read_text()

    assert (0, "") == (ran.returncode, ran.stderr)
    assert "<!-- begin store_load 50000 -->" in text
    assert "Every value is the same to the last bit" in text
    assert 5 == sum(line.startswith(("| `pandas", "| bt-run")) for line in text.splitlines())
