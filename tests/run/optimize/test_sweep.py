"""A search into a file can be stopped and gone on with."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.settings import BacktestSettings
from bt_run.core.trial import Trial
from bt_run.run.optimize.search import search
from bt_run.run.optimize.sweep import begin_sweep, question_of, resume_sweep, run_sweep, sweep_place
from bt_run.run.optimize.sweep_file import SweepFile


class Impatient(BaseException):
    """What Ctrl-C is to these tests."""


def stop_after(count):
    def progress(done):
        if done >= count:
            raise Impatient

    return progress


@pytest.mark.parametrize("method", ["grid", "random", "tpe"])
def test_a_sweep_that_was_stopped_goes_on(request_of, tmp_path, method):
    """What it had done is there, and in the end it holds what an unbroken one holds."""
    words = ("period=5:7", "oversold=25,35")
    one_by_one = BacktestSettings(engine="backtrader")
    trials = None if method == "grid" else 6
    request = request_of("rsi", *words, method=method, seed=5, trials=trials, settings=one_by_one, jobs=1)
    place = tmp_path / "a.sqlite"
    with begin_sweep(request, place) as file, pytest.raises(Impatient):
        run_sweep(request, file, progress=stop_after(3))
    with resume_sweep(request, place) as file:
        stopped = (file.count(), file.end)
        end = run_sweep(request, file)
        trials = list(file.trials())

    assert ((3, "interrupted"), "finished") == (stopped, end)
    assert [*range(6)] == [trial.number for trial in trials]
    if method != "tpe":  # which learns, after a break, from a new seed
        assert list(search(request).trials) == trials


def test_a_finished_sweep_is_not_run_again_on_resume(request_of, tmp_path):
    """Resuming it reads it."""
    request = request_of("rsi", "period=5:7")
    with begin_sweep(request, tmp_path / "a.sqlite") as file:
        run_sweep(request, file)
    calls = []
    with resume_sweep(request, tmp_path / "a.sqlite") as file:
        run_sweep(request, file, progress=calls.append)

    assert not calls


def test_only_the_same_question_is_gone_on_with(request_of, tmp_path, daily):
    """What differs is named."""
    request = request_of("rsi", "period=5:7")
    place = tmp_path / "a.sqlite"
    begin_sweep(request, place).close()
    fewer = dataclasses.replace(daily, bars=daily.bars[:200])
    others = {
        "other bars": request.on(fewer),
        "other ranges": request_of("rsi", "period=5:8"),
        "other cash, costs": dataclasses.replace(request, settings=BacktestSettings(cash=5.0)),
        "another strategy and another version of the strategy's code": request_of("bollinger", "period=5:7"),
        "other fixed": request_of("rsi:oversold=20", "period=5:7"),
        "another method": request_of("rsi", "period=5:7", method="random"),
    }
    for words, other in others.items():
        with pytest.raises(ConfigError, match=words):
            resume_sweep(other, place)
    resume_sweep(dataclasses.replace(request, jobs=2, timeout_s=5.0), place).close()


def test_a_sweep_is_not_overwritten_by_accident(request_of, tmp_path):
    """An empty one is, and a finished one of the same question; another and an unfinished one are not."""
    request, other = request_of("rsi", "period=5:6"), request_of("rsi", "period=7:8")
    place = tmp_path / "a.sqlite"
    begin_sweep(other, place).close()  # empty: nothing is lost
    with begin_sweep(request, place) as file:
        file.add([Trial(0, {"period": 5}, {})])
        file.set_end("interrupted")
    with pytest.raises(ConfigError, match=r"--resume.*--overwrite"):
        begin_sweep(request, place)
    with begin_sweep(request, place, overwrite=True) as file:
        run_sweep(request, file)
    with pytest.raises(ConfigError, match="2 combinations already"):
        begin_sweep(other, place)
    with begin_sweep(request, place) as file:
        assert file.count() == 0


def test_a_search_that_cannot_begin_makes_no_file_and_takes_none_away(request_of, tmp_path):
    """Although it was told to overwrite."""
    kept, none = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    with begin_sweep(request_of("rsi", "period=5:6"), kept) as file:
        file.add([Trial(0, {"period": 5}, {})])
    conflict = request_of("macd", "fast=50:51", "slow=20:21")
    for place in (kept, none):
        with pytest.raises(ConfigError, match="No combination is left"):
            begin_sweep(conflict, place, overwrite=True)

    assert not none.exists()
    with SweepFile.open(kept) as file:
        assert 1 == file.count()


def test_a_sweep_has_a_place_of_its_own(request_of, tmp_path):
    """In the user's data, by its question."""
    environ = {"XDG_DATA_HOME": str(tmp_path)}
    first, second = (
        sweep_place(question_of(request_of("rsi", word)), environ=environ)
        for word in ("period=5:6", "period=5:7")
    )

    assert first != second
    assert first.parent == tmp_path / "bt-run" / "sweeps"
    assert first.name.startswith("rsi-BTC")
    assert first.suffix == ".sqlite"


MEASURE = """
import resource, sys
from pathlib import Path
from bt_run.core.settings import BacktestSettings
from bt_run.run.data import DataRequest, load_data
from bt_run.run.optimize.goal import Goal
from bt_run.run.optimize.request import SearchRequest
from bt_run.run.optimize.space import read_space
from bt_run.run.optimize.summary import summarise
from bt_run.run.optimize.sweep import begin_sweep, run_sweep
from strategies.loader import load_strategy

data = load_data(DataRequest(sys.argv[1], end=1_540_000_000_000))
space = read_space(load_strategy("rsi"), ["period=5:14", f"oversold=20:{sys.argv[2]}:0.01"], is_stepped=True)
request = SearchRequest("rsi", data, BacktestSettings(), space, (Goal.parse("sharpe"),), jobs=2)
with begin_sweep(request, Path(sys.argv[3])) as file:
    run_sweep(request, file)
    found = summarise(request, file.trials, top=10)
print(found.counts.tried, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_combinations(root, tmp_path):
    """Twenty thousand take what two thousand take; as objects they would be 50 MiB more."""
    found = {}
    for last in ("22", "40"):
        words = [sys.executable, "-c", MEASURE, root / "data" / "btc_1d.csv", last, tmp_path / f"{last}.sqlite"]
        said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        found[int(said[0])] = int(said[1])
    few, many = sorted(found)

    assert (2_010, 20_010) == (few, many)
    assert found[many] - found[few] < 20
