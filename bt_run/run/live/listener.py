"""Whoever wants to hear of a live run as it happens, and must not keep it waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from brokers.holdings import Ledger
    from brokers.order_events import Event, Filled
    from brokers.orders import Order
    from bt_run.journal.database import Place
    from bt_run.journal.records import RunRecord
    from bt_run.run.live.log import BarSeen
    from bt_run.run.live.plan import LivePlan
    from bt_run.run.live.status import LiveSnapshot
    from bt_run.run.safety_rules import Breach

__all__ = ["RunBeginning", "RunListener"]


@dataclass(frozen=True, slots=True)
class RunBeginning:
    """A run that begins: its journal, its record, its settings; `is_restart` where it goes on from another."""

    journal: Place
    record: RunRecord
    plan: LivePlan
    is_restart: bool


class RunListener:
    """
    Hears of a run, and does nothing; others override what they want to hear.

    All is called in the thread that trades, between a bar and its orders too: a listener takes what it is given
    into a queue and returns.
    """

    def began(self, beginning: RunBeginning) -> None:
        """Take that a run begins, before it asks the exchange. What this raises ends the run."""

    def reconciled(self, sentence: str, time_ms: int) -> None:
        """Take what the comparison of journal and exchange found."""

    def bar(self, bar: BarSeen, value: Decimal) -> None:
        """Take a closed bar, and the account's value at its close, quote asset."""

    def signalled(self, bar: BarSeen, words: str, values: Mapping[str, float]) -> None:
        """Take that the strategy wants something which it did not want at the bar before."""

    def order_changed(self, order: Order, event: Event) -> None:
        """Take what happened to an order."""

    def filled(self, order: Order, fill: Filled, fee: Decimal, ledger: Ledger) -> None:
        """Take a trade that was booked; `fee` in quote asset."""

    def refused(self, symbol: str, wish: str, reason: str, time_ms: int, *, is_standing: bool) -> None:
        """Take that an order never left; `is_standing`: a limit or a pause stops every entry now."""

    def breached(self, breach: Breach, time_ms: int) -> None:
        """Take that a limit stops entries."""

    def turned(self) -> None:
        """Take that a turn has ended: what led to the orders of a bar is told by now."""

    def show(self, snapshot: LiveSnapshot) -> None:
        """Take the state; about twice a second."""

    def failed(self, error: BaseException, *, limit_s: float) -> None:
        """Take that the run ended with an error; this may take so long."""

    def ended(self, reason: str, *, limit_s: float) -> None:
        """Take that the run ended; this may take so long."""
