"""What the user writes after --strategy and --param."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from bt_run.core.errors import LoadError, ParamError, UnknownName
from strategies import rsi
from strategies.loader import load_strategy, read_params, with_params
from strategies.rsi import Rsi

HAND_WRITTEN = """
import backtrader as bt

class Mine(bt.Strategy):
    params = (("period", 14), ("level", 30), ("share", 0.5), ("log", False), ("kind", "sma"), ("until", None))
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Write a hand-written strategy to mine.py in the current folder."""
    path = tmp_path / "mine.py"
    path.write_text(HAND_WRITTEN)
    monkeypatch.chdir(tmp_path)
    return path


def test_a_name_alone_has_no_parameters():
    """The defaults are the strategy's own."""
    loaded = load_strategy("rsi")

    assert ("rsi", Rsi, {}) == (loaded.name, loaded.cls, loaded.params)
    assert Path(rsi.__file__) == loaded.source


def test_a_name_takes_parameters_behind_a_colon():
    """Values have the types of the defaults, and blanks do not matter."""
    assert {"period": 10, "oversold": 25.0} == load_strategy("rsi:period=10, oversold=25").params


def test_later_values_win():
    """Within the spec, and --param over the spec."""
    assert {"period": 12} == load_strategy("rsi:period=10,period=12").params
    assert {"period": 20} == load_strategy("rsi:period=10", params=["period=11", "period=20"]).params


def test_parameters_are_checked_together_after_merging():
    """A spec whose parameters fit only with --param is no error."""
    assert {"fast": 30, "slow": 60} == load_strategy("macd:fast=30", params=["slow=60"]).params
    with pytest.raises(ParamError, match="fast must be less than slow"):
        load_strategy("macd:fast=30")


@pytest.mark.parametrize("spec", ["mine.py", "./mine.py", "mine.py:Mine", "./mine.py:Mine", "mine.py:Mine:"])
def test_a_file_is_loaded_from_the_current_folder(mine, spec):
    """With and without ./ and the class."""
    loaded = load_strategy(spec)

    assert ("Mine", {}, mine) == (loaded.name, loaded.params, loaded.source)


@pytest.mark.parametrize("spec", ["mine.py:Mine:period=7,kind=a:b", "mine.py:period=7,kind=a:b"])
def test_a_file_takes_parameters_too(mine, spec):
    """Behind the class or, where the file has one class, behind the file; a value may hold a colon."""
    assert {"period": 7, "kind": "a:b"} == load_strategy(spec).params


def test_a_file_in_another_folder_and_in_the_home_folder(mine, monkeypatch, tmp_path):
    """Absolute paths, folders with .py in their name, and a tilde."""
    odd = tmp_path / "my.pyfiles"
    odd.mkdir()
    (odd / "mine.py").write_text(HAND_WRITTEN)
    monkeypatch.setenv("HOME", str(tmp_path))

    assert odd / "mine.py" == load_strategy(f"{odd}/mine.py:Mine").source
    assert "Mine" == load_strategy(f"{mine}").name
    assert "Mine" == load_strategy("~/mine.py").name


def test_values_of_a_hand_written_strategy_take_the_types_of_its_defaults(mine):
    """int, float, bool and text; a fraction for a whole default; a guess for None."""
    texts = ["period=7", "level=27.5", "share=1", "log=yes", "kind=ema", "until=2020"]
    wanted = {"period": 7, "level": 27.5, "share": 1.0, "log": True, "kind": "ema", "until": 2020}
    found = load_strategy("mine.py", params=texts).params

    assert wanted == found
    assert [type(value) for value in wanted.values()] == [type(value) for value in found.values()]


def test_an_unknown_parameter_of_a_hand_written_strategy_is_met_with_the_nearest(mine):
    """As for ours."""
    with pytest.raises(ParamError, match=r"Mine has no parameter 'perod'\. Did you mean 'period'\?"):
        load_strategy("mine.py:perod=3")


@pytest.mark.parametrize("text", ["period", "=3", "", " "])
def test_a_parameter_without_a_name_or_value_is_refused(text):
    """The error shows what to write."""
    with pytest.raises(ParamError, match="Write name=value, such as period=10"):
        load_strategy("rsi", params=[text])


def test_a_text_keeps_its_equals_signs(mine):
    """Only the first one separates."""
    assert {"kind": "a=b"} == load_strategy("mine.py", params=["kind=a=b"]).params


def test_allow_short_is_no_parameter():
    """It is an option of the run, and the error names it."""
    with pytest.raises(ParamError, match="Give --allow-short"):
        load_strategy("rsi:allow_short=true")


def test_out_of_range_is_refused_at_loading():
    """Before anything runs."""
    with pytest.raises(ParamError, match="period is 1; it must lie in 2 to 200"):
        load_strategy("rsi:period=1")


def test_an_unknown_name_and_a_path_without_suffix_are_told_apart(mine):
    """A path is no name."""
    with pytest.raises(UnknownName, match="Did you mean 'rsi'"):
        load_strategy("rsii:period=3")
    with pytest.raises(LoadError, match=r"the name of a strategy's file ends in \.py"):
        load_strategy("./mine")


def test_more_parameters_can_be_added_later():
    """The loaded value stays as it was; a new one holds both."""
    loaded = load_strategy("rsi:period=10,oversold=20")
    more = with_params(loaded, ["period=5"])

    assert {"period": 10, "oversold": 20.0} == loaded.params
    assert {"period": 5, "oversold": 20.0} == more.params


def test_reading_does_not_check_ranges():
    """A grid reads its ends first and checks the combinations."""
    assert {"period": 1} == read_params(Rsi, ["period=1"])


def test_what_was_loaded_can_be_sent_to_another_process():
    """A comparison runs each strategy in a process of its own."""
    loaded = load_strategy("rsi:period=10")

    assert loaded == pickle.loads(pickle.dumps(loaded))  # noqa: S301  # our own bytes
