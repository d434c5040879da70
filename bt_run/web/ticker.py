"""Trades and prices for one browser: four times a second at most, and only the latest."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ConfigError
from bt_run.run.desk.tape import TapeKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.run.desk.tape import Tape, TapeState
    from bt_run.web.outgoing import Outgoing

__all__ = ["MOST_QUOTES", "Ticker"]

MOST_QUOTES = 30
"""Symbols of a watch list."""

_CALM_S = 0.25


class Ticker:
    """
    Used in the event loop only.

    The page says what it wants as a whole, ``{"do": "watch", "trades": "BTCUSDT", "quotes": ["ETHUSDT"]}``; it
    is told ``trades`` and ``quote``, each in a slot of its own, so that only the last waits for a slow browser.
    """

    def __init__(self, tape: Tape, outgoing: Outgoing) -> None:
        self._tape = tape
        self._outgoing = outgoing
        self._seen: dict[TapeKey, int] = {}
        self._beating: asyncio.Task[None] | None = None

    def want(self, message: Mapping[str, Any]) -> None:
        """Take what the page wants from now on. Raises ConfigError."""
        trades, quotes = message.get("trades") or "", message.get("quotes") or []
        if not isinstance(quotes, list) or len(quotes) > MOST_QUOTES:
            raise ConfigError(f"A watch list has {MOST_QUOTES} symbols at most.")
        wanted = [TapeKey("trades", _symbol(trades))] if trades else []
        wanted += [TapeKey("quote", _symbol(name)) for name in dict.fromkeys(map(str, quotes))]
        for key in set(self._seen) - set(wanted):
            self._tape.leave(key)
        for key in wanted:
            if key not in self._seen:
                self._tape.look(key)
        self._seen = {key: self._seen.get(key, 0) for key in wanted}
        if self._beating is None and self._seen:
            self._beating = asyncio.create_task(self._beat())

    async def leave(self) -> None:
        """Want nothing any more."""
        self.want({})
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating

    async def _beat(self) -> None:
        while True:
            for key, edition in list(self._seen.items()):
                state = self._tape.read(key)
                if state.edition != edition:
                    self._seen[key] = state.edition
                    self._outgoing.put(_told(key, state), slot=key.stream)
            await asyncio.sleep(_CALM_S)


def _symbol(given: object) -> str:
    name = str(given).upper()
    if not name.isascii() or not name.isalnum() or len(name) > 30:
        raise ConfigError(f"{name[:30]!r} is not a symbol, such as BTCUSDT.")
    return name


def _told(key: TapeKey, state: TapeState) -> dict[str, Any]:
    told: dict[str, Any] = {"type": key.kind, "symbol": key.symbol, "trouble": state.trouble}
    if key.kind == "trades":
        rows = [[it.agg_id, it.time_ms, it.price, it.quantity, it.buyer_is_maker] for it in state.trades]
        return {**told, "trades": rows}
    quote = state.quote
    change = None if quote is None or not quote.open else (quote.close / quote.open - 1.0) * 100.0
    return {**told, "last": None if quote is None else quote.close, "change_pct": change}
