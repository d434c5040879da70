"""Run the real command in a process of its own, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def clean_env(tmp_path: Path) -> dict[str, str]:
    """Give an environment without settings of whoever runs the tests, and an empty home."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("BT_RUN_")}
    return env | {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path / "home"), "COLUMNS": "80"}


@pytest.fixture
def bt_run(tmp_path: Path, clean_env: dict[str, str]) -> Run:
    """Give a function that runs bt-run in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(
        *words: str, env: dict[str, str] | None = None, cwd: Path = folder
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bt_run", *words],
            cwd=cwd,
            env=clean_env | (env or {}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Give the folder in which `bt_run` runs."""
    return tmp_path / "work"
