"""What setup.cfg promises: entry points that load, bounds on every dependency, files that exist."""

from __future__ import annotations

import configparser
import importlib
import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import bt_run

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bt_run", "strategies", "feeds", "brokers")


def read_setup() -> configparser.ConfigParser:
    """Read setup.cfg."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    return setup


SETUP = read_setup()


def lines(section: str, option: str) -> list[str]:
    """Give an option's lines without blanks."""
    return SETUP[section][option].split("\n")[1:]


def pins() -> dict[str, list[Requirement]]:
    """Give the pins of constraints.txt by canonical name; one name may have a pin a Python version."""
    found: dict[str, list[Requirement]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pin = Requirement(line)
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


REQUIREMENTS = [
    Requirement(line) for line in lines("options", "install_requires") + lines("options.extras_require", "test")
]
ENTRY_POINTS = [
    *lines("options.entry_points", "console_scripts"),
    *lines("options.entry_points", "bt_run.strategies"),
]


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_a_dependency_has_bounds_and_the_pin_lies_between(requirement):
    """Each dependency has a lower and an upper bound, and constraints.txt pins a version inside them."""
    chosen = pins()[canonicalize_name(requirement.name)]

    assert ["<", ">="] == sorted(bound.operator for bound in requirement.specifier)
    for pin in chosen:
        (exact,) = pin.specifier
        assert "==" == exact.operator
        assert requirement.specifier.contains(exact.version)


def test_the_driver_of_a_server_has_bounds():
    """It is installed by who keeps the journal there, and so is not among the pins."""
    (driver,) = map(Requirement, lines("options.extras_require", "postgresql"))

    assert ["<", ">="] == sorted(bound.operator for bound in driver.specifier)
    assert canonicalize_name(driver.name) not in pins()


def test_the_constraints_pin_all_that_is_needed():
    """Every package that our dependencies need here, and theirs in turn, is pinned to what is installed."""
    installed, wanted = {}, [requirement.name for requirement in REQUIREMENTS]
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name in installed:
            continue
        installed[name] = metadata.version(name)
        needs = [Requirement(item) for item in metadata.requires(name) or []]
        wanted += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    pinned = {
        name: next((str(pin.specifier) for pin in chosen if pin.marker is None or pin.marker.evaluate()), "")
        for name, chosen in pins().items()
    }
    if any(
        f"=={installed[canonicalize_name(own.name)]}" != pinned[canonicalize_name(own.name)]
        for own in REQUIREMENTS
    ):
        pytest.skip("NOT TESTED: this environment was not installed with constraints.txt")

    assert {name: f"=={version}" for name, version in installed.items()} == pinned


@pytest.mark.parametrize("line", ENTRY_POINTS)
def test_an_entry_point_loads(line):
    """Each entry point names an object that exists."""
    target = line.split("=")[1].strip()
    module, _, name = target.partition(":")

    assert callable(getattr(importlib.import_module(module), name))


def test_every_strategy_of_ours_is_an_entry_point():
    """A strategy file that defines a strategy is registered under the file's name."""
    registered = {line.split("=")[0].strip() for line in lines("options.entry_points", "bt_run.strategies")}
    files = {
        path.stem
        for path in (ROOT / "strategies").glob("*.py")
        if re.search(r"^class \w+\(SignalStrategy\)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert files == registered


def test_the_console_script_is_ours():
    """The command is called bt-run: stock Backtrader installs btrun and bt-run.py."""
    assert ["bt-run = bt_run.cli.main:main"] == lines("options.entry_points", "console_scripts")


def test_the_shipped_files_exist_and_all_ship():
    """What data/ holds is what the wheel carries."""
    shipped = lines("options.data_files", "share/bt-run/data")

    assert sorted(f"data/{path.name}" for path in (ROOT / "data").iterdir()) == sorted(shipped)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_it_is_typed(package):
    """Each of the four top-level packages carries py.typed and an __init__.py."""
    assert (ROOT / package / "py.typed").is_file()
    assert (ROOT / package / "__init__.py").is_file()


def test_the_packages_found_are_the_four():
    """No other folder is a package, so none can hide a stranger's module."""
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert set(PACKAGES) == found
    assert [f"{name}*" for name in PACKAGES] == lines("options.packages.find", "include")


def test_the_version_is_said_once():
    """setup.cfg takes the version from bt_run, and an installed bt-run is of that version."""
    assert "attr: bt_run.__version__" == SETUP["metadata"]["version"]
    try:
        installed = metadata.version("bt-run")
    except metadata.PackageNotFoundError:
        pytest.skip("NOT TESTED: bt-run is not installed here, only importable")

    assert bt_run.__version__ == installed


def test_it_cannot_be_uploaded_by_accident():
    """Names like feeds and brokers are too common for a public registry; the classifier stops an upload."""
    assert "Private :: Do Not Upload" in lines("metadata", "classifiers")


def test_the_licence_is_the_gpl():
    """LICENSE holds the text that setup.cfg names."""
    head = (ROOT / "LICENSE").read_text(encoding="utf-8").split()[:6]

    assert ["GNU", "GENERAL", "PUBLIC", "LICENSE", "Version", "3,"] == head
    assert "GPL-3.0-or-later" == SETUP["metadata"]["license_expression"]
