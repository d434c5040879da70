"""
The filters of a symbol: which order may be placed at all. Pure; nothing here knows the account.

Every broken filter is a Refusal -1013 ``Filter failure: NAME``. A limit of 0 is off. Source: filters.md and
errors.md of binance-spot-api-docs (read 2026-11-21).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from bt_run.practice.refusal import Refusal
from bt_run.practice.trading.triggers import STOPS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bt_run.practice.orders import Ticket
    from bt_run.practice.rules import SymbolRules

__all__ = [
    "Counts",
    "broken",
    "check_counts",
    "check_notional",
    "check_position",
    "check_quantity",
    "check_ticket",
]

_ZERO = Decimal(0)


def broken(name: str) -> Refusal:
    """Make the refusal of a filter."""
    return Refusal(-1013, f"Filter failure: {name}")


@dataclass(frozen=True, slots=True)
class Counts:
    """How many open orders, algo orders among them, and open lists a symbol has."""

    orders: int
    algo: int
    lists: int


def check_ticket(rules: SymbolRules, ticket: Ticket, average: Callable[[], Decimal]) -> None:
    """
    Check one order by itself.

    `average` gives the price that orders without one are measured by. Raises Refusal -1013.
    """
    for price in (ticket.price, ticket.stop_price):
        if price is not None:
            _price_filter(rules, price)
    if ticket.price is not None:
        _percent_price(rules, ticket, ticket.price, average)
    if ticket.quantity is not None:
        check_quantity(rules, ticket.quantity, is_market=ticket.type == "MARKET")
        _iceberg(rules, ticket, ticket.quantity)
    _trailing_delta(rules, ticket)
    check_notional(rules, ticket, ticket.quantity, average)


def check_quantity(rules: SymbolRules, quantity: Decimal, *, is_market: bool = False) -> None:
    """Check LOT_SIZE, and MARKET_LOT_SIZE of a market order."""
    if not _fits(quantity, rules.min_quantity, rules.max_quantity, rules.step_size):
        raise broken("LOT_SIZE")
    limits = (rules.market_min_quantity, rules.market_max_quantity, rules.market_step_size)
    if is_market and not _fits(quantity, *limits):
        raise broken("MARKET_LOT_SIZE")


def check_notional(
    rules: SymbolRules, ticket: Ticket, quantity: Decimal | None, average: Callable[[], Decimal]
) -> None:
    """
    Check NOTIONAL for an order of this quantity, or of the ticket's quote quantity.

    A market order is worth the average price; a stop order without a limit its stop price, or the average
    price where it trails without one (Binance does not say).
    """
    is_market = ticket.type == "MARKET"
    if quantity is None:
        worth = ticket.quote_quantity or _ZERO
    else:
        price = ticket.price if ticket.price is not None else ticket.stop_price
        worth = quantity * (average() if price is None else price)
    if worth < rules.min_notional and (rules.apply_min_to_market or not is_market):
        raise broken("NOTIONAL")
    applies = rules.max_notional > 0 and (rules.apply_max_to_market or not is_market)
    if applies and worth > rules.max_notional:
        raise broken("NOTIONAL")


def check_counts(rules: SymbolRules, tickets: Sequence[Ticket], now: Counts, *, is_list: bool) -> None:
    """Check that these orders, or the list that they make, do not become too many with what is open."""
    lasting = sum(ticket.type != "MARKET" for ticket in tickets)
    algo = sum(ticket.type in STOPS for ticket in tickets)
    if _too_many(now.orders, lasting, rules.max_orders):
        raise broken("MAX_NUM_ORDERS")
    if _too_many(now.algo, algo, rules.max_algo_orders):
        raise broken("MAX_NUM_ALGO_ORDERS")
    if is_list and _too_many(now.lists, 1, rules.max_order_lists):
        raise broken("MAX_NUM_ORDER_LISTS")


def check_position(rules: SymbolRules, held: Decimal, bought: Decimal) -> None:
    """Check MAX_POSITION: what is held and on order of the base asset, and what is bought in addition."""
    if rules.max_position and bought and held + bought > rules.max_position:
        raise broken("MAX_POSITION")


def _too_many(now: int, more: int, most: int) -> bool:
    return bool(most and more) and now + more > most


def _fits(amount: Decimal, least: Decimal, most: Decimal, step: Decimal) -> bool:
    return amount >= least and not (most and amount > most) and not (step and amount % step)


def _price_filter(rules: SymbolRules, price: Decimal) -> None:
    if not _fits(price, rules.min_price, rules.max_price, rules.tick_size):
        raise broken("PRICE_FILTER")


def _percent_price(rules: SymbolRules, ticket: Ticket, price: Decimal, average: Callable[[], Decimal]) -> None:
    if ticket.side == "BUY":
        up, down = rules.bid_multiplier_up, rules.bid_multiplier_down
    else:
        up, down = rules.ask_multiplier_up, rules.ask_multiplier_down
    base = average()
    if (up and price > base * up) or price < base * down:
        raise broken("PERCENT_PRICE_BY_SIDE")


def _iceberg(rules: SymbolRules, ticket: Ticket, quantity: Decimal) -> None:
    visible = ticket.iceberg_quantity
    if not visible:
        return
    if visible > quantity:
        raise Refusal(-1013, "IcebergQty exceeds QTY.")
    check_quantity(rules, visible)
    parts = (quantity / visible).to_integral_value(ROUND_CEILING)
    if rules.iceberg_parts and parts > rules.iceberg_parts:
        raise broken("ICEBERG_PARTS")


def _trailing_delta(rules: SymbolRules, ticket: Ticket) -> None:
    delta = ticket.trailing_delta
    if delta is None:
        return
    most = rules.max_trailing_delta
    if delta < rules.min_trailing_delta or (most and delta > most):
        raise broken("TRAILING_DELTA")
