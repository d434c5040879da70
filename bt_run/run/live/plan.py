"""What a live run is told, checked once before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bt_run.core.errors import ConfigError
from bt_run.core.interval import BINANCE_INTERVALS, Interval
from bt_run.core.money import Stake
from bt_run.core.settings import Protection
from bt_run.run.safety_limits import SafetyLimits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal
    from pathlib import Path

    from bt_run.core.venue import Venue
    from strategies.loader import LoadedStrategy

__all__ = ["REPLAY", "DataOrigin", "LivePlan", "Mode", "OnStop"]

REPLAY = "replay"
"""The setting in the journal that names the data of a run whose exchange ends with it; None for all others."""

Mode = Literal["live", "paper", "signals"]
"""Where orders go: to the venue, to our own simulated fills, or nowhere."""

OnStop = Literal["keep", "cancel", "close"]
"""What becomes of open orders at the end; `keep` keeps those that protect, and cancels entries."""

_LONGEST_NAME = 32  # the journal's column


@dataclass(frozen=True, slots=True)
class DataOrigin:
    """What a practice exchange of our own replays: the name of the data as it was given, and warnings."""

    name: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LivePlan:
    """
    One live run's settings.

    `symbols` >= 1, as the exchange writes them; each has a feed. With several symbols each gets a strategy of
    its own unless `one_strategy`. `cash` in quote asset is what the run may use, None for all that is free.
    `history` closed bars come first. `duration_s` > 0 ends the run. `journal` is a file's name or a URL; None
    keeps none. `missed_exits` makes up for exits that were signalled on bars which came too late to trade on.
    `adopt` names (quantity, price) of holdings by symbol that the run takes over. `fresh` begins with new
    books, whatever the journal has. `notes` say by symbol what its prices are, such as ``synthetic data``.
    `origin` tells what is replayed by a practice exchange that was started for this run alone.

    Raises ConfigError.
    """

    strategy: LoadedStrategy
    venue: Venue
    symbols: tuple[str, ...] = ("BTCUSDT",)
    interval: Interval = Interval(1, "m")
    mode: Mode = "live"
    one_strategy: bool = False
    stake: Stake = Stake(95.0, "percent")
    protection: Protection = Protection()
    cash: Decimal | None = None
    history: int = 5000
    intrabar: bool = False
    duration_s: float | None = None
    journal: str | Path | None = None
    limits: SafetyLimits = SafetyLimits()
    on_stop: OnStop = "keep"
    missed_exits: bool = True
    adopt: dict[str, tuple[Decimal, Decimal | None]] = field(default_factory=dict)
    fresh: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    origin: DataOrigin | None = None

    def __post_init__(self) -> None:
        if not self.symbols or len(set(self.symbols)) < len(self.symbols):
            raise ConfigError("A live run needs at least one symbol, each of them once.")
        if str(self.interval) not in BINANCE_INTERVALS:
            raise ConfigError(f"Binance has no bars of {self.interval}; it has {' '.join(BINANCE_INTERVALS)}.")
        if self.history < 0:
            raise ConfigError(f"The history is {self.history} bars; give 0 or more.")
        if self.cash is not None and not self.cash > 0:
            raise ConfigError(f"Cash is {self.cash}; a run needs more than nothing to buy with.")
        if self.duration_s is not None and not self.duration_s > 0:
            raise ConfigError("The duration must be above zero.")
        for symbol in self.symbols:
            self.stake.check_symbol(symbol)
        strangers = set(self.adopt) - set(self.symbols)
        if strangers:
            raise ConfigError(f"{', '.join(sorted(strangers))} cannot be adopted: the run does not trade it.")

    @property
    def symbol_key(self) -> str:
        """Give the name that a run of these symbols has in the journal: ``BTCUSDT`` or ``BTCUSDT+1``."""
        joined = "+".join(self.symbols)
        return joined if len(joined) <= _LONGEST_NAME else f"{self.symbols[0]}+{len(self.symbols) - 1}"

    @property
    def is_embedded(self) -> bool:
        """Whether the exchange lives and dies with the run."""
        return self.origin is not None

    @property
    def is_practice(self) -> bool:
        """Whether the exchange is our own, whose clock can be held."""
        return self.venue.name == "practice"

    def document(self) -> dict[str, Any]:
        """Give the settings as the journal keeps them."""
        guard = self.protection
        return {
            "symbols": list(self.symbols),
            "stake": str(self.stake),
            "stop_loss_pct": guard.stop_loss_pct,
            "take_profit_pct": guard.take_profit_pct,
            "trailing_stop_pct": guard.trailing_stop_pct,
            "cash": None if self.cash is None else f"{self.cash:f}",
            "history": self.history,
            "intrabar": self.intrabar,
            "one_strategy": self.one_strategy,
            "on_stop": self.on_stop,
            "missed_exits": self.missed_exits,
            REPLAY: None if self.origin is None else self.origin.name,
            "limits": {
                name: None if (value := getattr(self.limits, name)) is None else str(value)
                for name in self.limits.__slots__
            },
        }
