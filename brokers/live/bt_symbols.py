"""Which data feed stands for which symbol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.live.bt_positions import time_of
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["BoundData"]

_SECONDS = {bt.TimeFrame.Seconds: 1, bt.TimeFrame.Minutes: 60, bt.TimeFrame.Days: 86_400}


class BoundData:
    """
    Feeds and their symbols; several feeds may show one symbol.

    `told` names symbols by feed or by a feed's name. Where it is empty a feed's own `symbol` counts, else its
    name; where it is not, a feed that it does not name and that has no `symbol` is not traded.
    """

    def __init__(self, told: Mapping[Any, str]) -> None:
        self._told = dict(told)
        self._pairs: list[tuple[Any, str]] = []
        self._symbols: dict[int, str] = {}  # by the feed's id: feeds compare as Backtrader's lines do
        self._feeds: dict[str, Any] = {}

    def bind(self, datas: Iterable[Any]) -> list[tuple[Any, str]]:
        """Find the symbols of all feeds. Raises ConfigError for a name that no feed has, or no symbol."""
        feeds = list(datas)
        known = {data._name for data in feeds}
        for key in self._told:
            if not (key in known if isinstance(key, str) else any(key is data for data in feeds)):
                name = key if isinstance(key, str) else key._name
                raise ConfigError(
                    f"symbols names the feed {name!r}, which Cerebro does not have. "
                    f"Known: {', '.join(sorted(known))}."
                )
        found = [(data, self._find(data)) for data in feeds]
        self._pairs = [(data, symbol.upper()) for data, symbol in found if symbol]
        if not self._pairs:
            raise ConfigError("No feed has a symbol to trade. Give symbols={name: symbol}.")
        self._symbols = {id(data): symbol for data, symbol in self._pairs}
        self._feeds = {symbol: data for data, symbol in reversed(self._pairs)}
        return self._pairs

    def _find(self, data: Any) -> str:
        for key, symbol in self._told.items():
            if key is data or (isinstance(key, str) and key == data._name):
                return str(symbol)
        own = getattr(data, "symbol", None) or getattr(getattr(data, "data", None), "symbol", None)
        if isinstance(own, str):
            return own
        return "" if self._told else str(data._name)

    def bound(self) -> list[tuple[Any, str]]:
        """Give all (feed, symbol)."""
        return self._pairs

    def symbols(self) -> list[str]:
        """Give each symbol once."""
        return list(dict.fromkeys(self._symbols.values()))

    def symbol_of(self, data: Any) -> str | None:
        """Give a feed's symbol; None where it is not traded."""
        return self._symbols.get(id(data))

    def data_of(self, symbol: str) -> Any | None:
        """Give the first feed of a symbol."""
        return self._feeds.get(symbol)

    @staticmethod
    def price_source(data: Any) -> Callable[[], float | None]:
        """Give what tells a feed's newest price: of the open bar where it knows it, else the last close."""
        has_stream = hasattr(data, "last_price")  # as LiveFeed; any other feed knows its bars alone

        def price() -> float | None:
            told = data.last_price if has_stream else None
            if told is not None:
                return float(told)
            return float(data.close[0]) if len(data) else None

        return price

    @staticmethod
    def has_passed(order: Any, now_ms: int) -> bool:
        """
        Tell whether an order's `valid` is over.

        As in a backtest it lives through the bar that its time falls into: bars are labelled by their open.
        """
        data = order.data
        if len(data) and data.datetime[0] > order.valid:
            return True
        seconds = _SECONDS.get(data._timeframe)
        if seconds is None:
            return False
        bar_ms = 1000 * seconds * max(data._compression, 1)
        return bool(now_ms >= (time_of(order.valid) // bar_ms + 1) * bar_ms)
