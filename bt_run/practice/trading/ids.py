"""The numbers and ids that the exchange gives out."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

__all__ = ["FIRST_TRADE", "Counters"]

FIRST_TRADE = 1_000_000_000
"""The id of an account's first trade on a symbol; the trades of the replay have the low ids."""


@dataclass(slots=True)
class Counters:
    """
    The last number given out of each kind; 0 where none was.

    `place` counts arrivals on the book (time priority), `made` the client ids that the exchange made up.
    `trades` holds the next trade id by symbol.
    """

    order: int = 0
    order_list: int = 0
    execution: int = 0
    place: int = 0
    made: int = 0
    trades: dict[str, int] = field(default_factory=dict)

    def next_order(self) -> int:
        """Give an order id, from 1, unique over all symbols."""
        self.order += 1
        return self.order

    def next_list(self) -> int:
        """Give an order list id, from 1."""
        self.order_list += 1
        return self.order_list

    def next_execution(self) -> int:
        """Give the id of an execution report; it rises over all symbols and a wipe."""
        self.execution += 1
        return self.execution

    def next_place(self) -> int:
        """Give a place in the queue of the book."""
        self.place += 1
        return self.place

    def next_trade(self, symbol: str) -> int:
        """Give a trade id, from `FIRST_TRADE`, unique per symbol."""
        found = self.trades.get(symbol, FIRST_TRADE)
        self.trades[symbol] = found + 1
        return found

    def client_id(self) -> str:
        """Make up a client id of 22 characters, as Binance does where a client sends none."""
        self.made += 1
        return sha256(f"practice {self.made}".encode()).hexdigest()[:22]

    def restart(self) -> None:
        """Start orders, lists and trades again, as the testnet does after its reset."""
        self.order = self.order_list = 0
        self.trades = {}
