"""How ``bt-run live`` ends where it cannot begin: a service manager goes by the exit code alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loopback import Loopback

PAGE = Path(__file__).parents[2] / "docs/how-to/systemd.md"
KEYS = {"BINANCE_TESTNET_API_KEY": "k" * 64, "BINANCE_TESTNET_API_SECRET": "s" * 64}
NOBODY = "http://127.0.0.1:1"

Start = Callable[..., tuple[int, str]]


class Answers(Loopback):
    """A server that gives one answer to everything."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__()
        self._told = (status, body)

    def answer(self, request: Any) -> tuple[int, bytes]:
        """Give it."""
        return self._told


@pytest.fixture
def start(bt_run: Any) -> Start:
    """Give what starts a bot that finds `url` where its exchange should be; gives exit code and words."""

    def begin(url: str, *words: str) -> tuple[int, str]:
        done = bt_run("live", "-s", "sar", *words, env={**KEYS, "BT_RUN_REST_URL": url})
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    return begin


@pytest.fixture
def final() -> set[int]:
    """Give the exit codes after which the unit of the documentation stays down."""
    (line,) = re.findall(r"^RestartPreventExitStatus=(.+)$", PAGE.read_text(), re.MULTILINE)
    return {int(code) for code in line.split()}


@pytest.mark.parametrize("venue", ["practice", "testnet"])
def test_an_exchange_that_is_not_there_is_tried_again(start: Start, final: set[int], venue: str) -> None:
    code, said = start(NOBODY, "--venue", venue)
    assert code == 5
    assert code not in final
    assert NOBODY in said


@pytest.mark.parametrize("venue", ["practice", "testnet"])
def test_an_exchange_that_is_out_of_order_is_tried_again(start: Start, final: set[int], venue: str) -> None:
    with Answers(503, b"<html>Service Unavailable</html>").serving() as server:
        code, said = start(server.url, "--venue", venue)
    assert code == 5
    assert code not in final
    assert "503" in said


def test_a_practice_exchange_that_is_not_there_says_how_to_start_one(start: Start) -> None:
    _, said = start(NOBODY, "--venue", "practice")
    assert said.startswith(f"Error: No practice exchange answers at {NOBODY}. Start one with bt-run practice")


@pytest.mark.parametrize(("status", "body"), [(404, b"not found"), (200, b"[]"), (200, b"<html></html>")])
def test_an_address_of_something_else_is_final(start: Start, final: set[int], status: int, body: bytes) -> None:
    with Answers(status, body).serving() as server:
        code, said = start(server.url, "--venue", "practice")
    assert code == 2
    assert code in final
    assert f"What answers at {server.url} is no practice exchange (HTTP {status})." in said


def test_what_a_person_must_mend_is_final(start: Start, final: set[int]) -> None:
    assert start(NOBODY, "--venue", "moon")[0] in final
    assert start(NOBODY, "--venue", "testnet", "--history", "-1")[0] in final
    assert start(NOBODY, "--venue", "testnet", "-p", "acceleration=fast")[0] in final
