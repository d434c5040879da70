"""What parity compares: two sides of one run, and the words in which their differences are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars, FloatArray
    from bt_run.core.money import Stake
    from strategies.base import BoolArray

__all__ = ["LOUD", "Cause", "Difference", "Role", "Scene", "Side", "SideOrder", "Subject", "Trip"]

Subject = Literal["bar", "signal", "value", "order", "fill", "size", "fee", "books"]
Role = Literal["signal", "stop_loss", "take_profit", "trailing_stop", "manual"]


class Cause(StrEnum):
    """Why live and backtest differ; in the order in which a report lists them."""

    FILL_PRICE = "fill price"
    PARTIAL_FILL = "partial fill"
    LATENCY = "latency"
    WARM_UP = "warm-up"
    REJECTED = "rejected"
    ROUNDING = "rounding"
    FEE = "fee"
    PROTECTION = "protection"
    MISSED_BAR = "missed bar"
    DATA = "data"
    KNOCK_ON = "knock-on"
    FOREIGN = "foreign"
    SIGNAL = "signal"
    UNEXPLAINED = "unexplained"


LOUD = frozenset({Cause.SIGNAL, Cause.UNEXPLAINED})
"""Causes that must not be: the same class on the same bars decided otherwise, or nobody knows."""


@dataclass(frozen=True, slots=True)
class SideOrder:
    """
    One order as one side knows it.

    `bar` is the position of the bar at whose close it was made, -1 before the first. `role` is ``signal`` for
    what the strategy ordered, ``manual`` for what it did not. `wanted` and `quantity` (executed) are >= 0 in
    base asset; `price` is the average paid, NaN without an execution. `fee` is in quote asset, `base_fee` in
    base asset, `other_fees` by other assets. `first_bar` and `last_bar` are those of its executions, -1
    without. `refusal` is why it was not accepted, empty where it was; `state` a word for the reader.
    """

    name: str
    bar: int
    side: Literal["buy", "sell"]
    kind: str
    role: Role
    wanted: float
    quantity: float = 0.0
    price: float = float("nan")
    fee: float = 0.0
    base_fee: float = 0.0
    other_fees: Mapping[str, float] = field(default_factory=dict)
    first_bar: int = -1
    last_bar: int = -1
    refusal: str = ""
    state: str = ""

    @property
    def sign(self) -> int:
        """Which way the base asset goes: +1 bought, -1 sold."""
        return 1 if self.side == "buy" else -1

    @property
    def size(self) -> float:
        """What was executed, signed."""
        return self.sign * self.quantity

    @property
    def change(self) -> float:
        """How the holding changed: what was executed, less a fee in base asset."""
        return self.size - self.base_fee

    @property
    def is_protective(self) -> bool:
        """Whether it closes a position by itself."""
        return self.role in ("stop_loss", "take_profit", "trailing_stop")


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """
    What one side did.

    `equity` and `position` are the account at the close of each bar, counted from the orders' executions;
    arrays of shape (n,), quote and base asset. `decisions` are the signals by bar, `values` the indicators by
    bar and name; a bar that is missing there is not known. None in `values` is NaN.
    """

    orders: tuple[SideOrder, ...]
    equity: FloatArray
    position: FloatArray
    decisions: Mapping[int, frozenset[str]] = field(default_factory=dict)
    values: Mapping[int, Mapping[str, float | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """
    What both sides share.

    `tradable` of shape (n,). `lot_step` in base asset, `tick` in quote asset (0 where not known), `rate` the
    commission of the backtest as a fraction. `stake` sizes entries, None where the strategy says how much.
    `restarts` are the first bars that a later run of the story saw live, in order. `writes_signals` is whether
    the strategy is one whose signals are computed apart from its orders. `shared_equity` of shape (n,), NaN
    where not known, is what the account of a live run of several symbols was worth, of which its stakes are a
    share; None where it traded this symbol alone.
    """

    bars: Bars
    interval: Interval
    tradable: BoolArray
    lot_step: float
    tick: float
    rate: float
    stake: Stake | None
    restarts: tuple[int, ...] = ()
    writes_signals: bool = True
    shared_equity: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """
    One difference: where, what live did, what the backtest did, why, and what it cost.

    `amount` is how much more (> 0) or less money the live run ended with because of it, in quote asset. `bar`
    is the bar of the decision; `trip` the number of the round trip, -1 where it belongs to none.
    """

    bar: int
    open_time: int
    cause: Cause
    subject: Subject
    live: str
    backtest: str
    note: str = ""
    amount: float = 0.0
    trip: int = -1


@dataclass(frozen=True, slots=True)
class Trip:
    """
    A round trip as both sides made it, from both flat to both flat.

    Prices are averages, NaN where a side did not trade; profits are net of fees, marked to the last close while
    it is open. `difference` is the sum of its differences' amounts.
    """

    number: int
    bar: int
    open_time: int
    is_open: bool
    live_entry: float
    live_exit: float
    backtest_entry: float
    backtest_exit: float
    live_profit: float
    backtest_profit: float
    difference: float = 0.0
    causes: tuple[Cause, ...] = ()

    @property
    def is_matched(self) -> bool:
        """Whether both sides entered, and both left or both still hold."""
        return _known(self.live_entry, self.backtest_entry) and (
            self.is_open or _known(self.live_exit, self.backtest_exit)
        )

    @property
    def by_live(self) -> bool:
        """Whether live traded in it."""
        return _known(self.live_entry)

    @property
    def by_backtest(self) -> bool:
        """Whether the backtest traded in it."""
        return _known(self.backtest_entry)


def _known(*prices: float) -> bool:
    return all(price == price for price in prices)  # noqa: PLR0124  # NaN
