"""What a run gives back: fills, trades, equity, panels and metrics as frozen plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.market import BarFile, FloatArray, IntArray
    from bt_run.core.settings import BacktestSettings

__all__ = [
    "EquityCurve",
    "Fill",
    "OpenPosition",
    "Outcome",
    "PlacedOrder",
    "RejectedOrder",
    "RunResult",
    "Side",
    "Trade",
]

Side = Literal["long", "short"]


@dataclass(frozen=True, slots=True)
class Fill:
    """
    One execution.

    `bar` is the position in the run's bars, 0..n-1; `time_ms` that bar's open time. `size` is signed:
    > 0 bought, < 0 sold (base asset). `fee` >= 0 in quote currency. `position` is the holding after it.
    `tag` is the entry tag or exit reason: ``signal``, ``stop_loss``, ``take_profit``, ``trailing_stop``,
    or what the strategy passed as ``tag=`` to buy() or sell().
    """

    bar: int
    time_ms: int
    size: float
    price: float
    fee: float
    position: float
    tag: str = "signal"


@dataclass(frozen=True, slots=True)
class Trade:
    """
    One round trip, from flat to flat, as Backtrader counts trades (a reversal closes one and opens the next).

    `size` > 0 is the largest holding, `entry_price` and `exit_price` are averages weighted by quantity.
    `pnl` is net of `fees` (both in quote currency); `pnl_pct` is pnl in percent of the entry's cost.
    `mae_pct` <= 0 and `mfe_pct` >= 0: the worst and the best price between entry and exit bar, in
    percent of the entry price (Sweeney, "Maximum Adverse Excursion", 1996).
    """

    entry_ms: int
    exit_ms: int
    entry_bar: int
    exit_bar: int
    side: Side
    size: float
    entry_price: float
    exit_price: float
    pnl: float
    pnl_pct: float
    fees: float
    entry_tag: str
    exit_reason: str
    mae_pct: float
    mfe_pct: float

    @property
    def duration_s(self) -> float:
        """Seconds from the open of the entry bar to the open of the exit bar."""
        return (self.exit_ms - self.entry_ms) / 1000


@dataclass(frozen=True, slots=True)
class OpenPosition:
    """
    What is still held when the data ends; never turned into an invented exit.

    `pnl` marks the position to the last close and counts the fees paid so far, not those of an exit.
    """

    entry_ms: int
    entry_bar: int
    side: Side
    size: float
    entry_price: float
    last_price: float
    pnl: float
    pnl_pct: float
    fees: float
    entry_tag: str


@dataclass(frozen=True, slots=True)
class RejectedOrder:
    """An order that the broker refused: what was wanted at which bar, and why it could not be."""

    bar: int
    time_ms: int
    side: Literal["buy", "sell"]
    size: float
    price: float
    reason: str


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """
    An order as the strategy, or the protection, made it.

    `bar` is the bar at whose close it was made. `size` > 0 in base asset. `tag` is what the strategy gave it,
    or the protection: ``stop_loss``, ``take_profit``, ``trailing_stop``. `reason` is why it was refused, empty
    where it was not. `fills` are the positions of its executions among the run's fills.
    """

    bar: int
    side: Literal["buy", "sell"]
    kind: str
    size: float
    tag: str = ""
    reason: str = ""
    fills: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class EquityCurve:
    """
    The account at the close of every bar; arrays of shape (n,), quote currency (position: base asset, signed).
    """

    equity: FloatArray
    cash: FloatArray
    position: FloatArray

    def holdings(self) -> tuple[FloatArray, IntArray | None]:
        """Give what was held, and for how many bars each; None for one bar each."""
        return self.position, None

    @property
    def drawdown_pct(self) -> FloatArray:
        """Percent below the highest equity so far, in [0, 100] for an account that never goes below zero."""
        if not len(self.equity):
            return self.equity
        peak = np.maximum.accumulate(self.equity)
        fall = peak - self.equity
        fall /= peak
        fall *= 100.0
        return fall


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """
    What an engine gives back: the account at every bar, fills and refusals, the strategy's curves.

    The curve is shorter than the bars where the strategy stopped the run early. `orders` are written down
    for replays only. `fallback` says why the engine left the run to stock Backtrader before the first bar,
    a sentence without its full stop; empty where it did not.
    """

    curve: EquityCurve
    fills: tuple[Fill, ...]
    rejected: tuple[RejectedOrder, ...]
    panels: Mapping[str, FloatArray]
    overlays: Mapping[str, FloatArray]
    orders: tuple[PlacedOrder, ...] = ()
    fallback: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class RunResult:
    """
    Everything one run produced.

    `params` are the parameters that were given, `defaults` all of the strategy's with their defaults.
    `panels` are indicator curves for a panel of their own, `overlays` curves on the price, each of
    shape (n,), keyed by label. `metrics` are the numbers of `bt_run.reports.metrics`, None where undefined.
    `engine_note` says why a quicker engine than `engine` did not run, empty where that needs no word.
    """

    strategy: str
    params: Mapping[str, Any]
    data: BarFile
    settings: BacktestSettings
    engine: str
    curve: EquityCurve
    trades: tuple[Trade, ...]
    fills: tuple[Fill, ...]
    rejected: tuple[RejectedOrder, ...]
    open_position: OpenPosition | None
    panels: Mapping[str, FloatArray] = field(default_factory=dict)
    overlays: Mapping[str, FloatArray] = field(default_factory=dict)
    metrics: Mapping[str, float | int | None] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    engine_note: str = ""

    @property
    def label(self) -> str:
        """Name and changed parameters, as a legend shows them: ``rsi(period=10)``."""
        if not self.params:
            return self.strategy
        return f"{self.strategy}({', '.join(f'{name}={value}' for name, value in self.params.items())})"
