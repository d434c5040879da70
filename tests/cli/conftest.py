"""Run the command as a user does: mostly in this process, because a new one takes a second to import all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bt_run.cli.main import run

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Give the empty folder in which the command runs."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def clean_env(tmp_path: Path) -> dict[str, str]:
    """Give an environment without settings of whoever runs the tests, and an empty home."""
    home = str(tmp_path / "home")
    env = {key: value for key, value in os.environ.items() if not key.startswith("BT_RUN_")}
    return env | {"HOME": home, "XDG_CONFIG_HOME": home, "COLUMNS": "80"}


@pytest.fixture
def bt_run(
    work: Path, clean_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Give a function that runs bt-run in the empty folder, in this process."""

    def run_here(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            patch.chdir(work)
            for key in set(os.environ) - set(clean_env):
                patch.delenv(key)
            for key, value in (clean_env | (env or {})).items():
                patch.setenv(key, value)
            capsys.readouterr()
            code = run(list(words))
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return run_here


@pytest.fixture
def bt_run_process(work: Path, clean_env: dict[str, str]) -> Run:
    """Give a function that runs bt-run in the empty folder, in a process of its own."""

    def run_there(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bt_run", *words],
            cwd=work,
            env=clean_env | (env or {}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run_there


@pytest.fixture
def bt_run_started(work: Path, clean_env: dict[str, str]) -> Iterator[Start]:
    """
    Give a function that starts bt-run in the empty folder and does not wait for it.

    Its output goes into pipes. What still runs at the end of the test is killed: one that fails waits
    for nobody and leaves nothing running.
    """
    with ExitStack() as stack:

        def start(*words: str, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "bt_run", *words],
                env=clean_env | (env or {}),
                text=True,
                **{"cwd": work, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start
