"""
Backtrader's orders, made and copied with less ado.

An order is the same object with the same attributes. Backtrader makes it by a metaclass that sets fifteen
parameters one by one, reads each of them by a failed look-up, and copies it three times by the copy protocol,
which asks it for a dozen methods that it does not have.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import backtrader as bt
from backtrader.order import OrderData
from backtrader.utils import AutoOrderedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ORDER_TERMS", "copy_order", "make_live_order", "make_order"]

_DEFAULTS = dict(bt.Order.params._getitems())
ORDER_TERMS = frozenset(_DEFAULTS)
"""The parameters of an order; all else that is given with one is the user's own information."""


def make_order(kind: type[Any], terms: Mapping[str, Any]) -> Any:
    """Make an order of Backtrader's class `kind` with these parameters; the others have their defaults."""
    given = {**_DEFAULTS, **terms}
    order = object.__new__(kind)
    order.params = order.p = object.__new__(kind.params)
    order.p.__dict__.update(given)
    order.__dict__.update(given)  # so that reading them needs no second look-up
    order.__init__()
    return order


def make_live_order(side: str, terms: Mapping[str, Any]) -> Any:
    """Make an order for an exchange: at market with fewer steps, for it leaves at once; all others as ever."""
    if terms.get("exectype") in (None, bt.Order.Market) and terms.get("valid") is None:
        return make_order(_BuyAtMarket if side == "BUY" else _SellAtMarket, terms)
    return make_order(bt.BuyOrder if side == "BUY" else bt.SellOrder, terms)


def copy_order(order: Any) -> Any:
    """Do what `Order.clone` does: a copy as it is now, which knows its last executions."""
    order.executed.markpending()
    copied = _copy(order)
    copied.executed = _copy(order.executed)
    return copied


def _copy(thing: Any) -> Any:
    copied = object.__new__(type(thing))
    copied.__dict__.update(thing.__dict__)
    return copied


def _begin_at_market(order: Any) -> None:
    """Do what Backtrader's constructor does for an order at market that never expires, but for `dteos`."""
    order.ref = next(bt.Order.refbasis)
    order.broker = order.comminfo = None
    order.info = AutoOrderedDict()
    order.triggered = False
    order._active = order.parent is None
    order.status = bt.Order.Created
    order.exectype = bt.Order.Market
    order.plimit = limit = order.pricelimit
    if not order.isbuy():
        order.size = -order.size
    close = order.data.close[0]
    order.created = OrderData(
        dt=order.data.datetime[0],
        size=order.size,
        price=order.price if order.price or limit else close,
        pricelimit=limit,
        pclose=close,
        trailamount=order.trailamount,
        trailpercent=order.trailpercent,
    )
    order._limitoffset = 0.0
    order.executed = OrderData(remsize=order.size)
    order.position = 0


def _end_of_session(order: Any) -> float:
    """Give the end of the session in which an order was made, as Backtrader's day number."""
    made = order.data.num2date(order.created.dt)
    at = order.data.p.sessionend
    end = made.replace(hour=at.hour, minute=at.minute, second=at.second, microsecond=at.microsecond)
    return float(order.data.date2num(end if end >= made else end + timedelta(days=1)))


class _BuyAtMarket(bt.BuyOrder):  # type: ignore[misc]  # backtrader ships no types
    """A purchase; `dteos`, for which no exchange asks, is reckoned where somebody does: dates take long."""

    __init__ = _begin_at_market
    dteos = cached_property(_end_of_session)


class _SellAtMarket(bt.SellOrder):  # type: ignore[misc]  # backtrader ships no types
    """A sale; see `_BuyAtMarket`."""

    __init__ = _begin_at_market
    dteos = cached_property(_end_of_session)
