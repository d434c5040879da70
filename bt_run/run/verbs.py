"""
Pause, resume, stop, panic: given to the bot that runs, or done from the journal where none does.

A command goes through the journal (`bt_run.journal.commands`). It is never taken for done: the bot's own answer
is waited for, and where none comes that is said.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError, NoAnswer
from bt_run.journal.commands import find_command, listening_runs, send_command
from bt_run.journal.database import Place
from bt_run.journal.queries import JournalReader
from bt_run.journal.writer_lock import is_held
from bt_run.run.live.books import chain_of, state_of, symbols_of
from bt_run.run.panic.books import newest_runs
from bt_run.run.safety_limits import STATE_KEY, SafetyFacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bt_run.journal.journal import Journal
    from bt_run.journal.records import RunRecord, WriterRecord

__all__ = [
    "Patience",
    "Verb",
    "hold_entries",
    "is_running",
    "kill_bot",
    "release_entries",
    "tell_bot",
    "trades",
]

Verb = Literal["pause", "resume", "stop", "panic"]

_LOOK_S = 0.05
_ALIVE_S = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, seconds: until the bot takes a command, until it answers, until it has ended."""

    taken_s: float = 10.0
    answered_s: float = 120.0
    ended_s: float = 15.0


def is_running(journal: str | Path) -> bool:
    """Tell whether a process writes the journal. Raises ConfigError where there is no such journal."""
    place = Place.parse(journal)
    with JournalReader(journal):
        return is_held(place)


def tell_bot(
    journal: str | Path,
    verb: Verb,
    *,
    symbol: str | None = None,
    waits_for_end: bool = True,
    patience: Patience | None = None,
    sleep: Callable[[float], object] = time.sleep,
    steady: Callable[[], float] = time.monotonic,
) -> tuple[str, ...]:
    """
    Give a command to the bot that has the journal, and wait for what it says; one answer a run.

    After ``stop`` and ``panic`` it waits until the bot has ended too, unless it shall not (`waits_for_end`): a
    thread of the bot itself would wait for its own end.

    Raises:
        NoAnswer: it takes no commands, did not take this one, or did not say what became of it.
        ConfigError: it is of an older version, or does not trade the symbol.
        JournalError: the command could not be written.
    """
    waits = patience or Patience()
    with JournalReader(journal) as reader:
        holder = _who(reader.writer())
        listening = _await_listening(reader, holder, waits, sleep=sleep, steady=steady)
        runs = [run for run in listening if symbol is None or trades(run, symbol)]
        if not runs:
            known = ", ".join(run.symbol for run in listening)
            raise ConfigError(f"The bot that runs does not trade {symbol}. It trades {known}.")
        now_ms = time.time_ns() // 1_000_000
        numbers = [send_command(journal, run.run, verb, issued_ms=now_ms) for run in runs]
        answers = _wait(reader, numbers, verb, holder, waits, sleep=sleep, steady=steady)
    if verb in ("stop", "panic") and waits_for_end:
        until = steady() + waits.ended_s
        while is_held(Place.parse(journal)):
            if steady() > until:
                said = " ".join(answers)
                raise NoAnswer(f"{said} But {holder} has not ended within {waits.ended_s:.0f} seconds.")
            sleep(_LOOK_S)
    return answers


def _await_listening(
    reader: JournalReader,
    holder: str,
    waits: Patience,
    *,
    sleep: Callable[[float], object],
    steady: Callable[[], float],
) -> list[RunRecord]:
    """Give the runs that take commands; none does while it begins and asks the exchange for its orders."""
    began = looked = steady()
    while not (listening := listening_runs(reader)):
        now = steady()
        if now - began >= waits.taken_s:
            raise NoAnswer(
                f"{holder} has the journal {reader.place}, but took no commands within {waits.taken_s:.0f} "
                f"seconds: it begins and asks the exchange for its orders, or it is no bot. Try again in a "
                f"moment; bt-run panic --kill ends it and closes its position."
            )
        if now - looked > _ALIVE_S:
            looked = now
            if not is_held(reader.place):
                raise NoAnswer(f"{holder} has ended before it took commands. Give the command again.")
        sleep(_LOOK_S)
    return listening


def _wait(
    reader: JournalReader,
    numbers: list[int],
    verb: Verb,
    holder: str,
    waits: Patience,
    *,
    sleep: Callable[[float], object],
    steady: Callable[[], float],
) -> tuple[str, ...]:
    began = steady()
    looked = began
    while True:
        found = [find_command(reader, number) for number in numbers]
        answers = tuple(command.answer for command in found if command.answer is not None)
        if len(answers) == len(found):
            return answers
        if steady() - looked > _ALIVE_S:
            looked = steady()
            if not is_held(reader.place):
                raise NoAnswer(f"{holder} has ended without an answer to {verb!r}. Give the command again.")
        waited = steady() - began
        if any(command.taken_ms is None for command in found) and waited > waits.taken_s:
            raise NoAnswer(
                f"{holder} did not take the command {verb!r} within {waits.taken_s:.0f} seconds: it hangs, or "
                f"waits for the network. bt-run panic --kill ends it and closes its position."
            )
        if waited > waits.answered_s:
            raise NoAnswer(
                f"{holder} took the command {verb!r}, but did not say what became of it within "
                f"{waits.answered_s:.0f} seconds. Look at bt-run journal show last."
            )
        sleep(_LOOK_S)


def hold_entries(
    journal: Journal, why: str, *, symbol: str | None = None, venue: str | None = None
) -> list[str]:
    """Let the next starts begin paused; gives the runs that they go on from, in words."""
    return _change(journal, lambda facts: replace(facts, paused=why), symbol=symbol, venue=venue)


def release_entries(journal: Journal, *, symbol: str | None = None) -> list[str]:
    """Let the next starts begin with entries allowed; gives the runs that they go on from, in words."""
    return _change(journal, lambda facts: facts.resumed(), symbol=symbol, venue=None)


def _change(
    journal: Journal, change: Callable[[SafetyFacts], SafetyFacts], *, symbol: str | None, venue: str | None
) -> list[str]:
    runs = [run for run in newest_runs(journal, venue=venue) if symbol is None or trades(run, symbol)]
    for run in runs:
        facts = SafetyFacts.of(state_of(journal, chain_of(journal, run)))
        journal.write_state(run.run, STATE_KEY, change(facts).document())
    return [f"{run.strategy} on {run.symbol}, {run.venue}" for run in runs]


def trades(run: RunRecord, symbol: str) -> bool:
    """Tell whether the run trades the symbol."""
    return symbol == run.symbol or symbol in symbols_of(run)  # a run of several has a name of its own


def kill_bot(
    journal: str | Path,
    *,
    within_s: float = 5.0,
    sleep: Callable[[float], object] = time.sleep,
    steady: Callable[[], float] = time.monotonic,
) -> str:
    """
    End the process that has the journal with SIGKILL, and wait until the journal is free.

    Raises:
        ConfigError: nobody has it, or a process of another machine, or of another user.
        NoAnswer: the journal is not free after that.
    """
    place = Place.parse(journal)
    with JournalReader(journal) as reader:
        writer = reader.writer()
    if writer is None or not is_held(place):
        raise ConfigError(f"No process has the journal {place}; there is nothing to kill.")
    if writer.host != socket.gethostname():
        raise ConfigError(f"{_who(writer)} is on another machine. End it there: kill -9 {writer.pid}")
    if writer.pid == os.getpid():
        raise ConfigError("This very process has the journal.")
    try:
        os.kill(writer.pid, signal.SIGKILL)
    except ProcessLookupError:
        raise ConfigError(f"{_who(writer)} cannot be found from here, perhaps it is in a container.") from None
    except PermissionError:
        raise ConfigError(
            f"{_who(writer)} is another user's. End it as that user: kill -9 {writer.pid}"
        ) from None
    until = steady() + within_s
    while is_held(place):
        if steady() > until:
            raise NoAnswer(f"{_who(writer)} was killed, but the journal {place} is still locked.")
        sleep(_LOOK_S)
    return f"{_who(writer)} was killed."


def _who(writer: WriterRecord | None) -> str:
    if writer is None:
        return "A process"
    return f"Process {writer.pid} on {writer.host} (since {iso_utc(writer.since_ms // 1000 * 1000)})"
