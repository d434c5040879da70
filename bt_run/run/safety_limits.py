"""The limits of a live run as settings, and the facts about them that a restart must not forget."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from brokers.amounts import ratio, text_of, times
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

__all__ = ["STATE_KEY", "LossLimit", "SafetyFacts", "SafetyLimits"]

STATE_KEY = "safety"
"""Under this key the facts lie in the journal's table ``state``."""

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class LossLimit:
    """A loss in quote asset, or in percent of the equity at the day's start."""

    amount: Decimal
    is_percent: bool = False

    @classmethod
    def parse(cls, text: str) -> LossLimit:
        """Read ``250``, ``250USDT`` or ``5%``. Raises ConfigError."""
        match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(%|[A-Za-z]{2,10})?\s*", text)
        if match is None or not Decimal(match[1]) > 0:
            raise ConfigError(
                f"{text!r} is no loss. Write 250 (quote asset) or 5% (of the day's first equity)."
            )
        return cls(Decimal(match[1]), match[2] == "%")

    def of(self, equity: Decimal) -> Decimal:
        """Give the loss in quote asset, where the day began with `equity`."""
        return ratio(times(equity, self.amount), _HUNDRED) if self.is_percent else self.amount

    def __str__(self) -> str:
        return f"{text_of(self.amount)}{' %' if self.is_percent else ''}"


@dataclass(frozen=True, slots=True)
class SafetyLimits:
    """
    What stops entries; None switches a limit off. Exits and protective orders are never stopped.

    Out of the box three limits hold, which no sound run meets: 20 entries a minute, 60 seconds without data,
    a price 5 percent above the market. What may be lost and how much may be held is for the user to say.

    - `max_order`: the worth of one entry, quote asset.
    - `max_position`: all that the run holds and that its open purchases may cost, after the entry, quote asset,
      of all symbols together.
    - `max_orders_per_minute`: entries in any 60 seconds.
    - `max_daily_loss`: from the first equity of the day (UTC). Holds until the next day or `resume`.
    - `max_drawdown_pct`: percent below the highest equity of the run. Holds until `resume`.
    - `cooldown_s`: seconds without entries in a symbol after a stop-loss of it.
    - `stale_after_s`: seconds since anything was heard of the symbol.
    - `max_price_deviation_pct`: percent by which a limit price may be above the last trade, and the best ask
      above the price at which a market order was decided on. A price below the market loses nothing.

    Raises ConfigError for limits that are not above 0.
    """

    max_order: Decimal | None = None
    max_position: Decimal | None = None
    max_orders_per_minute: int | None = 20
    max_daily_loss: LossLimit | None = None
    max_drawdown_pct: Decimal | None = None
    cooldown_s: float | None = None
    stale_after_s: float | None = 60.0
    max_price_deviation_pct: Decimal | None = Decimal(5)

    def __post_init__(self) -> None:
        for name in (item.name for item in fields(self)):
            value = getattr(self, name)
            amount = value.amount if isinstance(value, LossLimit) else value
            if amount is not None and not amount > 0:
                raise ConfigError(f"{name} is {amount}; a limit is above 0, and None or off for none.")
        for name in ("max_drawdown_pct", "max_daily_loss"):
            value = getattr(self, name)
            is_percent = not isinstance(value, LossLimit) or value.is_percent
            amount = value.amount if isinstance(value, LossLimit) else value
            if amount is not None and is_percent and amount >= _HUNDRED:
                raise ConfigError(f"{name} is {amount} percent; all would be lost before it is reached.")

    def for_replay(self) -> SafetyLimits:
        """Leave out what only real time can judge: on an exchange that replays, an hour lasts a moment."""
        return replace(self, max_orders_per_minute=None, stale_after_s=None)


@dataclass(frozen=True, slots=True)
class SafetyFacts:
    """
    What must outlive the process.

    `paused` is why no entry is allowed, empty where it is. `day` counts days since 1970 UTC, `day_start` is its
    first equity, `day_lost` says that the daily limit was reached. `peak` is the highest equity, `drawn_down`
    that the drawdown was reached. `cooldown_until` are times in ms by symbol. Equity is in quote asset.
    """

    paused: str = ""
    day: int | None = None
    day_start: Decimal | None = None
    day_lost: bool = False
    peak: Decimal | None = None
    drawn_down: bool = False
    cooldown_until: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Self:
        """Read them from the journal's facts of a run; what is not there is as at the first start."""
        told = state.get(STATE_KEY) or {}

        def amount(name: str) -> Decimal | None:
            return None if told.get(name) is None else Decimal(told[name])

        return cls(
            paused=str(told.get("paused") or ""),
            day=told.get("day"),
            day_start=amount("day_start"),
            day_lost=bool(told.get("day_lost")),
            peak=amount("peak"),
            drawn_down=bool(told.get("drawn_down")),
            cooldown_until=MappingProxyType(dict(told.get("cooldown_until") or {})),
        )

    def document(self) -> dict[str, Any]:
        """Give them as JSON can hold them, for `Journal.write_state` under `STATE_KEY`."""
        return {
            "paused": self.paused,
            "day": self.day,
            "day_start": None if self.day_start is None else text_of(self.day_start),
            "day_lost": self.day_lost,
            "peak": None if self.peak is None else text_of(self.peak),
            "drawn_down": self.drawn_down,
            "cooldown_until": dict(self.cooldown_until),
        }

    def resumed(self) -> SafetyFacts:
        """Forget all that stops entries; losses count from the next equity on."""
        return SafetyFacts()
