"""The entry point: what it loads, what it says, how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bt_run.cli.data import DATA_COMMANDS

HEAVY = ("backtrader", "pandas", "matplotlib", "numba", "talib", "numpy", "pyarrow", "rich", "binance")

PROBE = """
import sys
from bt_run.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as stop:
    code = stop.code
import json
print("MODULES " + json.dumps([code, [name for name in {heavy!r} if name in sys.modules]]))
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["backtest", "--help"],
        ["compare", "--help"],
        ["strategies", "--help"],
        ["config", "-h"],
        ["data", "--help"],
        *(["data", name, "--help"] for name in DATA_COMMANDS),
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(words: list[str]):
    """Help must answer at once: none of the libraries that take time are imported for it."""
    ran = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY), *words], capture_output=True, text=True, check=True
    )
    last = ran.stdout.splitlines()[-1]

    assert [0, []] == json.loads(last.removeprefix("MODULES "))


def test_help_shows_examples_and_every_command(bt_run):
    """A newcomer sees what to type."""
    text = bt_run("--help").stdout

    assert "bt-run backtest --strategy rsi --data btc_1d.csv" in text
    assert all(name in text for name in ("backtest", "compare", "config", "strategies"))


def test_a_mistyped_command_is_met_kindly(bt_run):
    """The nearest command is suggested, exit code 2."""
    ran = bt_run("bakctest")

    assert ran.returncode == 2
    assert "Did you mean 'backtest'?" in ran.stderr


def test_a_missing_option_is_named(bt_run):
    """Exit code 2 and the option's name."""
    ran = bt_run("backtest", "--data", "btc_1d.csv")

    assert ran.returncode == 2
    assert "Missing option '--strategy'" in ran.stderr


def test_a_folder_that_hides_a_room_is_named(bt_run_process, work):
    """A user's own strategies/ on PYTHONPATH hides ours: one sentence says so."""
    (work / "strategies").mkdir()
    (work / "strategies" / "__init__.py").write_text("")
    ran = bt_run_process("backtest", "-s", "rsi", "-d", "btc_1d.csv", env={"PYTHONPATH": str(work)})

    assert ran.returncode == 2
    assert "'strategies'" in ran.stderr
    assert str(work) in ran.stderr
    assert "Traceback" not in ran.stderr


def test_debug_shows_the_traceback_wherever_it_stands(bt_run):
    """Without --debug one sentence, with it the traceback as well."""
    quiet = bt_run("backtest", "-s", "rsi", "-d", "nowhere.csv")
    loud = bt_run("backtest", "-s", "rsi", "-d", "nowhere.csv", "--debug")

    assert "Traceback" not in quiet.stderr
    assert "Traceback" in loud.stderr
    assert quiet.returncode == loud.returncode == 3


def test_output_may_be_cut_by_a_pipe(clean_env):
    """`bt-run strategies | head -1` ends without a complaint."""
    ran = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m bt_run strategies | head -1; exit ${{PIPESTATUS[0]}}"],
        env=clean_env,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout.startswith("rsi")
    assert ran.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_scripts_are_made(bt_run_process, shell: str):
    """The line in the docs works for the three shells."""
    ran = bt_run_process(env={"_BT_RUN_COMPLETE": f"{shell}_source"})

    assert ran.returncode == 0
    assert "bt-run" in ran.stdout


def test_strategy_names_complete(bt_run_process):
    """Tab after --strategy b offers bollinger."""
    ran = bt_run_process(
        env={
            "_BT_RUN_COMPLETE": "bash_complete",
            "COMP_WORDS": "bt-run backtest --strategy b",
            "COMP_CWORD": "3",
        }
    )

    assert "bollinger" in ran.stdout


def test_data_files_complete(bt_run_process, work):
    """Tab after --data offers files of the folder and the shipped names."""
    (work / "btc_own.csv").write_text("")
    ran = bt_run_process(
        env={"_BT_RUN_COMPLETE": "bash_complete", "COMP_WORDS": "bt-run backtest --data btc", "COMP_CWORD": "3"}
    )

    assert "plain,btc_own.csv" in ran.stdout
    assert "plain,btc_1d.csv" in ran.stdout


def test_a_full_output_is_a_sentence(clean_env):
    """/dev/full as standard output: no traceback."""
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "bt_run", "backtest", "-s", "rsi", "-d", "btc_1d.csv", "--json", "-"],
            env=clean_env,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert ran.returncode == 1
    assert "no space is left" in ran.stderr
    assert "Traceback" not in ran.stderr
