"""What a search is after: the metrics to make better, and what a result must keep to be taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bt_run.core.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BETTER", "Constraint", "Goal", "metric_name"]

BETTER: dict[str, Literal[1, -1]] = {
    "equity_final": 1,
    "equity_peak": 1,
    "return_pct": 1,
    "return_ann_pct": 1,
    "cagr_pct": 1,
    "volatility_ann_pct": -1,
    "sharpe": 1,
    "sortino": 1,
    "calmar": 1,
    "alpha_pct": 1,
    "beta": -1,
    "max_drawdown_pct": -1,
    "avg_drawdown_pct": -1,
    "max_drawdown_duration_s": -1,
    "avg_drawdown_duration_s": -1,
    "exposure_pct": -1,
    "trades": 1,
    "win_rate_pct": 1,
    "best_trade_pct": 1,
    "worst_trade_pct": 1,
    "avg_trade_pct": 1,
    "avg_trade_duration_s": -1,
    "max_trade_duration_s": -1,
    "profit_factor": 1,
    "expectancy_pct": 1,
    "sqn": 1,
    "kelly": 1,
    "fees_paid": -1,
}
"""Every metric that depends on the parameters, and whether more of it is better (1) or less (-1)."""

_SUFFIXES = ("", "_pct", "_s")
_CONDITION = re.compile(r"\s*(?P<metric>\w+)\s*(?P<sign>>=|<=)\s*(?P<limit>[^\s]+)\s*")


def metric_name(given: str) -> str:
    """Find a metric by its name, its unit may be left out: ``win_rate``. Raises UnknownName."""
    for suffix in _SUFFIXES:
        if given.casefold() + suffix in BETTER:
            return given.casefold() + suffix
    raise UnknownName("metric", given, BETTER)


@dataclass(frozen=True, slots=True)
class Goal:
    """A metric to make better; `sign` is 1 where more is better, -1 where less is."""

    metric: str
    sign: Literal[1, -1]

    @classmethod
    def parse(cls, text: str) -> Goal:
        """Read ``sharpe``, or ``min:trades`` and ``max:exposure`` to say the direction. Raises UnknownName."""
        way, colon, name = text.strip().rpartition(":")
        metric = metric_name(name)
        if not colon:
            return cls(metric, BETTER[metric])
        if way not in ("min", "max"):
            raise ConfigError(f"{text!r} is not a metric. Write {name}, min:{name} or max:{name}.")
        return cls(metric, 1 if way == "max" else -1)

    def score(self, metrics: Mapping[str, float | int | None]) -> float | None:
        """Give the value with its sign, so that more is better; None where the run does not define it."""
        value = metrics.get(self.metric)
        return None if value is None else self.sign * value

    def __str__(self) -> str:
        return (
            self.metric
            if self.sign == BETTER[self.metric]
            else f"{'max' if self.sign > 0 else 'min'}:{self.metric}"
        )


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit that a result must keep (inclusive) to be taken; a metric that is not defined keeps none."""

    metric: str
    sign: Literal[">=", "<="]
    limit: float

    @classmethod
    def parse(cls, text: str) -> Constraint:
        """Read ``profit_factor>=1.2`` or ``max_drawdown<=30``. Raises ConfigError, UnknownName."""
        match = _CONDITION.fullmatch(text)
        try:
            limit = float(match["limit"]) if match else None
        except ValueError:
            limit = None
        if match is None or limit is None:
            raise ConfigError(
                f"{text!r} is not a condition. Write a metric, >= or <=, and a number: sharpe>=1."
            )
        return cls(metric_name(match["metric"]), ">=" if match["sign"] == ">=" else "<=", limit)

    def excess(self, metrics: Mapping[str, float | int | None]) -> float | None:
        """Give by how much a result breaks the limit, <= 0 where it keeps it; None where not defined."""
        value = metrics.get(self.metric)
        if value is None:
            return None
        return self.limit - value if self.sign == ">=" else value - self.limit

    def holds(self, metrics: Mapping[str, float | int | None]) -> bool:
        """Whether a result keeps the limit."""
        excess = self.excess(metrics)
        return excess is not None and excess <= 0.0

    def __str__(self) -> str:
        return f"{self.metric}{self.sign}{self.limit:g}"
