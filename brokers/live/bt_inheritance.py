"""What was there before this run, made known to Backtrader: holdings and open orders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.amounts import ZERO, exact
from brokers.live.bt_tickets import Stage, Ticket
from brokers.live.drafts import Draft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brokers.holdings import Holding
    from brokers.live.bt_protection import Protector
    from brokers.live.bt_session import Session
    from brokers.live.bt_symbols import BoundData
    from brokers.order_events import Filled
    from brokers.orders import Order

__all__ = ["Inheritance", "Traded"]

_KINDS = {
    "MARKET": bt.Order.Market,
    "LIMIT": bt.Order.Limit,
    "LIMIT_MAKER": bt.Order.Limit,
    "STOP_LOSS": bt.Order.Stop,
    "STOP_LOSS_LIMIT": bt.Order.StopLimit,
    "TAKE_PROFIT": bt.Order.Limit,
    "TAKE_PROFIT_LIMIT": bt.Order.Limit,
}


@dataclass(frozen=True, slots=True)
class Traded:
    """A trade that the books have, with the holding before and after it."""

    order: Order
    fill: Filled
    before: Holding
    after: Holding


class Inheritance:
    """
    Keeps what was there before until there is a bar to make orders on; the first strategy owns them.

    `orders` and `holdings` (symbols) wait here; what protects them does not wait, see `OwnOrders`.
    """

    def __init__(self, broker: Any, session: Session, bound: BoundData) -> None:
        self._broker = broker
        self._session = session
        self._bound = bound
        self.orders: list[Order] = []
        self.holdings: list[str] = []

    def bought(self, symbol: str) -> bool:
        """Keep what an order of an earlier run has bought; tells whether its feed still waits for a bar."""
        data = self._bound.data_of(symbol)
        if data is None or len(data):
            return False
        if symbol not in self.holdings:
            self.holdings.append(symbol)
        return True

    def introduce(self, strategies: Sequence[Any], protector: Protector) -> None:
        """Make what waits known, as far as its feed has a bar; what is sold by then is not told of."""
        if not (self.orders or self.holdings) or not strategies:
            return
        owner, now_ms = strategies[0], self._session.gateway.server_time_ms()
        for symbol in list(self.holdings):
            data = self._bound.data_of(symbol)
            if data is not None and len(data):
                self.holdings.remove(symbol)
                if self._session.positions.of(symbol).size:
                    self._introduce_holding(self._session.desk.ledger.holding(symbol), owner, data, now_ms)
                protector.took_over(symbol, owner, data)
        for order in list(self.orders):
            data = self._bound.data_of(order.symbol)
            if data is not None and len(data):
                self.orders.remove(order)
                known = self._session.desk.orders.get(order.client_id, order)
                if not known.is_terminal and self._session.tickets.of_client(known.client_id) is None:
                    self._introduce_order(known, owner, data, protector)

    def tell_trade(self, trade: Traded, strategies: Sequence[Any], protector: Protector) -> bool:
        """Tell of a trade of an order that Backtrader has none for; False where there is no bar for it."""
        session, order = self._session, trade.order
        data = self._bound.data_of(order.symbol)
        if data is None or not len(data) or not strategies or order.symbol in self.holdings:
            return False
        self.orders = [other for other in self.orders if other.client_id != order.client_id]
        ticket = self._introduce_order(replace(order, fills=()), strategies[0], data, protector)
        session.positions.execute(ticket, order, trade.fill, trade.before, trade.after)
        session.tickets.show_size(ticket)
        session.tickets.follow(ticket, session.desk.orders[order.client_id], trade.fill)
        if order.side == "BUY":
            protector.bought(order.symbol, strategies[0], data)
        return True

    def _introduce_holding(self, holding: Holding, owner: Any, data: Any, now_ms: int) -> None:
        """Tell the strategy of a holding as of a purchase that is complete."""
        session = self._session
        size = session.positions.of(holding.symbol).size
        order = session.make_order(
            "BUY",
            self._broker,
            owner=owner,
            data=data,
            size=size,
            price=float(holding.average_price or ZERO),
            transmit=True,
        )
        order.addinfo(restored=True)
        ticket = Ticket(order, holding.symbol, Draft("BUY", "MARKET", exact(size)), "entry")
        session.tickets.add(ticket)
        session.tickets.submitted(ticket)
        session.tickets.accepted(ticket)
        session.positions.take_over(ticket, holding, now_ms)
        session.tickets.end(ticket, bt.Order.Completed)

    def _introduce_order(self, known: Order, owner: Any, data: Any, protector: Protector) -> Ticket:
        """Make Backtrader's order for one that is open on the exchange."""
        session = self._session
        trail = known.trailing_delta / 10_000 if known.trailing_delta else None
        trigger = known.stop_price or known.price
        size = known.quantity or known.whole or ZERO
        order = session.make_order(
            known.side,
            self._broker,
            owner=owner,
            data=data,
            size=float(size),
            price=float(trigger) if trigger else None,
            pricelimit=float(known.price) if known.stop_price and known.price else None,
            exectype=bt.Order.StopTrail if trail else _KINDS[known.type],
            trailpercent=trail,
        )
        order.addinfo(restored=True, tag=known.purpose)
        draft = Draft(
            known.side,
            known.type,
            known.quantity,
            known.quote_quantity,
            known.price,
            known.stop_price,
            known.trailing_delta,
            known.time_in_force,
        )
        ticket = Ticket(order, known.symbol, draft, known.purpose, known.bracket, Stage.SENT, [known.client_id])
        ticket.listed = bool(known.list_client_id)
        ticket.mine = protector.is_on and known.purpose in ("stop_loss", "take_profit")
        session.tickets.add(ticket)
        session.tickets.show_size(ticket)
        session.tickets.submitted(ticket)
        if known.exchange_id is not None:
            session.tickets.accepted(ticket)
        if known.fills:
            order.partial()
            session.tickets.tell(order)
        return ticket
