"""
A practice exchange of one's own: a child process that lives as long as the run that wants it.

A process and not a thread, because the bot and the exchange then share neither interpreter nor memory, as it is
with a real one. The child gets its plan over its standard input and ends when that is closed, which also
happens when we are killed.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

import requests

from bt_run.core.errors import BtRunError, ConfigError, DataError, ExchangeError
from bt_run.core.venue import VENUES
from bt_run.run.child import end_child, greet_child, start_child, told_by_parent

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from decimal import Decimal
    from types import TracebackType
    from typing import Self

    from bt_run.core.venue import Venue
    from bt_run.practice.plan import Practice, PracticePlan

__all__ = [
    "EmbeddedPractice",
    "Market",
    "last_execution",
    "main",
    "resume_clock",
    "running_markets",
    "standing_clock",
]

_START_S = 60.0
_STOP_S = 1.0
_SAVE_S = 0.2
_ASK_S = 5.0
_START_ONE = (
    "Start one with bt-run practice --data btc_1d.csv, or give --data here, and one is started for this run."
)


@dataclass(frozen=True, slots=True)
class Market:
    """What is replayed: symbol, interval, and what is to be said about the data."""

    symbol: str
    interval: str
    note: str
    warnings: tuple[str, ...]


class EmbeddedPractice:
    """
    The exchange, from entering ``with`` until leaving it.

    `venue` says where it is, `api_key` and `secret` who may trade, `markets` what it replays.

    Args:
        plan: What it shall be.
        cash: What the account has of each quote asset, in place of the plan's.

    Raises:
        ConfigError, DataError: as `bt_run.practice.plan.prepare`.
        ExchangeError: it did not start.
    """

    def __init__(self, plan: PracticePlan, *, cash: Decimal | None = None) -> None:
        self._told = (plan, cash)
        self._process: subprocess.Popen[bytes] | None = None
        self.venue: Venue = VENUES["practice"]
        self.api_key = ""
        self.secret = ""
        self.markets: tuple[Market, ...] = ()

    def __enter__(self) -> Self:
        self._process = start_child(__name__)
        try:
            self._greet(self._process)
        except BaseException:
            self.close()
            raise
        return self

    def _greet(self, process: subprocess.Popen[bytes]) -> None:
        line = greet_child(process, self._told, limit_s=_START_S)
        if not line:
            raise ExchangeError(f"The practice exchange did not start (exit code {process.wait(_ASK_S)}).")
        told: dict[str, Any] = json.loads(line)
        if "error" in told:
            raise _error_of(told)
        self.venue = replace(
            VENUES["practice"],
            rest_url=told["url"],
            futures_rest_url=told["url"],
            **dict.fromkeys(("stream_url", "ws_api_url", "futures_stream_url"), told["ws_url"]),
        )
        self.api_key, self.secret = told["key"], told["secret"]
        self.markets = tuple(
            Market(item["symbol"], item["interval"], item["note"], tuple(item["warnings"]))
            for item in told["markets"]
        )

    @property
    def is_alive(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Give its process; None before the start."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End it; a second time it does nothing."""
        process, self._process = self._process, None
        if process is not None:
            end_child(process, limit_s=_STOP_S)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _error_of(told: dict[str, Any]) -> BtRunError:
    kinds: dict[int, type[BtRunError]] = {ConfigError.exit_code: ConfigError, DataError.exit_code: DataError}
    return kinds.get(told["exit_code"], ExchangeError)(told["error"])


# In the child.


def main() -> None:
    """Serve the exchange whose plan comes on standard input, until that is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from bt_run.practice.plan import prepare  # noqa: PLC0415  # the parent has no need of the exchange

    told = told_by_parent()
    plan: PracticePlan = told[0]
    cash: Decimal | None = told[1]

    try:
        found = prepare(plan)
        if cash is not None:
            _give(found, cash)
    except BtRunError as error:
        _say({"error": str(error), "exit_code": error.exit_code})
        return
    asyncio.run(_serve(found))


def _give(found: Practice, cash: Decimal) -> None:
    trading = found.exchange.trading
    for quote in {item.market.rules.quote for item in found.loaded}:
        had = trading.balances().get(quote)
        trading.deposit(quote, cash if had is None else cash - had.free)


async def _serve(found: Practice) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    threading.Thread(target=_wait_for_the_end, args=(loop, stop), daemon=True).start()
    try:
        async with found.server as server:
            markets = [
                {
                    "symbol": item.market.symbol,
                    "interval": str(item.market.interval),
                    "note": item.note,
                    "warnings": item.warnings,
                }
                for item in found.loaded
            ]
            key = {"key": found.key.api_key, "secret": found.key.secret}
            _say({"url": server.url, "ws_url": server.ws_url, **key, "markets": markets})
            while not stop.is_set() and found.pacer.failure is None:
                if found.state is not None:
                    found.state.save_if_due()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_SAVE_S):
                        await stop.wait()
    finally:
        if found.state is not None:
            found.state.close()


def _wait_for_the_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Wait in a thread until whoever started us closes the pipe, or is dead."""
    while sys.stdin.buffer.read(4096):
        continue
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(stop.set)


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


# Its clock and what it replays, for us and for one that somebody else has started.


def last_execution(venue: Venue) -> int:
    """Give the number of the last execution on a practice exchange. Raises ExchangeError."""
    return int(_status(venue)["execution_id"])


def _status(venue: Venue) -> dict[str, Any]:
    try:
        with _session() as session:
            told = session.get(f"{venue.rest_url}/practice/status", timeout=_ASK_S)
            told.raise_for_status()
            return {"execution_id": 0, **told.json()}
    except (requests.RequestException, ValueError, TypeError) as error:
        raise ExchangeError(f"The practice exchange does not say how it stands: {error}") from None


def resume_clock(venue: Venue) -> None:
    """Let the clock of a practice exchange run, which was started standing. Raises ExchangeError."""
    _tell_clock(venue, "resume")


def _tell_clock(venue: Venue, verb: Literal["pause", "resume"]) -> None:
    try:
        with _session() as session:
            session.post(f"{venue.rest_url}/practice/{verb}", timeout=_ASK_S).raise_for_status()
    except requests.RequestException as error:
        raise ExchangeError(f"The practice exchange's clock takes no {verb}: {error}") from None


@contextmanager
def standing_clock(venue: Venue, *, begins: bool) -> Iterator[None]:
    """
    Let a practice exchange's clock stand while the block runs, in which bots register for each of its symbols.

    At ``--speed max`` it would move with the first of them, and the others would miss a bar. Afterwards it runs
    as before; one that was started standing runs for the first time where it `begins`. Raises ExchangeError.
    """
    was_running = not begins and _is_racing(venue)
    if was_running:
        _tell_clock(venue, "pause")
    try:
        yield
    finally:
        if begins or was_running:
            _tell_clock(venue, "resume")


def _is_racing(venue: Venue) -> bool:
    told = _status(venue)
    return told.get("speed") == "max" and told.get("paused") is False


def running_markets(venue: Venue) -> tuple[Market, ...]:
    """
    Ask a practice exchange that runs already what it replays.

    Raises:
        ExchangeError: none answers at this address, perhaps not yet.
        ConfigError: something else does.
    """
    try:
        with _session() as session:
            answer = session.get(f"{venue.rest_url}/practice/status", timeout=_ASK_S)
    except requests.RequestException:
        raise ExchangeError(f"No practice exchange answers at {venue.rest_url}. {_START_ONE}") from None
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ExchangeError(f"The practice exchange at {venue.rest_url} answers HTTP {answer.status_code}.")
    try:
        return tuple(
            Market(symbol, item["interval"], item["note"], ())
            for symbol, item in answer.json()["symbols"].items()
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            f"What answers at {venue.rest_url} is no practice exchange (HTTP {answer.status_code}). "
            f"{_START_ONE}"
        ) from None


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # it is on this machine, and no proxy leads there
    return session
