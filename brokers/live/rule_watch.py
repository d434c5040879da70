"""The rules of a symbol, asked for again where a refusal shows that they may have changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bt_run.core.errors import DataError, ExchangeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from brokers.live.markets import Markets
    from brokers.order_events import Rejected

__all__ = ["RuleWatch"]

_BROKEN_RULE = -1013
_PAUSE_S = 60.0  # the answer weighs 60, and exchanges change their rules a few times a year

_log = logging.getLogger(__name__)


class RuleWatch:
    """
    Asks again after a refusal by a filter (-1013), once a minute at most; in the thread that trades.

    `changed` is told of a symbol whose rules are others than before. `clock` gives seconds that only grow.
    """

    def __init__(self, markets: Markets, clock: Callable[[], float], changed: Callable[[str], object]) -> None:
        self._markets = markets
        self._clock = clock
        self._changed = changed
        self._doubted: set[str] = set()
        self._asked_at: dict[str, float] = {}

    def rejected(self, symbol: str, event: Rejected) -> None:
        """Take that the exchange refused an order of a symbol."""
        if event.code == _BROKEN_RULE:
            self._doubted.add(symbol)

    def pump(self) -> None:
        """Ask for the rules that are in doubt; without an answer they are asked for again later."""
        for symbol in tuple(self._doubted):
            now = self._clock()
            if now - self._asked_at.get(symbol, float("-inf")) < _PAUSE_S:
                continue
            self._asked_at[symbol] = now
            try:
                is_news = self._markets.read_rules(symbol)
            except (ExchangeError, DataError) as error:
                _log.warning("The rules of %s are asked for again later: %s", symbol, error)
                continue
            self._doubted.discard(symbol)
            if is_news:
                self._changed(symbol)
