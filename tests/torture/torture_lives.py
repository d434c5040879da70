"""The lives of an exchange that is reset: its truth in each, and what our runs did in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

from torture_conductor import Played
from torture_market import MINUTE_MS

from bt_run.journal.queries import JournalReader
from bt_run.journal.records import EquityRecord, FillRecord, OrderRecord, RunRecord

__all__ = ["Life", "after_fills", "lives_of", "told_of_strays"]


@dataclass(slots=True)
class Life:
    """
    One life of the exchange, from its start or a reset to the next: its truth, and our runs in it.

    `opening` is the cash with which its books began. `strays` are orders that a run of the life before sent
    between the reset and its own end: its journal has them, and the new books leave them and their coins alone
    (docs/how-to/what-can-go-wrong.md). They are not among `orders` and `fills`.
    """

    number: int
    state: dict[str, Any]
    is_last: bool
    opening: Decimal
    runs: list[RunRecord] = field(default_factory=list)
    orders: list[OrderRecord] = field(default_factory=list)
    fills: list[FillRecord] = field(default_factory=list)
    equity: list[EquityRecord] = field(default_factory=list)
    strays: dict[str, OrderRecord] = field(default_factory=dict)
    stray_fills: list[FillRecord] = field(default_factory=list)

    @property
    def told_orders(self) -> list[dict[str, Any]]:
        """Give the exchange's orders that these books are about."""
        return [told for told in self.state["orders"] if told["clientOrderId"] not in self.strays]

    @property
    def told_fills(self) -> list[dict[str, Any]]:
        """Give the exchange's trades that these books are about."""
        return self._fills_of(are_strays=False)

    @property
    def told_stray_fills(self) -> list[dict[str, Any]]:
        """Give the exchange's trades of strays."""
        return self._fills_of(are_strays=True)

    def _fills_of(self, *, are_strays: bool) -> list[dict[str, Any]]:
        numbers = {told["orderId"] for told in self.state["orders"] if told["clientOrderId"] in self.strays}
        return [told for told in self.state["fills"] if (told["orderId"] in numbers) == are_strays]

    def totals(self) -> dict[str, Decimal]:
        """Give what the account holds, by asset."""
        balances = self.state["balances"]
        return {asset: Decimal(told["free"]) + Decimal(told["locked"]) for asset, told in balances.items()}

    def books(self) -> tuple[Decimal, Decimal]:
        """Give the cash and the coins that the broker's books must end with."""
        if not self.strays:
            truth = self.totals()
            return truth["USDT"], truth.get("BTC", Decimal(0))
        return after_fills((self.opening, Decimal(0)), self.fills)


def after_fills(books: tuple[Decimal, Decimal], fills: Iterable[FillRecord]) -> tuple[Decimal, Decimal]:
    """Give cash and coins as trades leave them; a fee in another asset is not theirs."""
    cash, held = books
    for fill in fills:
        sign = 1 if fill.side == "BUY" else -1
        held += sign * fill.quantity - (fill.fee if fill.fee_asset == "BTC" else 0)
        cash -= sign * fill.quantity * fill.price + (fill.fee if fill.fee_asset == "USDT" else 0)
    return cash, held


def lives_of(played: Played, journal: JournalReader) -> list[Life]:
    """Put the runs into lives: one that opened new books begins the next."""
    lives: list[Life] = []
    for run in journal.runs():
        opening = journal.state(run.run).get("opening")
        if opening is not None and (not lives or lives[-1].runs):
            number = len(lives)
            if number >= len(played.states):
                raise AssertionError(f"Run {run.run} opened new books, though nothing was reset.")
            is_last = number == len(played.states) - 1
            lives.append(Life(number, played.states[number], is_last, Decimal(opening["cash"])))
        if not lives:
            continue  # killed before it had opened its books
        life = lives[-1]
        life.runs.append(run)
        life.orders += journal.orders(run=run.run)
        life.fills += journal.fills(run=run.run)
        life.equity += journal.equity(run.run)
    if len(lives) != len(played.states):
        raise AssertionError(f"{len(played.states) - 1} resets, but books were opened {len(lives)} times.")
    for (before, after), wiped_ms in zip(pairwise(lives), played.wiped_at, strict=True):
        _move_strays(before, after)
        before.equity = [row for row in before.equity if row.open_time + MINUTE_MS <= wiped_ms]
    return lives


def _move_strays(before: Life, after: Life) -> None:
    born = {told["clientOrderId"] for told in after.state["orders"]}
    born -= {told["clientOrderId"] for told in before.state["orders"]}
    after.strays = {order.client_id: order for order in before.orders if order.client_id in born}
    after.stray_fills = [fill for fill in before.fills if fill.client_id in born]
    before.orders = [order for order in before.orders if order.client_id not in born]
    before.fills = [fill for fill in before.fills if fill.client_id not in born]


def told_of_strays(life: Life) -> Iterator[str]:
    """Tell what the journal has of strays that is not so; what became of them later is not its to know."""
    told = {order["clientOrderId"]: order for order in life.state["orders"]}
    for client_id, order in life.strays.items():
        if order.exchange_id is not None and order.exchange_id != told[client_id]["orderId"]:
            yield f"stray {client_id} has number {told[client_id]['orderId']}, not {order.exchange_id}"
    theirs = {(fill["id"], Decimal(fill["qty"]), Decimal(fill["price"])) for fill in life.told_stray_fills}
    for fill in life.stray_fills:
        if (fill.trade_id, fill.quantity, fill.price) not in theirs:
            yield f"trade {fill.trade_id} of stray {fill.client_id} is not the exchange's"
