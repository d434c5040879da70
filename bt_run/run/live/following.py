"""
Orders that a power failure took from the journal, though the exchange has them.

A request does not wait for the disk, but no other leaves before its intents are there
(`Journal.write_intents`). So what can be missing is one request, and its orders have the ids that follow the
last one in the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from brokers.client_ids import ClientId
    from brokers.gateway import Gateway
    from brokers.reconciling.views import ExchangeOrder

__all__ = ["MOST_IDS", "find_following"]

MOST_IDS = 4
"""Ids of one request: a list's own, and those of its three orders."""


def find_following(
    last: Iterable[ClientId], gateway: Gateway, symbols: Sequence[str]
) -> tuple[ExchangeOrder, ...]:
    """
    Ask for the orders that follow the last known one of each run, until `MOST_IDS` ids in a row are not known.

    Raises:
        ExchangeError: a question was not answered.
    """
    found: list[ExchangeOrder] = []
    for client_id in last:
        unknown = 0
        while unknown < MOST_IDS:
            client_id = client_id.next()  # noqa: PLW2901  # it is walked along
            told = _ask(str(client_id), gateway, symbols)
            unknown = unknown + 1 if told is None else 0
            found += [] if told is None else [told]
    return tuple(found)


def _ask(client_id: str, gateway: Gateway, symbols: Sequence[str]) -> ExchangeOrder | None:
    """Ask for an order of which nobody knows the symbol."""
    answers = (gateway.query(symbol, client_id) for symbol in symbols)
    return next((told for told in answers if told is not None), None)
