"""What an order list may be made of. Pure. Source: rest-api.md of binance-spot-api-docs, read 2026-07-21."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.practice.orders import ListTicket, Ticket

__all__ = ["check_pair", "check_prices", "check_shape"]

_PROFIT = frozenset(("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))
_STOP = frozenset(("STOP_LOSS", "STOP_LOSS_LIMIT"))


def check_shape(ticket: ListTicket) -> None:
    """
    Check the orders of a list against each other.

    Raises:
        Refusal: -1013, orders that make no list.
    """
    pair = ticket.kind in ("OCO", "OTOCO")
    whole = len(ticket.legs) == (2 if pair else 1) and (ticket.working is None) == (ticket.kind == "OCO")
    orders = (*((ticket.working,) if ticket.working else ()), *ticket.legs)
    if not whole or len({order.symbol for order in orders}) != 1:
        raise Refusal(-1013, "Unsupported order combination")
    if ticket.working is not None and ticket.working.type not in ("LIMIT", "LIMIT_MAKER"):
        raise Refusal(-1013, "Unsupported order combination")
    if pair:
        check_pair(*ticket.legs)
    elif ticket.legs[0].quantity is None:
        raise Refusal(-1013, "Unsupported order combination")


def check_pair(above: Ticket, below: Ticket) -> None:
    """
    Check that one leg of an OCO takes profit and that the other is a stop on the far side of the market.

    Which of Binance's codes -1158 to -1199 a client gets is the parsing's; here it is one.
    """
    upper, lower = (_PROFIT, _STOP) if above.side == "SELL" else (_STOP, _PROFIT)
    fits = above.type in upper and below.type in lower and above.side == below.side
    if not fits or above.quantity is None or above.quantity != below.quantity:
        raise Refusal(-1013, "Unsupported order combination")


def check_prices(above: Ticket, below: Ticket, last: Decimal) -> None:
    """
    Check that the last price lies between the two legs.

    A leg stands at its stop price, or at its limit where it has none; one that only trails stands nowhere.
    Raises Refusal -2010.
    """
    upper, lower = _level(above), _level(below)
    if (upper is not None and upper <= last) or (lower is not None and lower >= last):
        raise Refusal(-2010, "The relationship of the prices for the orders is not correct.")


def _level(ticket: Ticket) -> Decimal | None:
    return ticket.price if ticket.type == "LIMIT_MAKER" else ticket.stop_price
