"""The file that a newcomer starts from; the contract test runs it too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bt_run.core.errors import ConfigError
from strategies.loader import load_strategy
from strategies.template import class_name_for, template


@pytest.fixture
def mine(tmp_path):
    """Write the template to mine.py."""
    path = tmp_path / "mine.py"
    path.write_text(template("Mine"))
    return path


def test_it_loads_by_file_and_takes_its_parameters(mine):
    """As written, without a change."""
    loaded = load_strategy(f"{mine}:Mine:dip=35,trend=20")

    assert {"dip": 35.0, "trend": 20} == loaded.params


@pytest.mark.parametrize("allow_short", [False, True])
def test_it_trades_on_a_random_walk(mine, walk, run_plain, allow_short):
    """A newcomer's first run shows trades, long and with shorts allowed."""
    fills = run_plain(load_strategy(str(mine)).cls, walk(seed=9, n=1000), allow_short=allow_short).fills
    holdings = {sum(size for _, size, _ in fills[: i + 1]) for i in range(len(fills))}

    assert len(fills) >= 10
    assert ({-1, 0, 1} if allow_short else {0, 1}) == holdings


def test_it_is_short_and_tidy(mine):
    """One page of at most 50 lines, as ruff would format it."""
    assert len(mine.read_text().splitlines()) <= 50
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "--isolated", "--line-length=112", str(mine)],
        check=False,
        capture_output=True,
        text=True,
    )

    assert 0 == checked.returncode, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", ["", "2x", "my-dip", "class", "a b", "_Mine"])
def test_a_name_that_no_class_can_have_is_refused(name):
    """The error shows a good one; a leading underscore would hide the class from the loader."""
    with pytest.raises(ConfigError, match="such as MyDip"):
        template(name)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("mine.py", "Mine"),
        ("my-dip.py", "MyDip"),
        ("my_own dip.py", "MyOwnDip"),
        ("RSI2.py", "RSI2"),
        ("2x.py", "Strategy2x"),
        ("_.py", "Strategy"),
        ("./strategies.d/über.py", "Über"),
    ],
)
def test_a_files_name_gives_a_class_name(file, name):
    """Whatever the file is called, the template can be written."""
    assert name == class_name_for(Path(file))
    assert f"class {name}(SignalStrategy)" in template(name)
