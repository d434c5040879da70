"""The benchmark compares like with like, notices a difference, and keeps its file of results in order."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

BARS = 2_000


@pytest.fixture(scope="module")
def benchmark(root: Path) -> Any:
    """Import the script as Python does when it runs it: with its folder on the path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "benchmarks"))
        import csv_to_result

        yield csv_to_result
        for name in ("csv_to_result", "machine"):
            del sys.modules[name]


@pytest.fixture(scope="module")
def bars(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the file that both sides read."""
    path = tmp_path_factory.mktemp("bars") / "bars.csv"
    make_bars(root, BARS, path)
    return path


def make_bars(root: Path, count: int, path: Path) -> None:
    subprocess.run(
        [sys.executable, str(root / "benchmarks" / "make_bars.py"), str(count), str(path)], check=True
    )


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["rsi", "tutorial"])
def test_both_sides_give_the_same_trades_and_equity(
    benchmark: ModuleType, bars: Path, tmp_path: Path, strategy: str
):
    """Our strategy and a hand-written one, run by plain Backtrader and by our command, agree to the bit."""
    plain, ours = tmp_path / "plain.json", tmp_path / "ours.json"
    benchmark.run_child(benchmark.plain_command(strategy, bars, plain))
    benchmark.run_child(benchmark.ours_command(strategy, bars, ours))
    result = json.loads(plain.read_text())

    assert benchmark.difference(result, json.loads(ours.read_text())) is None
    assert len(result["trades"]) >= 4


def test_both_feeds_load_every_bar(benchmark: ModuleType, bars: Path):
    """The loader is timed for the whole file on both sides."""
    for side in ("plain", "ours"):
        printed = benchmark.run_child(benchmark.load_command(side, bars)).printed

        assert f"for {BARS} bars" in printed


def test_a_longer_file_begins_with_the_shorter_one(root: Path, bars: Path, tmp_path: Path):
    """The seed alone decides the prices, so that runs of different length are prefixes of one series."""
    shorter = tmp_path / "shorter.csv"
    make_bars(root, BARS // 2, shorter)

    assert bars.read_text().startswith(shorter.read_text())
    assert len(shorter.read_text().splitlines()) == BARS // 2 + 1


def test_any_difference_between_the_sides_is_found(benchmark: ModuleType):
    """One cent of equity, one trade or one number of a trade is enough."""
    trade = dict.fromkeys(benchmark.COMPARED, 1.0)
    plain = {"equity_final": 100.0, "trades": [trade]}
    ours: dict[str, Any] = {"metrics": {"equity_final": 100.0}, "trades": [trade]}
    richer, longer, later = copy.deepcopy(ours), copy.deepcopy(ours), copy.deepcopy(ours)
    richer["metrics"]["equity_final"] = 100.01
    longer["trades"].append(trade)
    later["trades"][0]["exit_bar"] = 2

    assert benchmark.difference(plain, ours) is None
    assert benchmark.difference(plain, richer) == "final equity: 100.0 plain, 100.01 ours"
    assert benchmark.difference(plain, longer) == "number of trades: 1 plain, 2 ours"
    assert benchmark.difference(plain, later) == "trade 0, exit_bar: 1.0 plain, 2 ours"


def test_a_section_of_results_is_replaced_and_the_others_stay(benchmark: ModuleType):
    """Each number of bars has its own section; a new one goes to the end."""
    first = benchmark.rewrite_section("# Results\n", "a", "old \\1")
    both = benchmark.rewrite_section(first, "b", "other")

    assert both == (
        "# Results\n\n<!-- begin a -->\nold \\1\n<!-- end a -->\n\n<!-- begin b -->\nother\n<!-- end b -->\n"
    )
    assert benchmark.rewrite_section(both, "a", "new") == both.replace("old \\1", "new")


def test_a_failing_child_is_reported_with_what_it_printed(benchmark: ModuleType):
    """A benchmark of something that crashed would be a fast one."""
    with pytest.raises(RuntimeError, match=r"ended with 1:[\s\S]*ZeroDivisionError"):
        benchmark.run_child([sys.executable, "-c", "1 / 0"])


@pytest.mark.slow
def test_the_benchmark_writes_its_section(root: Path, tmp_path: Path):
    """The whole script runs, on few bars, and leaves a table and the way to repeat it."""
    out = tmp_path / "RESULTS.md"
    script = str(root / "benchmarks" / "csv_to_result.py")
    subprocess.run([sys.executable, script, "--bars", str(BARS), "--runs", "1", "--out", str(out)], check=True)
    written = out.read_text()

    assert "<!-- begin csv_to_result 2000 -->" in written
    assert "| tutorial: peak memory, MiB |" in written
    assert "equal on both sides" in written
    assert "--bars 2000 --runs 1 --strategies rsi tutorial" in written
