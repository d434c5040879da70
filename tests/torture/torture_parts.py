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


class Zygote:
    """Starts bots by forking; see `torture_zygote`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(HERE / "torture_zygote.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )

    def fork(self, words: list[str], environment: dict[str, str], folder: Path, log: Path) -> int:
        """Start a bot; gives the number of its process."""
        told = {"words": words, "environment": environment, "folder": str(folder), "log": str(log)}
        return int(self._ask(told))

    def code_of(self, pid: int) -> int | None:
        """Give how a bot ended, None while it runs; not again after it has told the end."""
        return self._ask({"pid": pid})

    def close(self) -> None:
        """End; bots that still run do not end with it."""
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def _ask(self, told: dict[str, Any]) -> Any:
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


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
        self._words = [
            "live", "--strategy", f"{HERE / 'torture_strategy.py'}:Torture", "--param", f"seed={seed}",
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
        }
        self._zygote = Zygote()
        self._pid = 0
        self._code: int | None = None

    @property
    def log(self) -> Path:
        """Give the file with what the last start printed."""
        return self.folder / f"bot-{self.starts:03}.log"

    def start(self) -> None:
        """Start it, or start it again."""
        self.starts += 1
        self._pid = self._zygote.fork(self._words, self._environment, self.folder, self.log)
        self._code = None

    def close(self) -> None:
        """Kill it, and start it no more."""
        self.kill()
        self._zygote.close()

    def exit_code(self) -> int | None:
        """Give how it ended, None while it runs or before it was started."""
        if self._pid and self._code is None:
            self._code = self._zygote.code_of(self._pid)
        return self._code

    def has_traded(self) -> bool:
        """Tell whether the strategy has met a live bar since the last start."""
        mark = f'"pid": {self._pid},'
        lines = self.story.read_text().splitlines() if self.story.exists() else []
        return any(mark in line and '"live": true' in line for line in lines)

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.end(signal.SIGKILL)

    def end(self, number: int) -> int:
        """Send a signal and wait for its end."""
        if not self._pid:
            return 0
        if self.exit_code() is None:
            os.kill(self._pid, number)
        try:
            wait_for(f"the end by signal {number}", lambda: self.exit_code() is not None, 20)
        except Stuck:
            os.kill(self._pid, signal.SIGABRT)
            raise Stuck(
                f"The bot did not end at signal {number}; its threads are in {self.log.name}."
            ) from None
        return int(self._code or 0)

    def tail(self, lines: int = 25) -> str:
        """Give the end of what it printed."""
        return (
            "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
        )
