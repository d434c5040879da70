"""What faults act on: the running server, its exchange, its sockets and its clock."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from bt_run.practice.events import Executed, Wiped
from bt_run.practice.refusal import Refusal
from bt_run.practice.sockets import SOCKETS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from decimal import Decimal

    from bt_run.practice.events import Event
    from bt_run.practice.exchange import Exchange
    from bt_run.practice.fault_points import RequestInfo
    from bt_run.practice.server import PracticeServer
    from bt_run.practice.sockets import Sockets

__all__ = ["Stage"]

_REMEMBERED = 1000
_LAGS_MS = 60_000  # of the exchange's own time: no copy of its books lags behind for longer
_ANSWERED_S = 0.05  # what the answer to the request that asked for a restart may take
_WRITTEN_S = 1.0
_GOES_AWAY = 1001

_TRADES = ("order.place", "order.cancel", "order.amend", "openOrders.cancelAll", "orderList")


class Stage:
    """
    The hands of faults. All of it runs in the server's event loop.

    Args:
        server: With its sockets, where it has any.
    """

    def __init__(self, server: PracticeServer) -> None:
        self.server = server
        self.closed: list[tuple[int, int]] = []
        self._accepted: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()
        self._thinned = ""
        self._unlisten: Callable[[], None] | None = self.exchange.listen(self._note)

    @property
    def exchange(self) -> Exchange:
        """Give what is served."""
        return self.server.exchange

    @property
    def sockets(self) -> Sockets | None:
        """Give the open connections; None where the server has no sockets."""
        return self.server.app.get(SOCKETS)

    def leave(self) -> None:
        """Hear no more of the exchange."""
        if self._unlisten is not None:
            self._unlisten()
            self._unlisten = None

    # Sockets.

    def drop(self, code: int, reason: str, path: str) -> int:
        """End connections; gives how many."""
        return 0 if self.sockets is None else self.sockets.drop(code, reason, path=path)

    def announce_shutdown(self) -> int:
        """Tell all connections that the server goes; gives how many."""
        return 0 if self.sockets is None else self.sockets.server_shutdown()

    async def close_after(self, seconds: float) -> None:
        """Close those that are still open then."""
        await asyncio.sleep(seconds)
        self.drop(_GOES_AWAY, "", "")

    def end_user_streams(self) -> int:
        """End all subscriptions to the account's events; gives how many."""
        if self.sockets is None:
            return 0
        count = len(self.sockets.users.subscriptions)
        self.sockets.terminate_user_streams()
        return count

    async def drained(self) -> None:
        """Wait until all frames are written."""
        if self.sockets is not None:
            await self.sockets.drained(_WRITTEN_S)

    # Orders.

    def age_of(self, symbol: str, order_id: str | None, client_id: str | None) -> float | None:
        """
        Give how many real seconds ago an order was accepted; None where that is long ago or never was.

        It is long ago too where a minute has passed by the exchange's clock, which may run quicker than ours.
        """
        names = [name for name in (f"id {order_id}", f"client {client_id}") if not name.endswith("None")]
        moments = [at for name in names if (at := self._accepted.get((symbol, name))) is not None]
        if not moments or self.exchange.now - moments[0][1] > _LAGS_MS:
            return None
        return time.monotonic() - moments[0][0]

    def thin(self, symbol: str, most: Decimal) -> None:
        """Make a book thin until `thicken`."""
        self._thinned = symbol
        self.exchange.trading.forced.thin(symbol, most)

    def thicken(self) -> None:
        """Give the book back what it has."""
        if self._thinned:
            self.exchange.trading.forced.thin(self._thinned, None)
            self._thinned = ""

    def fill(self, symbol: str, order_id: int, *, share: Decimal, only_new: bool = False) -> bool:
        """Fill a share of what rests on the book; with `only_new` only where nothing was filled yet."""
        try:
            order = self.exchange.trading.order(symbol, order_id)
        except Refusal:
            return False
        if only_new and order.executed:
            return False
        return self.exchange.trading.forced.fill(order_id, share)

    def cancel(self, symbol: str, order_id: int) -> bool:
        """Cancel an order that is still on the book."""
        try:
            order = self.exchange.trading.order(symbol, order_id)
            if not order.is_open or not order.is_working:
                return False
            self.exchange.trading.cancel(symbol, order_id=order_id)
        except Refusal:
            return False
        return True

    # The market and the server.

    def close_market(self, bars: int, *, refuses: bool) -> tuple[int, int, int]:
        """Make a gap; gives its begin and end in ms, and how many bars went."""
        markets = tuple(self.exchange.markets.values())
        begin = max(market.running_end for market in markets)
        end = begin + bars * markets[0].interval.approximate_ms
        lost = sum(market.skip(begin, end) for market in markets)
        if refuses:
            self.closed.append((begin, end))
        return begin, end, lost

    def is_closed(self, request: RequestInfo) -> bool:
        """Tell whether a request would trade while the market is closed."""
        if not self.closed or not request.method.startswith(_TRADES):
            return False
        now = self.exchange.now
        self.closed = [(begin, end) for begin, end in self.closed if now < end]
        return any(begin <= now for begin, _ in self.closed)

    async def refuse_connections(self, seconds: float) -> None:
        """Listen no more for a time."""
        await self.server.stop_listening()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.server.listen()

    def restart(self, seconds: float) -> Awaitable[None]:
        """Cut everybody, be away for a time, and come back with the state as it was."""
        return self._restart(seconds)

    async def _restart(self, seconds: float) -> None:
        await asyncio.sleep(_ANSWERED_S)
        pacer = self.server.pacer
        stopped = pacer is not None and not pacer.paused
        if pacer is not None and stopped:
            pacer.pause()
        await self.server.stop_listening()
        self.drop(1006, "", "")
        self.server.cut_connections()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.server.listen()
            if pacer is not None and stopped:
                pacer.resume()

    def _note(self, event: Event) -> None:
        """Remember when orders were accepted."""
        if isinstance(event, Wiped):
            self._accepted.clear()
        if not isinstance(event, Executed) or event.kind != "NEW":
            return
        order = event.order
        if order.updated != order.created:
            return  # triggered later, known long since
        for name in (f"id {order.order_id}", f"client {order.client_order_id}"):
            self._accepted[order.ticket.symbol, name] = time.monotonic(), self.exchange.now
        while len(self._accepted) > _REMEMBERED:
            self._accepted.popitem(last=False)
