"""What the signal desk is told, checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError
from bt_run.core.interval import BINANCE_INTERVALS, Interval

if TYPE_CHECKING:
    from bt_run.core.venue import Market, Venue
    from strategies.loader import LoadedStrategy

__all__ = ["WatchPlan"]


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """
    One watch: `symbols` of a `market` of a `venue` under one `strategy`.

    `invest` > 0 in quote asset is what an entry costs, fees included; `fee` in [0, 0.1) of the traded value.
    `history` >= 0 closed bars come first. `duration_s` > 0 ends it. With `holds_clock` the venue is a practice
    exchange of our own, whose clock is held at each bar. Raises ConfigError.
    """

    strategy: LoadedStrategy
    venue: Venue
    symbols: tuple[str, ...]
    interval: Interval
    invest: Decimal
    market: Market = "spot"
    fee: Decimal = Decimal("0.001")
    history: int = 5000
    allow_short: bool = False
    duration_s: float | None = None
    holds_clock: bool = False
    note: str = ""

    @property
    def wants_flow(self) -> bool:
        """Whether trades and liquidations are listened to; spot has no liquidations."""
        return self.market == "futures" and bool(getattr(self.strategy.cls, "uses_order_flow", False))

    def __post_init__(self) -> None:
        if not self.symbols or len(set(self.symbols)) < len(self.symbols):
            raise ConfigError("Name at least one pair, each of them once, such as --symbol BTCUSDT.")
        if str(self.interval) not in BINANCE_INTERVALS:
            raise ConfigError(f"Binance has no bars of {self.interval}; it has {' '.join(BINANCE_INTERVALS)}.")
        if self.market == "futures" and str(self.interval) == "1s":
            raise ConfigError("The futures market has no bars of 1s. The shortest are those of 1m.")
        if not (self.invest.is_finite() and self.invest > 0):
            raise ConfigError(f"{self.invest} is nothing to invest. Give an amount of quote asset above 0.")
        if not 0 <= self.fee < Decimal("0.1"):
            raise ConfigError(f"A fee of {self.fee} cannot be; give 0 to 0.1, such as 0.001 or 0.1%.")
        if self.history < 0:
            raise ConfigError(f"The history is {self.history} bars; give 0 or more.")
        if self.duration_s is not None and not self.duration_s > 0:
            raise ConfigError("The duration must be above zero.")
