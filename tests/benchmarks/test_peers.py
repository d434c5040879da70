"""The benchmarks against peers compare what they claim to, and need no peer for what is ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = ("engine_scaling", "engines", "sweep", "make_peers", "peer_work", "csv_to_result", "machine", "start_up")


@pytest.fixture(scope="module")
def scripts(root):
    """Give a function that imports a script as Python does when it runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "benchmarks"))
        yield __import__
        for name in HERE:
            sys.modules.pop(name, None)


def test_sides_that_agree_may_differ_in_the_last_digits_of_money_only(scripts):
    """A ten-thousandth of the final equity is rounding; a bar is not."""
    difference = scripts("engines").difference
    one = {"equity_final": 9_996_404.1392, "trades": [[1, 2], [5, 9]]}

    assert difference(one, {**one, "equity_final": 9_996_404.13919}) is None
    assert "final equity" in difference(one, {**one, "equity_final": 9_996_404.1394})
    assert "1 trades" in difference(one, {**one, "trades": [[1, 2]]})
    assert "trade 1: [5, 9] and [5, 8]" == difference(one, {**one, "trades": [[1, 2], [5, 8]]})


def test_a_sweep_is_compared_combination_by_combination(scripts):
    """A side that does not count trades is compared by equity alone."""
    difference = scripts("sweep").difference
    truth = {(5, 20): (100.0, 3), (5, 21): (101.0, 4)}

    assert difference(truth, {(5, 21): (101.0, None)}) is None
    assert "period 5, oversold 21" in difference(truth, {(5, 21): (101.0, 5)})
    assert "period 5, oversold 20" in difference(truth, {(5, 20): (100.1, 3)})


def test_a_peer_without_an_environment_ends_with_the_way_to_make_it(scripts, monkeypatch, tmp_path):
    """Nobody has to guess what is missing."""
    monkeypatch.setenv("BT_RUN_BENCHMARKS", str(tmp_path))

    with pytest.raises(
        SystemExit, match=r"no environment for vectorbt\. Make it: python .*make_peers\.py vectorbt"
    ):
        scripts("make_peers").python_of("vectorbt")


def test_every_peer_has_a_script(scripts, root):
    """The table names files that are there."""
    peers = scripts("make_peers").PEERS

    assert all((root / "benchmarks" / peer.script).is_file() for peer in peers.values())


def run_script(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "benchmarks" / words[0]), *words[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_our_engines_run_side_by_side(root, tmp_path):
    """No peer is needed to compare our own."""
    out = tmp_path / "RESULTS.md"
    sides = ["fast", "fast, trades and equity as CSV", "fast-store", "accelerated", "bt-run's backtrader"]
    sides.append("fast-store, first run of the series")
    ran = run_script(root, "engines.py", "--bars", "3000", "--runs", "1", "--only", *sides, "--out", str(out))

    assert 0 == ran.returncode, ran.stderr
    assert "<!-- begin some engines 3000 -->" in out.read_text()
    assert len(sides) == sum(line.count("n=1") for line in ran.stdout.splitlines())


def test_a_further_bar_costs_what_the_longer_run_took_more(scripts):
    """The start of a process is in every run, and so in no difference of two."""
    further = scripts("engine_scaling").further_bar_us

    assert [None, 250_000.0, 125_000.0] == further([1, 3, 7], [1.0, 1.5, 2.0])


@pytest.mark.slow
def test_the_cost_of_more_bars_is_shown_in_one_table(root, tmp_path):
    """Each side over each number of bars."""
    out = tmp_path / "RESULTS.md"
    ran = run_script(root, "engine_scaling.py", "--bars", "4000", "2000", "--runs", "1", "--out", str(out))

    assert 0 == ran.returncode, ran.stderr
    rows = [
        line.split(" | ")[:2] for line in out.read_text().splitlines() if line.startswith(("| fast", "| acc"))
    ]
    sides = ("fast", "fast-store", "accelerated")
    assert [[f"| {side}", bars] for side in sides for bars in ("2,000", "4,000")] == rows


@pytest.mark.slow
def test_our_sweep_runs_by_script_and_by_command(root, tmp_path):
    """With one job and with two, the same results."""
    out = tmp_path / "RESULTS.md"
    ran = run_script(root, "sweep.py", "--bars", "2000", "--runs", "1", "--only", "bt-run", "--out", str(out))

    assert 0 == ran.returncode, ran.stderr
    assert "200 combinations on 2,000 bars" in out.read_text()


@pytest.mark.slow
def test_the_start_is_timed(root, tmp_path):
    """The time until the data are opened is found for both kinds of strategy."""
    out = tmp_path / "RESULTS.md"
    ran = run_script(root, "start_up.py", "--runs", "1", "--out", str(out))

    assert 0 == ran.returncode, ran.stderr
    assert 2 == out.read_text().count("until it opens its data")


@pytest.mark.slow
def test_backtrader_as_a_peer_does_its_work_with_any_python_that_has_it(root, tmp_path):
    """A run and a sweep of one level, in the project's own environment."""
    data, out = tmp_path / "bars.csv", tmp_path / "out.json"
    run_script(root, "make_bars.py", "2000", str(data))
    ran = run_script(root, "peer_backtrader.py", "run", str(data), str(out))

    assert 0 == ran.returncode, ran.stderr
    assert {"equity_final", "trades"} == set(json.loads(out.read_text()))
