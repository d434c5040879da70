"""
The exchange's state in a file, so that it goes on after a restart: where the clock stands, orders, balances.

The file is written whole or not at all, at the end and at most once a second while something changes; a
`kill -9` costs what happened since. The data themselves are not in it: the same files must be given again.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bt_run.core.atomic import check_target, replacing
from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError
from bt_run.practice.events import Printed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from bt_run.practice.events import Event
    from bt_run.practice.exchange import Exchange
    from bt_run.practice.market import Market
    from bt_run.practice.market.data_file import MarketRequest

__all__ = ["SavedState", "StateFile", "read_state"]

_VERSION = 1
_PARTS = ("now", "key_seed", "markets", "trading")
_PAUSE_S = 1.0
_SHARE = 20.0
"""Of the time at most this part is spent on writing: one twentieth."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """A state that was read; `key_seed` is what the keys are made from, `seed` the plan's."""

    path: Path
    told: Mapping[str, Any]

    @property
    def key_seed(self) -> int:
        """Give the seed of the key and its secret."""
        return int(self.told["key_seed"])

    @property
    def seed(self) -> int | None:
        """Give the seed that the plan had: prices inside bars go on as they were made."""
        seed = self.told.get("seed")
        return None if seed is None else int(seed)

    def place(self, request: MarketRequest, symbol: str) -> MarketRequest:
        """Let a market begin where the state has it; raises ConfigError where it does not know the symbol."""
        found = self.told["markets"].get(symbol)
        if found is None:
            raise ConfigError(
                f"{self.path} has no {symbol}. Give the data that it was made with, or another file."
            )
        return replace(request, at="end" if found["open"] is None else iso_utc(found["open"]))

    def bring(self, market: Market) -> None:
        """Bring a market, which begins at the right bar, to the print where it stood. Raises ConfigError."""
        found = self.told["markets"][market.symbol]
        for start, end in found["gaps"]:
            market.skip(start, end)
        if market.place[0] != found["open"] or str(market.interval) != found["interval"]:
            raise ConfigError(
                f"{self.path} was made with other data of {market.symbol}. Give these again, or another file."
            )
        for _ in range(found["done"]):
            market.step()

    def restore(self, exchange: Exchange) -> None:
        """Put clock, orders and balances back. Raises ConfigError."""
        exchange.now = max(exchange.now, int(self.told["now"]))
        try:
            exchange.trading.restore(self.told["trading"])
        except ConfigError as error:
            raise ConfigError(f"{self.path}: {error}") from error
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise ConfigError(f"{self.path} is damaged: {error!r}. Give another --state.") from error


def read_state(path: Path) -> SavedState | None:
    """Read a state; None where there is no such file yet. Raises ConfigError where it is none of ours."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as a state of the practice exchange: {error}.") from error
    if not isinstance(told, dict) or told.get("practice_state") != _VERSION or set(_PARTS) - set(told):
        raise ConfigError(f"{path} is not a state of the practice exchange. Give another --state.")
    return SavedState(path, told)


class StateFile:
    """
    Keeps a file up to date with an exchange; `save` writes now, `save_if_due` when something has changed.

    Args:
        path: Of the file; its folder must be there.
        exchange: Whose state.
        key_seed: What the keys are made from.
        seed: Of the plan.

    Raises:
        ConfigError: there is no place for it.
    """

    def __init__(
        self,
        path: Path,
        exchange: Exchange,
        *,
        key_seed: int,
        seed: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_target(path)
        self.path = path
        self._exchange = exchange
        self._key_seed = key_seed
        self._seed = seed
        self._clock = clock
        self._changed = True
        self._next = 0.0
        self._unlisten = exchange.listen(self._note)

    def save_if_due(self) -> None:
        """Write where something has changed and the last time is long enough ago. Raises ConfigError."""
        if self._changed and self._clock() >= self._next:
            self.save()

    def save(self) -> None:
        """Write. Raises ConfigError where that cannot be."""
        begun = self._clock()
        with replacing(self.path, private=True) as place:
            place.write_text(json.dumps(self._told(), separators=(",", ":")), encoding="utf-8")
        took = self._clock() - begun
        self._changed = False
        self._next = self._clock() + max(_PAUSE_S, _SHARE * took)

    def close(self) -> None:
        """Write a last time, and hear no more."""
        self._unlisten()
        self.save()

    def _note(self, event: Event) -> None:
        if not isinstance(event, Printed):
            self._changed = True

    def _told(self) -> dict[str, Any]:
        exchange = self._exchange
        return {
            "practice_state": _VERSION,
            "now": exchange.now,
            "key_seed": self._key_seed,
            "seed": self._seed,
            "markets": {symbol: _market(market) for symbol, market in exchange.markets.items()},
            "trading": exchange.trading.snapshot(),
        }


def _market(market: Market) -> dict[str, Any]:
    opened, done = market.place
    return {"interval": str(market.interval), "open": opened, "done": done, "gaps": list(market.gaps)}
