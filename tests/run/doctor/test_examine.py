"""The doctor's checks: each finds what is there and what is wrong, says what to do, and ends in time."""

from __future__ import annotations

import importlib.metadata
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.venue import VENUES, Venue
from bt_run.journal.journal import Journal
from bt_run.journal.schema import SCHEMA_VERSION
from bt_run.run.doctor import journal as doctor_journal
from bt_run.run.doctor import machine as doctor_machine
from bt_run.run.doctor import venue as doctor_venue
from bt_run.run.doctor.examine import examine
from bt_run.run.doctor.finding import Finding, run_checks

RULES: dict[str, Any] = {
    "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
    "baseAssetPrecision": 8, "quoteAssetPrecision": 8,
    "filters": [{"filterType": "LOT_SIZE", "minQty": "0", "maxQty": "9", "stepSize": "0.001"}],
}  # fmt: skip


@contextmanager
def answering(status: int, body: Any) -> Iterator[Venue]:
    """Answer every question the same way; `body` may be a function."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            text = json.dumps(body() if callable(body) else body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        port = server.server_address[1]
        yield replace(
            VENUES["testnet"],
            rest_url=f"http://127.0.0.1:{port}",
            stream_url=f"ws://127.0.0.1:{port}",
            ws_api_url=f"ws://127.0.0.1:{port}",
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ask(check: Any, *given: Any) -> Finding:
    """Run one check as the doctor does."""
    (finding,) = run_checks({"It": lambda: check(*given)}, within_s=5)
    return finding


def test_this_machine_is_well():
    for check in (doctor_machine.check_python, doctor_machine.check_talib):
        assert "ok" == check().status
    assert doctor_machine.check_clock().status in ("ok", "warning", "left out")


@pytest.mark.parametrize(
    ("version", "status"), [((3, 10, 1), "failed"), ((3, 13, 9), "ok"), ((3, 14, 0), "failed")]
)
def test_python(version: tuple[int, ...], status: str):
    assert status == doctor_machine.check_python(version).status


def test_a_talib_that_is_not_there():
    found = doctor_machine.check_talib("talib_that_is_not_there")

    assert ("failed", "pip install TA-Lib") == (found.status, found.advice)


def test_packages_out_of_bounds(monkeypatch: pytest.MonkeyPatch):
    """A wrong version and a missing one are named; an extra is not asked for."""
    asked = ["numpy<1", "no-such-package>=1", "click>=8", 'also-not-there>=1; extra == "test"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: asked)
    found = doctor_machine.check_packages()

    assert "failed" == found.status
    assert "numpy" in found.text
    assert "no-such-package is missing" in found.text
    assert "click" not in found.text
    assert "also" not in found.text


def test_packages_of_what_is_not_installed():
    assert "left out" == doctor_machine.check_packages("no-such-package").status


def test_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert "ok" == doctor_machine.check_disk(tmp_path).status
    assert "failed" == doctor_machine.check_disk(tmp_path / "none").status
    usage = doctor_machine.shutil.disk_usage(tmp_path)
    for free, status in ((1 << 20, "failed"), (500 << 20, "warning")):
        monkeypatch.setattr(doctor_machine.shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        assert status == doctor_machine.check_disk(tmp_path).status
    monkeypatch.setattr(doctor_machine.os, "access", lambda *_: False)
    assert "cannot be written to" in doctor_machine.check_disk(tmp_path).text


@pytest.mark.parametrize(("mode", "status"), [(0o600, "ok"), (0o644, "warning"), (0o660, "warning")])
def test_a_key_file_that_others_can_read(tmp_path: Path, mode: int, status: str):
    path = tmp_path / ".env"
    assert "left out" == doctor_machine.check_env_file(path).status
    path.write_text("BINANCE_API_SECRET=hidden", encoding="utf-8")
    path.chmod(mode)
    found = doctor_machine.check_env_file(path)

    assert status == found.status
    assert status == "ok" or f"chmod 600 {path}" == found.advice
    assert "hidden" not in found.text


@pytest.mark.parametrize(("said", "status"), [("yes", "ok"), ("no", "warning"), ("", "left out")])
def test_clock(tmp_path: Path, said: str, status: str):
    program = tmp_path / "ctl"
    program.write_text(f"#!/bin/sh\necho {said}\n", encoding="utf-8")
    program.chmod(0o700)

    assert status == doctor_machine.check_clock(str(program)).status
    assert "left out" == doctor_machine.check_clock("no-such-program").status


def test_journal(tmp_path: Path):
    """None yet, in use, killed, ended, and no journal at all."""
    path = tmp_path / "bot.sqlite"
    assert "There is none yet" in doctor_journal.check_journal(path).text
    with Journal(path) as journal:
        run = journal.begin_run(venue="t", symbol="B", interval="1m", strategy="s", started_ms=1).run
        used = doctor_journal.check_journal(path)
    killed = doctor_journal.check_journal(path)
    with Journal(path) as journal:
        journal.end_run(run, ended_ms=2, outcome="done")
    ended = doctor_journal.check_journal(path)
    path.write_bytes(b"not a database" * 100)

    assert ("ok", True) == (used.status, "is being written by process" in used.text)
    assert ("warning", True) == (killed.status, "Run 1 did not end" in killed.text)
    assert ("ok", True) == (ended.status, ended.text.endswith(f"version {SCHEMA_VERSION}, 1 run."))
    assert "failed" == ask(doctor_journal.check_journal, path).status


def test_a_killed_run_that_another_went_on_from_is_no_warning(tmp_path: Path):
    """What it left is seen to; that of another strategy still waits."""
    path = tmp_path / "bot.sqlite"
    told = {"venue": "t", "symbol": "B", "interval": "1m", "started_ms": 1}
    with Journal(path) as journal:
        killed = journal.begin_run(strategy="s", **told).run
        later = journal.begin_run(strategy="s", resumes=killed, **told).run
        journal.end_run(later, ended_ms=2, outcome="done")
        seen_to = doctor_journal.check_journal(path)
        journal.begin_run(strategy="other", **told)
    waits = doctor_journal.check_journal(path)

    assert "did not end" not in seen_to.text
    assert ("warning", True) == (waits.status, "Run 3 did not end" in waits.text)


def test_a_place_that_the_exchange_does_not_serve():
    with answering(451, {"code": 0, "msg": "Service unavailable from a restricted location"}) as venue:
        for check, given in (
            (doctor_venue.check_rest, ()),
            (doctor_venue.check_stream, ("BTCUSDT",)),
            (doctor_venue.check_ws_api, ()),
        ):
            found = ask(check, venue, *given)
            assert ("failed", True) == (found.status, "451" in found.text), found


@pytest.mark.parametrize(
    ("ahead_ms", "status", "word"),
    [(0, "ok", ""), (2000, "warning", "behind"), (-60_000, "failed", "ahead of")],
)
def test_clock_against_the_exchange(ahead_ms: int, status: str, word: str):
    with answering(200, lambda: {"serverTime": int(time.time() * 1000) + ahead_ms}) as venue:
        found = ask(doctor_venue.check_time, venue)

    assert (status, True) == (found.status, word in found.text)


@pytest.mark.parametrize(("change", "status"), [({}, "ok"), ({"status": "HALT"}, "warning")])
def test_rules_of_a_symbol(change: dict[str, str], status: str):
    with answering(200, {"symbols": [RULES | change]}) as venue:
        found = ask(doctor_venue.check_symbol, venue, "BTCUSDT")

    assert (status, True) == (found.status, "BTCUSDT: step 0.001" in found.text)


def test_a_key_is_not_needed_but_half_of_one_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("KEY", "SECRET", "PRIVATE_KEY"):
        monkeypatch.delenv(f"BINANCE_TESTNET_API_{name}", raising=False)
    assert "left out" == ask(doctor_venue.check_key, VENUES["testnet"]).status
    monkeypatch.setenv("BINANCE_TESTNET_API_KEY", "half")
    found = ask(doctor_venue.check_key, VENUES["testnet"])

    assert ("failed", True) == (found.status, "BINANCE_TESTNET_API_SECRET" in found.text)


@pytest.mark.parametrize(
    ("trade", "withdraw", "bound", "status"),
    [
        (True, False, True, "ok"),
        (False, False, True, "failed"),
        (True, True, True, "warning"),
        (True, False, False, "warning"),
    ],
)
def test_what_a_key_may_do(
    monkeypatch: pytest.MonkeyPatch, *, trade: bool, withdraw: bool, bound: bool, status: str
):
    def rights(self: Any) -> Any:
        from brokers.binance.codec import KeyRights

        return KeyRights(trade, withdraw, bound)

    monkeypatch.setattr(doctor_venue.BinanceGateway, "connect", lambda self: None)
    monkeypatch.setattr(doctor_venue.BinanceGateway, "key_rights", rights)
    for name in ("KEY", "SECRET"):
        monkeypatch.setenv(f"BINANCE_API_{name}", "made-up")
    monkeypatch.delenv("BINANCE_API_PRIVATE_KEY", raising=False)

    assert status == doctor_venue.check_key(VENUES["mainnet"]).status


def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)

    assert " through the proxy proxy.example" == doctor_venue._way("https://api.binance.com")


def test_a_check_that_takes_too_long_does_not_hold_up_the_others():
    """And one that fails for a reason of ours is a finding; a bug is raised."""
    hold = threading.Event()

    def refuse() -> Finding:
        raise ConfigError("It is wrong.")

    began = time.monotonic()
    found = run_checks(
        {"slow": lambda: hold.wait(30), "quick": lambda: Finding("quick", "ok", "fine"), "wrong": refuse},  # type: ignore[dict-item]
        within_s=0.2,
    )
    hold.set()

    assert time.monotonic() - began < 10
    assert [("slow", "failed"), ("quick", "ok"), ("wrong", "failed")] == [
        (one.check, one.status) for one in found
    ]
    with pytest.raises(ZeroDivisionError):
        run_checks({"bug": lambda: 1 / 0})  # type: ignore[dict-item,return-value]


def test_without_a_network_it_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    closed = replace(
        VENUES["practice"], rest_url="http://127.0.0.1:9", stream_url="ws://127.0.0.1:9", ws_api_url=""
    )
    began = time.monotonic()
    found = {one.check: one.status for one in examine(closed, journal=tmp_path / "bot.sqlite")}

    assert time.monotonic() - began < 12
    assert {"REST", "Time", "Streams", "Symbol"} == {
        name for name, status in found.items() if status == "failed"
    }
    assert "left out" == found["WebSocket API"]
