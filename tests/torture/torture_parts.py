"""The two processes of a torture test, and how they are spoken to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEY, SECRET = "T" * 64, "S" * 64
BALANCES = {"USDT": "10000", "BNB": "0.05"}
SYMBOL = "BTCUSDT"
MAX_POSITION = 3000
POLL_S = 0.01


class Stuck(AssertionError):
    """Something did not come about in time."""


def wait_for(what: str, condition: Callable[[], Any], limit_s: float) -> Any:
    """Poll until a condition gives something true."""
    until = time.monotonic() + limit_s
    while not (found := condition()):
        if time.monotonic() > until:
            raise Stuck(f"{what}: not within {limit_s:g} s")
        time.sleep(POLL_S)
    return found


class ExchangeProcess:
    """The practice exchange, from entering ``with`` until leaving it."""

    def __init__(self, folder: Path, data: Path, *, seed: int, fee_asset: str, spread: int) -> None:
        self.requests_log = folder / "requests.jsonl"
        settings = {
            "data": str(data), "at": "start", "balances": BALANCES, "seed": seed,
            "fee_asset": fee_asset, "spread": spread,
            "key": KEY, "secret": SECRET, "log": str(self.requests_log),
        }  # fmt: skip
        self._stderr = (folder / "exchange.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "torture_exchange.py"), json.dumps(settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, text=True,
        )  # fmt: skip
        self._session = requests.Session()
        self._session.trust_env = False
        self.url = self.ws_url = ""

    def __enter__(self) -> ExchangeProcess:
        line = self._process.stdout.readline()
        if not line:
            raise Stuck(f"The exchange did not start (exit code {self._process.wait(10)}).")
        told = json.loads(line)
        self.url, self.ws_url = told["url"], told["ws_url"]
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._stderr.close()

    def ask(self, path: str, **params: Any) -> Any:
        """Ask; again where the exchange is away for a moment."""
        return self._speak("GET", path, params=params)

    def tell(self, path: str, body: Any = None) -> Any:
        """Post a body of JSON to the control endpoint."""
        return self._speak("POST", f"/practice/{path}", json=body)

    def clear(self) -> None:
        """Take all faults off the board."""
        self._speak("DELETE", "/practice/faults")

    def _speak(self, verb: str, path: str, **given: Any) -> Any:
        def attempt() -> Any:
            try:
                return self._session.request(verb, self.url + path, timeout=30, **given)
            except requests.ConnectionError:
                if self._process.poll() is not None:
                    raise Stuck("The exchange has died; see exchange.log.") from None
                return None

        answer = wait_for(f"{verb} {path}", attempt, 30)
        assert answer.status_code == 200, f"{verb} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def bars(self, start: int, end: int) -> dict[int, list[float]]:
        """Give all bars by open time, as GET klines tells them."""
        found: dict[int, list[float]] = {}
        while start <= end:
            rows = self.ask(
                "/api/v3/klines", symbol=SYMBOL, interval="1m", startTime=start, endTime=end, limit=1000
            )
            if not rows:
                break
            for row in rows:
                found[row[0]] = [*map(float, row[1:6]), float(row[7]), *map(float, row[8:11])]
            start = rows[-1][0] + 1
        return found


class Bot:
    """`bt-run live`, which is killed and started again."""

    def __init__(
        self, folder: Path, exchange: ExchangeProcess, *, seed: int, protected: bool, history: int
    ) -> None:
        self.folder = folder
        self.journal = folder / "journal.sqlite"
        self.story = folder / "strategy.jsonl"
        self.starts = 0
        self.refused_starts = 0
        self._command = [
            *(os.environ.get("TORTURE_BOT") or f"{sys.executable} -P -m bt_run live").split(),
            "--strategy", f"{HERE / 'torture_strategy.py'}:Torture", "--param", f"seed={seed}",
            "--venue", "practice", "--symbol", SYMBOL, "--interval", "1m", "--history", str(history),
            "--journal", str(self.journal), "--max-position", str(MAX_POSITION),
            *(["--stop-loss", "0.6", "--take-profit", "0.9"] if protected else []),
        ]  # fmt: skip
        self._environment = os.environ | {
            "BT_RUN_REST_URL": exchange.url,
            "BT_RUN_STREAM_URL": exchange.ws_url,
            "BT_RUN_WS_API_URL": exchange.ws_url,
            "BT_RUN_PRACTICE_API_KEY": KEY,
            "BT_RUN_PRACTICE_API_SECRET": SECRET,
            "BT_RUN_TORTURE_LOG": str(self.story),
            "PYTHONFAULTHANDLER": "1",
        }
        self._process: subprocess.Popen[str] | None = None

    @property
    def log(self) -> Path:
        """Give the file with what the last start printed."""
        return self.folder / f"bot-{self.starts:03}.log"

    def start(self) -> None:
        """Start it, or start it again."""
        self.starts += 1
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                text=True, env=self._environment, cwd=self.folder,
            )  # fmt: skip

    def exit_code(self) -> int | None:
        """Give how it ended, None while it runs."""
        return None if self._process is None else self._process.poll()

    def has_traded(self) -> bool:
        """Tell whether the strategy has met a live bar since the last start."""
        mark = f'"pid": {self._process.pid if self._process else 0},'
        lines = self.story.read_text().splitlines() if self.story.exists() else []
        return any(mark in line and '"live": true' in line for line in lines)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.end(signal.SIGKILL)

    def end(self, number: int) -> int:
        """Send a signal and wait for its end."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(number)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.end(signal.SIGABRT)
            raise Stuck(
                f"The bot did not end at signal {number}; its threads are in {self.log.name}."
            ) from None

    def tail(self, lines: int = 25) -> str:
        """Give the end of what it printed."""
        return (
            "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
        )
