"""What the parts of the live broker share during a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import backtrader as bt

from brokers.amounts import ZERO, minus, plus, ratio, times
from brokers.bt_orders import make_live_order
from brokers.client_ids import ClientId
from brokers.filter_checks import Conditions, check
from brokers.guard import EntryRequest
from brokers.live.drafts import Refusal
from brokers.live.standing import doubt_about, locked_by, price_of, reserved_by

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from brokers.gateway import Gateway
    from brokers.guard import Guard
    from brokers.live.bt_positions import Positions
    from brokers.live.bt_tickets import Ticket, Tickets
    from brokers.live.desk import Desk
    from brokers.live.inquiry import Inquiry, Waits
    from brokers.live.markets import Markets
    from brokers.orders import Order
    from brokers.recorder import Recorder

__all__ = ["Names", "Session"]


class Names:
    """Gives client ids, each once."""

    def __init__(self, first: ClientId) -> None:
        self._next = first

    @property
    def run(self) -> str:
        """Give the run's tag."""
        return self._next.run

    def give(self) -> str:
        """Give the next one."""
        given, self._next = self._next, self._next.next()
        return str(given)

    def take_back(self, name: str) -> None:
        """
        Take back a name and all that were given after it: nothing was sent under them.

        So the names that were sent follow each other without gaps: a start asks for those that it may lack.
        """
        given = ClientId.parse(name)
        if given is None or given.run != self.run:
            raise ValueError(f"{name!r} was not given here")
        self._next = given


@dataclass(slots=True)
class Session:
    """The parts, and what several of them ask for."""

    gateway: Gateway
    desk: Desk
    inquiry: Inquiry
    waits: Waits
    markets: Markets
    tickets: Tickets
    positions: Positions
    guard: Guard
    recorder: Recorder
    names: Names
    ring: Callable[[], None]

    def held(self, symbol: str) -> Decimal:
        """Give what can be sold of the holding, base asset."""
        return self.markets.visible(symbol, self.desk.ledger.holding(symbol).quantity)

    def free_to_sell(self, symbol: str) -> Decimal:
        """Give what can be sold and is not locked by an open order."""
        held = self.desk.ledger.holding(symbol).quantity
        orders = self.desk.of(symbol)
        left = minus(held, locked_by(orders)) if orders else held
        return self.markets.visible(symbol, left)

    def free_cash(self) -> Decimal:
        """Give the cash that no open order needs, with the fees it may cost; quote asset."""
        cash = self.desk.ledger.cash
        for symbol, fees in self.markets.fees.items():
            orders = self.desk.of(symbol)
            if orders:
                needed = reserved_by(orders, self.markets.price(symbol))
                cash = minus(cash, plus(needed, times(needed, fees.taker)))
        return cash

    def equity(self) -> Decimal:
        """Give cash and holdings at the prices now, quote asset."""
        total = self.desk.ledger.cash
        for holding in self.desk.ledger.holdings.values():
            if holding.quantity:
                total = plus(total, holding.value(self.markets.value_price(holding)))
        return total

    def refuse(self, ticket: Ticket, refusal: Refusal) -> None:
        """Tell the strategy that its order is not sent, and why; what hangs on it goes with it."""
        if ticket.is_over:
            return
        self.recorder.refused(ticket.symbol, ticket.wish(), refusal.reason)
        status = bt.Order.Margin if refusal.margin else bt.Order.Rejected
        self.tickets.end(ticket, status, refusal.reason)
        for child in ticket.children:
            self.refuse(child, Refusal(f"the order it depends on was refused: {refusal.reason}"))

    def objection(self, ticket: Ticket, order: Order, *, pending: bool = False) -> Refusal | None:
        """Say what speaks against sending an order now; `pending`: it waits for the one before it in a list."""
        symbol = ticket.symbol
        price = self.markets.price(symbol)
        doubt = doubt_about(self.desk.of(symbol))
        if doubt:
            return Refusal(doubt)
        buys = order.side == "BUY"
        average = price if buys else None  # the average is not known; a sale is not refused for a guess
        broken = check(self.markets.filters[symbol], order, Conditions(price, average))
        if broken:
            return Refusal(" ".join(map(str, broken)))
        if pending:
            return None
        return self._against_entry(symbol, order, price) if buys else self._against_exit(symbol, order)

    def _against_exit(self, symbol: str, order: Order) -> Refusal | None:
        asset = self.markets.filters[symbol].base_asset
        held, free = self.held(symbol), self.free_to_sell(symbol)
        asked = order.quantity or ZERO
        if asked > held:
            return Refusal(
                f"{asked:f} {asset} cannot be sold: {held:f} are held, and there is no short on spot."
            )
        if asked > free:
            return Refusal(
                f"{asked:f} {asset} cannot be sold: of {held:f} held, open orders lock all but {free:f}. "
                f"Cancel them first."
            )
        return None

    def _against_entry(self, symbol: str, order: Order, last_price: Decimal | None) -> Refusal | None:
        if self.desk.trouble:
            return Refusal(f"No entries while orders and exchange contradict each other: {self.desk.trouble}")
        if self.waits.about(symbol):
            return Refusal("A cancelled order has not ended yet; nothing is bought before that is known.")
        price = price_of(order, last_price)
        if price is None:
            return Refusal(f"No price of {symbol} is known yet, so nobody can say what this would cost.")
        worth = order.quote_quantity or times(order.quantity or ZERO, price)
        cost = plus(worth, times(worth, self.markets.fees[symbol].taker))
        cash = self.free_cash()
        if cost > cash:
            asset = self.desk.ledger.quote_asset
            return Refusal(
                f"Not enough cash: it costs {cost:.8f} {asset} with fees, free are {cash:.8f}.", True
            )
        quantity = order.quantity or self.markets.filters[symbol].round_quantity(ratio(worth, price))
        request = EntryRequest(
            symbol,
            order.type,
            quantity,
            price,
            worth,
            self.held(symbol),
            cash,
            self.equity(),
            self.gateway.server_time_ms(),
        )
        reason = self.guard.judge(request)
        return Refusal(reason) if reason else None

    @staticmethod
    def make_order(side: str, broker: Any, **asked: Any) -> Any:
        """Make an order of Backtrader, known to nobody yet."""
        made = make_live_order(side, asked)
        made.addcomminfo(broker.getcommissioninfo(asked["data"]))
        return made
