"""What a run is told: cash, costs, stake and protection, checked once at the border."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bt_run.core.errors import ConfigError
from bt_run.core.money import DEFAULT_LOT_STEP, Stake

__all__ = ["BacktestSettings", "EngineChoice", "Protection"]

EngineChoice = Literal["auto", "fast", "accelerated", "backtrader"]
"""What runs a backtest: the quickest engine that covers it, or one by name."""


@dataclass(frozen=True, slots=True)
class Protection:
    """
    Orders that close a position by themselves; each in percent of the entry price, in (0, 100), None for none.

    `trailing_stop_pct` follows the best close since the entry. A trailing stop replaces a fixed
    stop-loss; both together are refused.
    """

    stop_loss_pct: float | None = None
    take_profit_pct: float | None = None
    trailing_stop_pct: float | None = None

    def __post_init__(self) -> None:
        for name in ("stop_loss_pct", "take_profit_pct", "trailing_stop_pct"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 100:
                raise ConfigError(f"{name} is {value}; it must lie between 0 and 100 percent.")
        if self.stop_loss_pct is not None and self.trailing_stop_pct is not None:
            raise ConfigError(
                "A stop-loss and a trailing stop cannot both hold one position. Give one of them."
            )

    def __bool__(self) -> bool:
        return any((self.stop_loss_pct, self.take_profit_pct, self.trailing_stop_pct))


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    """
    One backtest's settings.

    `cash` > 0 in quote currency. `commission` and `slippage` are fractions of the traded value in
    [0, 1), charged and suffered on every fill. `lot_step` > 0 in base asset. Raises ConfigError.
    """

    cash: float = 10_000.0
    commission: float = 0.001
    slippage: float = 0.0
    stake: Stake = Stake(95.0, "percent")
    lot_step: float = DEFAULT_LOT_STEP
    protection: Protection = Protection()
    allow_short: bool = False
    engine: EngineChoice = "auto"

    def __post_init__(self) -> None:
        if not 0 < self.cash < float("inf"):
            raise ConfigError(f"Cash is {self.cash}; a backtest needs more than nothing to start with.")
        for name in ("commission", "slippage"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; it is a fraction of the traded value, from 0 up to 1."
                )
        if not 0 < self.lot_step < float("inf"):
            raise ConfigError(f"The lot step is {self.lot_step}; it must be above zero.")
