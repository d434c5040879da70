"""Names of strategies: ours from a table, others from installed packages."""

from __future__ import annotations

import configparser
import sys

import pytest

from bt_run.core.errors import LoadError, UnknownName
from strategies.registry import BUILT_IN, ENTRY_POINT_GROUP, find_class, registered_names
from strategies.rsi import Rsi


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Give a function that installs a small package announcing strategies."""

    def install(entry_points, code="", name="bt-run-plugin"):
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[{ENTRY_POINT_GROUP}]\n" + "\n".join(entry_points) + "\n")
        (tmp_path / "plugin_of_test.py").write_text(code)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "plugin_of_test", raising=False)

    return install


def test_the_table_equals_the_entry_points_of_the_package(root):
    """What a checkout finds and what an installation announces are the same."""
    parser = configparser.ConfigParser()
    parser.read(root / "setup.cfg")
    lines = parser["options.entry_points"][ENTRY_POINT_GROUP].strip().splitlines()
    announced = {name.strip(): target.strip() for name, _, target in (line.partition("=") for line in lines)}

    assert BUILT_IN == announced


def test_every_name_of_ours_leads_to_a_class():
    """The names come in the order of the table."""
    assert list(BUILT_IN) == registered_names()[: len(BUILT_IN)]
    assert Rsi is find_class("rsi")
    assert ["Rsi", "Macd", "MaCross", "Sar", "Bollinger", "Combined", "OrderFlow"] == [
        find_class(name).__name__ for name in BUILT_IN
    ]


def test_an_unknown_name_is_met_with_the_nearest():
    """The error lists what there is."""
    with pytest.raises(UnknownName, match=r"no strategy 'macdd'\. Did you mean 'macd'\? Known: bollinger"):
        find_class("macdd")


def test_another_package_can_add_a_strategy(plugin):
    """It is listed after ours and loaded by its name."""
    plugin(
        ["momentum = plugin_of_test:Momentum"], "import backtrader\nclass Momentum(backtrader.Strategy): pass\n"
    )

    assert "momentum" in registered_names()[len(BUILT_IN) :]
    assert "Momentum" == find_class("momentum").__name__


def test_another_package_cannot_take_a_name_of_ours(plugin):
    """`rsi` stays our Rsi whatever is installed."""
    plugin(["rsi = plugin_of_test:Rsi"], "import backtrader\nclass Rsi(backtrader.Strategy): pass\n")

    assert Rsi is find_class("rsi")
    assert len(registered_names()) == len(set(registered_names()))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "raise RuntimeError('broken')",
            "The package bt-run-plugin announces the strategy 'momentum'",
        ),
        ("", "plugin_of_test:Momentum cannot be loaded"),
        ("Momentum = 3", "momentum is not a strategy"),
    ],
)
def test_a_broken_package_is_named(plugin, code, message):
    """The user learns whom to ask."""
    plugin(["momentum = plugin_of_test:Momentum"], code)

    with pytest.raises(LoadError, match=message):
        find_class("momentum")
