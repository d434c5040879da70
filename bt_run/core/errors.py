"""
Every error that bt-run raises on purpose.

::

    BtRunError
    ├── ConfigError      exit 2   the user can mend it now: an option, a setting, a name
    │   ├── UnknownName           a name that does not exist; suggests the nearest
    │   ├── JournalHeld           another process writes the journal
    │   ├── NotCovered            the engine asked for cannot run this; says why
    │   ├── UnknownSymbol         a market that the exchange does not have; suggests the nearest three
    │   └── ShadowedRoom          a folder of the user's hides one of our packages
    ├── DataError        exit 3   names the file, the line and the column
    │   └── FrameError            a message of the exchange; shows its beginning
    ├── StrategyError    exit 4   the strategy could not be loaded, or raised
    │   ├── LoadError             the file, the module or the class
    │   └── ParamError            a parameter's name, type or range
    ├── JournalError     exit 6   the journal cannot be read or written; nothing more may be sent
    ├── NoAnswer         exit 7   the running bot did not answer
    └── ExchangeError    exit 5   the exchange refused, or could not be reached
        ├── Rejected              it said no: HTTP status, Binance's code and reason
        ├── RateLimited           wait this many seconds, then go on
        ├── Banned                HTTP 418: ask nothing before the time given
        ├── Disconnected          transient; tried again as often as allowed
        ├── OutcomeUnknown        it did not say whether an order executed: ask, never send again
        ├── IllegalTransition     what came does not fit an order's state: stop and reconcile
        └── Oversold              a sale of more than is held: stop and reconcile

Classes are split by what the caller does next. The command line catches ``BtRunError`` and
nothing else: any other exception is a bug of ours and shows its traceback.
"""

from __future__ import annotations

import difflib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "Banned",
    "BtRunError",
    "ConfigError",
    "DataError",
    "Disconnected",
    "ExchangeError",
    "FrameError",
    "IllegalTransition",
    "JournalError",
    "JournalHeld",
    "LoadError",
    "NoAnswer",
    "NotCovered",
    "OutcomeUnknown",
    "Oversold",
    "ParamError",
    "RateLimited",
    "Rejected",
    "ShadowedRoom",
    "StrategyError",
    "UnknownName",
    "UnknownSymbol",
    "nearest",
]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Find the known name most like `name`, ignoring case; None where nothing comes near."""
    by_fold = {item.casefold(): item for item in known}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.5)
    return by_fold[close[0]] if close else None


class BtRunError(Exception):
    """An error that the user can understand and act on; its text is one or two sentences."""

    exit_code = 1


class ConfigError(BtRunError):
    """An option, a setting or a name is wrong; nothing was run."""

    exit_code = 2


class JournalHeld(ConfigError):
    """Another process writes the journal; the text names it."""


class NotCovered(ConfigError):
    """
    An engine cannot run this strategy with these settings.

    `reason` is a sentence without its full stop. Raised before the first bar, so that another engine can run.
    """

    def __init__(self, engine: str, reason: str) -> None:
        self.engine = engine
        self.reason = reason
        super().__init__(engine, reason)

    def __str__(self) -> str:
        return f"The {self.engine} engine cannot run this: {self.reason}. Use --engine auto."


class UnknownName(ConfigError):
    """A name that does not exist. The text lists what exists and suggests the nearest name."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = sorted(known)
        super().__init__(kind, name)

    def __str__(self) -> str:
        guess = nearest(self.name, self.known)
        hint = f" Did you mean {guess!r}?" if guess else ""
        return f"There is no {self.kind} {self.name!r}.{hint} Known: {', '.join(self.known)}."


class UnknownSymbol(ConfigError):
    """A market that the exchange does not have; `near` are the names most like it, the nearest first."""

    def __init__(self, symbol: str, known: Iterable[str], *, market: str = "spot") -> None:
        self.symbol = symbol
        self.market = market
        self.near = difflib.get_close_matches(symbol.upper(), list(known), n=3, cutoff=0.5)
        super().__init__(symbol)

    def __str__(self) -> str:
        guess = f" The nearest names: {', '.join(self.near)}." if self.near else ""
        return (
            f"Binance {self.market} has no symbol {self.symbol!r}.{guess} "
            f"A market that was closed may still be in the archive: --source bulk."
        )


class ShadowedRoom(ConfigError):
    """One of our top-level packages resolves to a folder that is not ours."""

    def __init__(self, room: str, found: str) -> None:
        self.room = room
        self.found = found
        super().__init__(room, found)

    def __str__(self) -> str:
        return (
            f"The package {self.room!r} that bt-run needs is hidden by {self.found}. "
            f"Rename that folder, or take its parent out of PYTHONPATH."
        )


class DataError(BtRunError):
    """Market data cannot be used. Names the file, and the line (1-based) and column where known."""

    exit_code = 3

    def __init__(
        self,
        problem: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        column: str | None = None,
        hint: str = "",
    ) -> None:
        self.problem = problem
        self.path = path
        self.line = line
        self.column = column
        self.hint = hint
        super().__init__(problem)

    def __str__(self) -> str:
        where = [str(self.path)] if self.path is not None else []
        if self.line is not None:
            where.append(f"line {self.line}")
        if self.column is not None:
            where.append(f"column {self.column!r}")
        prefix = ", ".join(where) + ": " if where else ""
        return f"{prefix}{self.problem}" + (f" {self.hint}" if self.hint else "")


class FrameError(DataError):
    """A message of the exchange, live or recorded, is not what it should be; shows its first 120 characters."""

    def __init__(
        self, problem: str, frame: str, *, path: Path | str | None = None, line: int | None = None
    ) -> None:
        self.frame = frame[:120]
        super().__init__(problem, path=path, line=line, hint=f"The frame begins: {self.frame}")


class StrategyError(BtRunError):
    """A strategy could not be used, or raised while it ran; `story` holds the user's traceback."""

    exit_code = 4

    def __init__(self, problem: str, *, story: str = "") -> None:
        self.problem = problem
        self.story = story
        super().__init__(problem)

    def __str__(self) -> str:
        return f"{self.story.rstrip()}\n\n{self.problem}" if self.story else self.problem


class LoadError(StrategyError):
    """The file, module or class of a strategy could not be loaded."""


class ParamError(StrategyError):
    """A parameter's name, type or value is wrong."""


class JournalError(BtRunError):
    """
    The journal could not be read or written; names it and what the database said.

    What was to be written is not in it, so the request it stands for must not be sent.
    """

    exit_code = 6


class NoAnswer(BtRunError):
    """The bot that has the journal did not take a command, or did not say in time what became of it."""

    exit_code = 7


class ExchangeError(BtRunError):
    """The exchange refused a request or could not be reached."""

    exit_code = 5


class Rejected(ExchangeError):
    """The exchange said no. `code` is Binance's (negative), None where the body held none."""

    def __init__(self, what: str, *, status: int, code: int | None, reason: str, hint: str = "") -> None:
        self.what = what
        self.status = status
        self.code = code
        self.reason = reason
        self.hint = hint
        super().__init__(what, status, code)

    def __str__(self) -> str:
        code = f" (code {self.code})" if self.code is not None else ""
        end = f" {self.hint}" if self.hint else ""
        return f"{self.what}: the exchange answered HTTP {self.status}{code}: {self.reason.rstrip('.')}.{end}"


class RateLimited(ExchangeError):
    """HTTP 429: too many requests. Wait `wait_s` seconds before the next."""

    def __init__(self, what: str, *, wait_s: float) -> None:
        self.what = what
        self.wait_s = wait_s
        super().__init__(what, wait_s)

    def __str__(self) -> str:
        return f"{self.what}: the exchange asks to wait {self.wait_s:.0f} seconds (HTTP 429)."


class Banned(ExchangeError):
    """HTTP 418: this address is banned until `until_ms` (ms since 1970 UTC); asking before makes it longer."""

    def __init__(self, what: str, *, until_ms: int) -> None:
        self.what = what
        self.until_ms = until_ms
        super().__init__(what, until_ms)

    def __str__(self) -> str:
        until = datetime.fromtimestamp(self.until_ms / 1000, tz=UTC).isoformat(timespec="seconds")
        return (
            f"{self.what}: the exchange has banned this address until {until} (HTTP 418). "
            f"Ask nothing before; what was stored so far is kept, and the same command goes on from there."
        )


class Disconnected(ExchangeError):
    """The exchange could not be reached, or its answer did not come whole; `reason` says which."""

    def __init__(self, what: str, *, reason: str, hint: str = "") -> None:
        self.what = what
        self.reason = reason
        self.hint = hint
        super().__init__(what, reason)

    def __str__(self) -> str:
        end = f" {self.hint}" if self.hint else ""
        return f"{self.what}: {self.reason.rstrip('.')}.{end}"


class OutcomeUnknown(ExchangeError):
    """The exchange did not say whether it executed order `client_id`; it may rest, be filled, or not exist."""

    def __init__(self, what: str, *, client_id: str, reason: str) -> None:
        self.what = what
        self.client_id = client_id
        self.reason = reason
        super().__init__(what, client_id)

    def __str__(self) -> str:
        return (
            f"{self.what}: the exchange did not say whether it executed order {self.client_id}: "
            f"{self.reason.rstrip('.')}. It is not sent again; ask for it by this id."
        )


class IllegalTransition(ExchangeError):
    """An event that cannot follow in the state of the order `client_id`. Nothing was changed."""

    def __init__(self, client_id: str, *, state: str, event: str, why: str = "") -> None:
        self.client_id = client_id
        self.state = state
        self.event = event
        self.why = why
        super().__init__(client_id, state, event)

    def __str__(self) -> str:
        why = f" ({self.why})" if self.why else ""
        return (
            f"Order {self.client_id} is {self.state}: {self.event} cannot follow{why}. "
            f"Nothing was changed. Stop trading and reconcile with the exchange."
        )


class Oversold(ExchangeError):
    """A sale of more than the books hold of `symbol`. Nothing was booked."""

    def __init__(self, symbol: str, *, held: str, sold: str, trade_id: int) -> None:
        self.symbol = symbol
        self.held = held
        self.sold = sold
        self.trade_id = trade_id
        super().__init__(symbol, held, sold)

    def __str__(self) -> str:
        return (
            f"{self.symbol}: trade {self.trade_id} sold {self.sold}, but the books hold {self.held}. "
            f"Nothing was booked. Stop trading and reconcile with the exchange."
        )
