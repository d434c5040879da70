"""The exchange without I/O: markets that replay, an account that trades, one clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.practice.events import Event
    from bt_run.practice.market import Market
    from bt_run.practice.trading import Trading

__all__ = ["Exchange"]


class Exchange:
    """
    Everything the exchange knows and does; called from one thread, never waits.

    `now` is the exchange's clock in ms since 1970 UTC; only `step` and `advance` move it. Listeners are called
    with every event in the order of happening, before the call that caused it returns; they must not call
    back.

    Args:
        markets: By symbol.
        trading: The account's side; it tells its events through `tell`.
    """

    def __init__(self, markets: Mapping[str, Market], trading: Trading) -> None:
        self.markets = dict(markets)
        self.trading = trading
        self.now = max(market.now for market in self.markets.values())
        self._listeners: list[Callable[[Event], None]] = []
        trading.connect(self.markets, lambda: self.now, self.tell)

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with every event from now on; gives what ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def tell(self, event: Event) -> None:
        """Give an event to all listeners."""
        for listener in tuple(self._listeners):
            listener(event)

    def market(self, symbol: str) -> Market:
        """Find a market; raises Refusal -1121."""
        found = self.markets.get(symbol)
        if found is None:
            raise Refusal(-1121, "Invalid symbol.")
        return found

    def next_time(self) -> int | None:
        """Give when the next print or bar close of any market is due; None at the end of the data."""
        times = [time for market in self.markets.values() if (time := market.next_time()) is not None]
        return min(times, default=None)

    def step(self) -> Event | None:
        """
        Let the next thing of the market happen, with all that follows from it for orders.

        A print is told first, then what it does to orders; a bar's close is told when everything inside the
        bar is done. Gives the Printed or BarClosed; None at the end of the data.
        """
        time = self.next_time()
        if time is None:
            return None
        market = next(iter(self._due(time)))
        self.now = max(self.now, time)
        event = market.step()
        self.tell(event)
        self.trading.follow(event)
        return event

    def closes_next(self) -> bool:
        """Tell whether the next thing to happen is the close of a bar."""
        time = self.next_time()
        return time is not None and next(iter(self._due(time))).closes_next

    def _due(self, time: int) -> list[Market]:
        """Give the markets that are due; bars close before any market prints at the same instant."""
        due = [market for market in self.markets.values() if market.next_time() == time]
        return due if len(due) == 1 else sorted(due, key=lambda market: not market.closes_next)

    def advance(self, until: int) -> None:
        """Let everything up to and including the instant `until` (ms) happen; the clock then stands there."""
        while (time := self.next_time()) is not None and time <= until:
            self.step()
        self.now = max(self.now, until)
