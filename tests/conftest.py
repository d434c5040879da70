"""Fixtures that every test may ask for."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# tests/exchange is on the path (pyproject.toml); its fixtures are there for every test.
pytest_plugins = ["exchange_fixture", "desk_server", "postgres_server"]

# How long an example takes says something of the machine, not of the code.
settings.register_profile("bt-run", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("bt-run")


def pytest_configure() -> None:
    """Let Ctrl-C arrive; what a shell starts in the background ignores it, as would all that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """Give the root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of real data beside the checkout; skip loudly where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "realdata" / "README.md").is_file():
        pytest.skip(f"NOT TESTED: the real data in {folder.name}/ beside the checkout is absent")
    return folder
