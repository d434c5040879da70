"""
Client order ids: our name for an order, known before the exchange has one.

``btr-0k3m9x2p7c-00000042``: our mark, the run, a counter. Unique as long as a run uses no number twice;
ordered like the counter, and like the runs' starts. Binance allows ``[a-zA-Z0-9-_]{1,36}`` (its FIX pages and
the text of -1100, read 2026-09-27) and its firewall stops requests that look like SQL, so runs are written
without vowels, and no two hyphens meet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bt_run.core.errors import ConfigError

__all__ = ["PREFIX", "ClientId", "run_tag"]

PREFIX = "btr-"
MOST = 99_999_999

_DIGITS = "0123456789bcdfghjkmnpqrstvwxz"
_RUN = re.compile(rf"[{_DIGITS}]{{1,20}}")
_ID = re.compile(rf"btr-([{_DIGITS}]{{1,20}})-(\d{{8}})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class ClientId:
    """One id of ours; `run` says which run gave it, `counter` 0..99 999 999 for which order. Text by str()."""

    run: str
    counter: int

    def __post_init__(self) -> None:
        if not _is_run(self.run):
            raise ConfigError(f"The run tag {self.run!r} is not 1 to 20 of the characters {_DIGITS}.")
        if not 0 <= self.counter <= MOST:
            raise ConfigError(f"Order number {self.counter} does not fit into 8 digits. Start a new run.")

    def __str__(self) -> str:
        return f"{PREFIX}{self.run}-{self.counter:08d}"

    @classmethod
    def parse(cls, text: str) -> ClientId | None:
        """Read an id back; None for one that no run of bt-run has given."""
        match = _ID.fullmatch(text)
        return cls(match[1], int(match[2])) if match else None

    def next(self) -> ClientId:
        """Give the id of the run's next order."""
        return ClientId(self.run, self.counter + 1)


@lru_cache(maxsize=64)
def _is_run(text: str) -> bool:
    """Tell whether a text may name a run; a run's own is asked for with each of its orders."""
    return _RUN.fullmatch(text) is not None


def run_tag(started_ms: int, salt: int) -> str:
    """
    Name a run by its start (ms since 1970 UTC): ten characters that sort by second, then by `salt`.

    `salt` >= 0 tells apart runs of one second on one account: a process id, or a random number. Its rest modulo
    24 389 is used.
    """
    return _written(started_ms // 1000, 7) + _written(salt, 3)


def _written(number: int, width: int) -> str:
    text = ""
    for _ in range(width):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
