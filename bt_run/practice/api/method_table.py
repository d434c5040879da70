"""All methods: what REST finds by verb and path, and the WebSocket API by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.practice.api import (
    account_calls,
    futures_calls,
    general_calls,
    list_calls,
    market_calls,
    order_calls,
)

if TYPE_CHECKING:
    from bt_run.practice.api.methods import Method

__all__ = ["BY_NAME", "BY_PATH", "METHODS", "by_name"]

METHODS: tuple[Method, ...] = (
    *general_calls.METHODS,
    *market_calls.METHODS,
    *order_calls.METHODS,
    *list_calls.METHODS,
    *account_calls.METHODS,
    *futures_calls.METHODS,
)

BY_NAME = {method.name: method for method in METHODS if method.name}
"""By the WebSocket API's name."""

BY_PATH: dict[tuple[str, str], Method] = {(method.verb, method.path): method for method in METHODS}
"""By verb and path of REST."""


def by_name(name: str) -> Method | None:
    """Find a method by the WebSocket API's name; None where there is none."""
    return BY_NAME.get(name)
