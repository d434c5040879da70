"""The README's two commands are where CI looks for them, and the scripts they call exist."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

FIRST_RUN = "backtest --strategy rsi --data btc_1d.csv --plot rsi.png --json rsi.json"


@pytest.mark.parametrize(
    ("marker", "command"),
    [
        ("run", f"scripts/setup && .venv/bin/bt-run {FIRST_RUN}"),
        ("test", "scripts/setup test && .venv/bin/pytest -n 2"),
    ],
)
def test_a_marked_command_is_the_one_that_ci_runs(root, marker, command):
    """The fenced block after the marker holds one command and nothing else."""
    text = (root / "README.md").read_text(encoding="utf-8")
    block = re.search(rf"^<!-- ci: {marker} -->\n```sh\n(.*?)\n```$", text, re.DOTALL | re.MULTILINE)

    assert block is not None
    assert command == block[1]


@pytest.mark.parametrize("name", ["scripts/setup", "scripts/check", "scripts/test"])
def test_a_script_can_be_executed(root, name):
    """The scripts that the README and the docs call by path are executable bash."""
    assert os.access(root / name, os.X_OK)
    assert 0 == subprocess.run(["bash", "-n", str(root / name)], check=False).returncode


def test_setup_refuses_what_it_does_not_know(root):
    """A wrong word is answered with the right ones, and nothing is installed."""
    done = subprocess.run(
        [str(root / "scripts" / "setup"), "tests"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )

    assert 1 == done.returncode
    assert "setup: unknown argument. Write scripts/setup, or scripts/setup test.\n" == done.stderr
