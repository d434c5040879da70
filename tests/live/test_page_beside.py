"""The page beside a bot: it shows the run, and neither slow browsers nor a dead page keep the bot waiting."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from websockets.sync.client import connect

from bt_run.core.errors import ConfigError
from bt_run.web.beside import BesidePlan, DeskBeside


@pytest.fixture
def beside(journal_file: Path) -> Iterator[Callable[..., DeskBeside]]:
    """Give what starts a page beside the run of a site."""
    with ExitStack() as stack:

        def start(site: Any, **changes: Any) -> DeskBeside:
            plan = BesidePlan(site.exchange.venue, str(journal_file), ("BTCUSDT",), "1d", port=0, **changes)
            return stack.enter_context(DeskBeside(plan))

        yield start


def ask(desk: DeskBeside, path: str, **changes: Any) -> Any:
    """Ask as a program does."""
    address = urlsplit(desk.url)
    with requests.Session() as session:
        session.trust_env = False
        headers = {"authorization": f"Bearer {parse_qs(address.query)['token'][0]}"}
        url = f"http://{address.netloc}/api/v1/{path}"
        method = "POST" if "json" in changes else "GET"
        answer = session.request(method, url, headers=headers, timeout=60, **changes)
    answer.raise_for_status()
    return answer.json()


def look(desk: DeskBeside, stack: ExitStack) -> None:
    """Open a browser that looks at the bars, and never reads what comes."""
    address = urlsplit(desk.url)
    headers = {"authorization": f"Bearer {parse_qs(address.query)['token'][0]}"}
    url = f"ws://{address.netloc}/api/v1/stream"
    page = stack.enter_context(
        connect(url, additional_headers=headers, proxy=None, max_queue=1, close_timeout=0.2)
    )
    page.send(json.dumps({"do": "look", "id": 1, "symbol": "BTCUSDT", "interval": "1d"}))


def test_it_opens_in_a_browser_where_that_is_wanted(
    start_site: Any, beside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that the user has named, with the address that lets in."""
    browser, told = tmp_path / "browser", tmp_path / "told"
    browser.write_text(f'#!/bin/sh\necho "$1" >{told}.part && mv {told}.part {told}\n', encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    desk = beside(start_site(), opens=True)
    until = time.monotonic() + 60
    while not told.exists() and time.monotonic() < until:
        time.sleep(0.02)

    assert f"{desk.url}\n" == told.read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_shows_the_run_beside_it(start_site: Any, beside: Any, journal_file: Path) -> None:
    """The bot's own orders, while it runs and afterwards; before it has a journal there is nothing."""
    site = start_site()
    desk = beside(site, note="synthetic data")
    before = ask(desk, "runs")
    seen: list[bool] = []
    site.follower.on_say = lambda sentence: seen or seen.append(ask(desk, "runs")["running"])
    (result,) = site.run(journal=journal_file).results
    orders = ask(desk, "runs/1/orders")

    assert (False, []) == (before["running"], before["runs"])
    assert [True] == seen
    assert "synthetic data" == ask(desk, "page")["note"]
    assert len(result.fills) == sum(order["filled"] != "0" for order in orders) > 0


@pytest.mark.slow
def test_twenty_browsers_that_never_read_change_nothing(
    start_site: Any, beside: Any, journal_file: Path
) -> None:
    """Each order at the same price as with nobody there; the page answers, too."""
    alone, crowded = start_site("2025-01-01"), start_site("2025-01-01")
    (expected,) = alone.run().results
    desk = beside(crowded)
    with ExitStack() as stack:
        for _ in range(20):
            look(desk, stack)
        (result,) = crowded.run(journal=journal_file).results
        assert 20 == ask(desk, "health")["browsers"]

    assert expected.fills == result.fills
    assert expected.curve.equity.tolist() == result.curve.equity.tolist()


@pytest.mark.slow
def test_a_page_that_hangs_or_dies_does_not_keep_the_bot_waiting(
    start_site: Any, beside: Any, journal_file: Path
) -> None:
    """Its process stands still in the middle of the run; the bot trades to the end of the data, and leaves."""
    site = start_site("2025-06-05")
    desk = beside(site)
    stopped: list[int] = []

    def stop(sentence: str) -> None:
        if not stopped:
            os.kill(desk.pid, signal.SIGSTOP)
            stopped.append(desk.pid)

    site.follower.on_say = stop
    with ExitStack() as stack:
        look(desk, stack)
        outcome = site.run(journal=journal_file)
        desk.close()

    assert stopped
    assert "the data has ended" == outcome.reason
    assert desk.pid is None


@pytest.mark.slow
def test_it_ends_with_whoever_started_it(start_site: Any, beside: Any) -> None:
    """Though a browser still listens."""
    desk = beside(start_site())
    address = urlsplit(desk.url)
    with ExitStack() as stack:
        look(desk, stack)
        desk.close()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex((address.hostname, address.port)):
                return
    raise AssertionError("somebody still listens")


@pytest.mark.slow
def test_a_port_that_is_taken_is_told_before_anything_is_traded(start_site: Any, journal_file: Path) -> None:
    """With the option that chooses another."""
    site = start_site()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        plan = BesidePlan(site.exchange.venue, str(journal_file), ("BTCUSDT",), "1d", port=port)

        with pytest.raises(ConfigError, match="--web-port"):
            DeskBeside(plan).__enter__()
