"""
Backtrader's orders, made and copied with less ado.

An order is the same object with the same attributes. Backtrader makes it by a metaclass that sets fifteen
parameters one by one, reads each of them by a failed look-up, and copies it three times by the copy protocol,
which asks it for a dozen methods that it does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ORDER_TERMS", "copy_order", "make_order"]

_DEFAULTS = dict(bt.Order.params._getitems())
ORDER_TERMS = frozenset(_DEFAULTS)
"""The parameters of an order; all else that is given with one is the user's own information."""


def make_order(kind: type[Any], terms: Mapping[str, Any]) -> Any:
    """Make an order of Backtrader's class `kind` with these parameters; the others have their defaults."""
    given = {**_DEFAULTS, **terms}
    order = object.__new__(kind)
    order.params = order.p = kind.params()
    order.p.__dict__.update(given)
    order.__dict__.update(given)  # so that reading them needs no second look-up
    order.__init__()
    return order


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
