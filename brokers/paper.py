"""
Trading on paper: live prices, simulated fills, no key.

Market orders fill whole at the best ask or bid: the size of the book is not looked at. A resting limit order
fills whole, as maker and at its own price, once the other side's best price reaches it or a trade goes through
it; its place in the queue is not known, so a trade *at* its price is not enough. Triggers compare the last
price, as Binance does.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Literal

from brokers.amounts import ZERO, minus, plus, ratio, times
from brokers.filter_checks import Conditions, check
from brokers.gateway import FeeRates, OrderSeen
from brokers.live.paper_account import PaperAccount, PaperOrder
from brokers.live.paper_rules import Quote, crossed_price, needed, oco_is_possible, trigger_is_reached
from brokers.order_events import REFUSED_AT_ENTRY, Accepted, Canceled, CancelRefused, Event, Expired, Rejected
from brokers.reconciling.views import Balance, ExchangeTrade
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.gateway import Inbox
    from brokers.orders import Order
    from brokers.reconciling.views import ExchangeOrder

__all__ = ["PaperAccount", "PaperGateway", "PaperOrder", "Quote"]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class PaperGateway:
    """
    A `Gateway` that executes on paper. `on_quote` and `on_trade` feed it prices, from any thread.

    Args:
        filters: Rules by symbol, from a real exchangeInfo.
        quotes: Gives the prices of a symbol now, None where not known yet.
        fees: Rates; a purchase pays in base asset, a sale in quote asset, as Binance without BNB.
        account: The state, changed as orders trade.
        inbox: Gets what happens outside of an answer.
        clock_ms: The exchange's time, ms since 1970 UTC.
    """

    def __init__(
        self,
        *,
        filters: Mapping[str, SymbolFilters],
        quotes: Callable[[str], Quote | None],
        fees: FeeRates,
        account: PaperAccount,
        inbox: Inbox,
        clock_ms: Callable[[], int] = _now_ms,
    ) -> None:
        if fees.discount_asset:
            raise ConfigError("Paper trading pays fees in base and quote asset; leave discount_asset out.")
        self.account = account
        self._filters = dict(filters)
        self._quotes = quotes
        self._fees = fees
        self._inbox = inbox
        self._clock_ms = clock_ms
        self._answering: dict[str, list[Event]] = {}
        # Prices come in another thread than requests, and both move the same balances.
        self._lock = threading.RLock()
        account.last_id = max(account.last_id, clock_ms() * 1000)

    # The gateway's questions.

    def filters(self, symbol: str) -> SymbolFilters:
        """Give the symbol's rules. Raises ConfigError."""
        if symbol not in self._filters:
            raise ConfigError(f"The paper exchange has no {symbol}; it has {', '.join(sorted(self._filters))}.")
        return self._filters[symbol]

    def fees(self, symbol: str) -> FeeRates:
        """Give the rates."""
        return self._fees

    def balances(self) -> Mapping[str, Balance]:
        """Give all balances that are not zero."""
        with self._lock:
            return {a: self._balance(a) for a, total in self.account.totals.items() if total}

    def server_time_ms(self) -> int:
        """Give the time."""
        return self._clock_ms()

    def query(self, symbol: str, client_id: str) -> ExchangeOrder | None:
        """Give an order; None where there is none."""
        with self._lock:
            found = self.account.orders.get(client_id)
            return None if found is None or found.order.symbol != symbol else found.told()

    def query_number(self, symbol: str, exchange_id: int) -> ExchangeOrder | None:
        """Give the order of a number; None where there is none."""
        with self._lock:
            found = (taken for taken in self.account.orders.values() if taken.exchange_id == exchange_id)
            return next((taken.told() for taken in found if taken.order.symbol == symbol), None)

    def open_orders(self, symbol: str) -> tuple[ExchangeOrder, ...]:
        """Give the open orders of a symbol."""
        with self._lock:
            orders = self.account.orders.values()
            alive = ("NEW", "PARTIALLY_FILLED", "PENDING_NEW")
            return tuple(o.told() for o in orders if o.order.symbol == symbol and o.status in alive)

    def trades(
        self,
        symbol: str,
        *,
        since_trade_id: int | None = None,
        exchange_id: int | None = None,
        start_ms: int | None = None,
    ) -> tuple[ExchangeTrade, ...]:
        """Give the trades of a symbol, ascending."""
        with self._lock:
            return tuple(
                trade
                for trade in self.account.trades
                if trade.symbol == symbol
                and (since_trade_id is None or trade.trade_id >= since_trade_id)
                and (exchange_id is None or trade.exchange_id == exchange_id)
                and (start_ms is None or trade.time_ms >= start_ms)
            )

    # The gateway's requests.

    def place(self, order: Order) -> tuple[Event, ...]:
        """Take an order, fill what can be filled at once."""
        return self._place((order,), "")[order.client_id]

    def place_list(
        self, kind: Literal["OCO", "OTO", "OTOCO"], orders: Sequence[Order]
    ) -> Mapping[str, tuple[Event, ...]]:
        """Take all orders of a list, or none."""
        return self._place(orders, kind)

    def cancel(self, order: Order) -> tuple[Event, ...]:
        """Cancel an order and its list."""
        with self._lock:
            found = self.account.orders.get(order.client_id)
            if found is None or not (found.works or found.status == "PENDING_NEW"):
                return (CancelRefused("Unknown order sent."),)
            self._answering = {order.client_id: []}
            for mate in (found, *self._mates(found)):
                self._end(mate, Canceled(self._clock_ms(), mate.executed), "CANCELED")
            return self._answered((order.client_id,))[order.client_id]

    def _place(self, orders: Sequence[Order], kind: str) -> dict[str, tuple[Event, ...]]:
        with self._lock:
            self._answering = {order.client_id: [] for order in orders}
            refusal = self._refusal(orders, kind)
            for number, order in enumerate(orders):
                if refusal is not None:
                    self._tell(order, 0, refusal)
                    continue
                taken = PaperOrder(order, self._next_id(), self._clock_ms())
                taken.status = "PENDING_NEW" if number and kind != "OCO" else "NEW"
                self.account.orders[order.client_id] = taken
                self._tell(order, taken.exchange_id, Accepted(taken.exchange_id, taken.time_ms))
            if refusal is None:
                for order in orders:
                    self._arrive(self.account.orders[order.client_id])
            return self._answered(order.client_id for order in orders)

    def _refusal(self, orders: Sequence[Order], kind: str) -> Rejected | None:
        order = orders[0]
        quote = self._quotes(order.symbol)
        if quote is None:
            return Rejected(None, f"no price of {order.symbol} is known yet")
        seen, rules = Conditions(quote.last, quote.last), self.filters(order.symbol)
        broken = [rule for each in orders for rule in check(rules, each, seen)]
        if broken:
            return Rejected(-1013, f"Filter failure: {broken[0]}")
        now = orders if kind == "OCO" else orders[:1]  # the others come when the first is filled
        wrong = self._wrong_price(now, kind, quote)
        if wrong:
            return Rejected(-2010, wrong)
        asset = rules.base_asset if order.side == "SELL" else rules.quote_asset
        if max(needed(each, quote) for each in now) > self._balance(asset).free:
            return Rejected(-2010, "Account has insufficient balance for requested action.")
        return None

    @staticmethod
    def _wrong_price(orders: Sequence[Order], kind: str, quote: Quote) -> str:
        if kind == "OCO" and not oco_is_possible(orders[0], orders[1], quote.last):
            return "The relationship of the prices for the orders is not correct."
        for each in orders:
            if each.type == "LIMIT_MAKER" and crossed_price(each, quote) is not None:
                return "Order would immediately match and take."
            if each.stop_price is not None and trigger_is_reached(each, quote.last, quote.last):
                return "Stop price would trigger immediately."
        return ""

    # Prices.

    def on_quote(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None = None) -> None:
        """Match the resting orders of a symbol with new best prices."""
        with self._lock:
            known = self._quotes(symbol)
            price = last or (known.last if known else bid)
            self._match(symbol, Quote(bid, ask, price), traded=None)

    def on_trade(self, symbol: str, price: Decimal) -> None:
        """Match the resting orders of a symbol with a trade on the market."""
        with self._lock:
            known = self._quotes(symbol)
            quote = Quote(known.bid, known.ask, price) if known else Quote(price, price, price)
            self._match(symbol, quote, traded=price)

    def _match(self, symbol: str, quote: Quote, *, traded: Decimal | None) -> None:
        self._answering = {}
        for resting in list(self.account.orders.values()):
            if resting.order.symbol != symbol or not resting.works:
                continue
            _follow(resting, quote.last)
            if not resting.triggered:
                if trigger_is_reached(resting.order, quote.last, resting.best):
                    self._trigger(resting, quote)
            elif resting.order.price is not None and _is_met(resting.order, quote, traded):
                self._fill(resting, resting.order.price, is_maker=True)

    def _arrive(self, taken: PaperOrder) -> None:
        """Let an order take effect: it trades at once, waits for its trigger, or rests."""
        quote = self._quotes(taken.order.symbol)
        if not taken.works or quote is None:
            return
        _follow(taken, quote.last)
        if trigger_is_reached(taken.order, quote.last, taken.best):
            self._trigger(taken, quote)

    def _trigger(self, taken: PaperOrder, quote: Quote) -> None:
        taken.triggered = True
        price = crossed_price(taken.order, quote)
        if price is not None:
            self._fill(taken, price, is_maker=False)
        elif taken.order.time_in_force in ("IOC", "FOK"):
            self._end(taken, Expired("it could not trade at once", self._clock_ms(), ZERO), "EXPIRED")

    # Trades.

    def _fill(self, taken: PaperOrder, price: Decimal, *, is_maker: bool) -> None:
        order, rules = taken.order, self.filters(taken.order.symbol)
        quantity = order.quantity or ZERO
        if order.quote_quantity is not None:
            quantity = rules.round_quantity(ratio(order.quote_quantity, price), "MARKET")
        self._release_mates(taken)
        value = times(quantity, price)
        buys = order.side == "BUY"
        spent, cost = (rules.quote_asset, value) if buys else (rules.base_asset, quantity)
        if not quantity or self.account.totals.get(spent, ZERO) < cost:
            self._end(taken, Expired("the balance does not suffice", self._clock_ms(), ZERO), "EXPIRED")
            return
        rate = self._fees.maker if is_maker else self._fees.taker
        got, amount = (rules.base_asset, quantity) if buys else (rules.quote_asset, value)
        fee = times(amount, rate)
        self._add(spent, cost.copy_negate())
        self._add(got, minus(amount, fee))
        taken.status, taken.executed, taken.update_ms = "FILLED", quantity, self._clock_ms()
        trade = ExchangeTrade(
            order.symbol,
            self._next_id(),
            taken.exchange_id,
            quantity,
            price,
            fee,
            got,
            taken.update_ms,
            is_maker,
        )
        self.account.trades.append(trade)
        self._tell(order, taken.exchange_id, trade.filled(quantity))
        for pending in self._mates(taken):
            if pending.status == "PENDING_NEW":
                self._activate(pending)

    def _release_mates(self, taken: PaperOrder) -> None:
        """End the other leg of an OCO list: one of them trades."""
        for mate in self._mates(taken):
            if mate.works and mate.order.side == taken.order.side:
                reason = "the other order of its list was executed"
                self._end(mate, Expired(reason, self._clock_ms(), mate.executed), "EXPIRED")

    def _activate(self, pending: PaperOrder) -> None:
        pending.status, pending.time_ms = "NEW", self._clock_ms()
        order, rules = pending.order, self.filters(pending.order.symbol)
        asset = rules.base_asset if order.side == "SELL" else rules.quote_asset
        quote = self._quotes(order.symbol)
        if quote is not None and needed(order, quote) > self.account.totals.get(asset, ZERO):
            self._end(pending, Expired(REFUSED_AT_ENTRY, self._clock_ms(), ZERO), "EXPIRED")
            return
        self._arrive(pending)

    # Books.

    def _mates(self, taken: PaperOrder) -> list[PaperOrder]:
        name = taken.order.list_client_id
        orders = self.account.orders.values()
        return [o for o in orders if name and o is not taken and o.order.list_client_id == name]

    def _end(self, taken: PaperOrder, event: Event, status: str) -> None:
        if taken.works or taken.status == "PENDING_NEW":
            taken.status, taken.update_ms = status, self._clock_ms()
            self._tell(taken.order, taken.exchange_id, event)

    def _balance(self, asset: str) -> Balance:
        singles, lists = ZERO, dict[str, "Decimal"]()
        for open_order in self.account.orders.values():
            order = open_order.order
            rules = self._filters[order.symbol]
            quote = self._quotes(order.symbol)
            if not open_order.works or quote is None:
                continue
            if asset != (rules.base_asset if order.side == "SELL" else rules.quote_asset):
                continue
            amount = needed(order, quote, open_order.executed)
            if order.list_client_id:
                lists[order.list_client_id] = max(lists.get(order.list_client_id, ZERO), amount)
            else:
                singles = plus(singles, amount)
        locked = singles
        for amount in lists.values():
            locked = plus(locked, amount)
        return Balance(minus(self.account.totals.get(asset, ZERO), locked), locked)

    def _add(self, asset: str, amount: Decimal) -> None:
        self.account.totals[asset] = plus(self.account.totals.get(asset, ZERO), amount)

    def _next_id(self) -> int:
        self.account.last_id += 1
        return self.account.last_id

    def _tell(self, order: Order, exchange_id: int, event: Event) -> None:
        """Tell an event: in the answer where the order is asked about, else through the inbox."""
        if order.client_id in self._answering:
            self._answering[order.client_id].append(event)
        else:
            self._inbox.put(OrderSeen(order.symbol, order.client_id, exchange_id, event))

    def _answered(self, client_ids: Iterable[str]) -> dict[str, tuple[Event, ...]]:
        answers, self._answering = self._answering, {}
        return {client_id: tuple(answers.get(client_id, ())) for client_id in client_ids}


def _follow(taken: PaperOrder, last: Decimal) -> None:
    """Keep the best price since a trailing order came."""
    best = taken.best or last
    taken.best = max(best, last) if taken.order.side == "SELL" else min(best, last)


def _is_met(order: Order, quote: Quote, traded: Decimal | None) -> bool:
    """Tell whether the market has come to a resting limit order."""
    price = order.price or ZERO
    if order.side == "BUY":
        return quote.ask <= price or (traded is not None and traded < price)
    return quote.bid >= price or (traded is not None and traded > price)
