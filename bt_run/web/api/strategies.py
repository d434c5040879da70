"""Strategies: which there are, what they would have done on the bars of a chart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.core.market import BarFile
from bt_run.core.settings import BacktestSettings
from bt_run.reports.export import result_to_dict
from bt_run.run.backtest import run_backtest
from bt_run.run.desk.series import SeriesKey
from bt_run.web.api.market import SYMBOL
from bt_run.web.json_values import json_values
from strategies.description import describe
from strategies.loader import load_strategy
from strategies.registry import find_class, registered_names

if TYPE_CHECKING:
    from bt_run.core.results import RunResult
    from bt_run.web.state import Desk

__all__ = ["BacktestWish", "router", "run_wish"]

router = APIRouter(tags=["strategies"])

_NAME = r"^[a-z0-9_]{1,40}$"


class StrategyParameter(BaseModel):
    """A parameter with its default, and its range where the strategy gives one."""

    name: str
    default: float | int | str | bool | None
    low: float | None = None
    high: float | None = None
    choices: list[str] = []


class Strategy(BaseModel):
    """A strategy that is installed. Files of a user's are not run from a page."""

    name: str
    summary: str
    source: str
    parameters: list[StrategyParameter]


class BacktestWish(BaseModel):
    """A strategy over the closed bars of a chart that somebody looks at."""

    symbol: str = Field(pattern=SYMBOL)
    interval: str = Field(max_length=4)
    strategy: str = Field(pattern=_NAME)
    parameters: dict[str, float | int | str | bool] = Field(default={}, max_length=20)
    cash: float = Field(default=10_000.0, gt=0, le=1e12)
    commission: float = Field(default=0.001, ge=0, lt=0.1)


@router.get("/strategies")
def strategies() -> list[Strategy]:
    """List the strategies that are installed."""
    found = []
    for name in registered_names():
        info = describe(find_class(name), name=name)
        parameters = [
            StrategyParameter(
                name=item.name,
                default=item.default if isinstance(item.default, float | int | str | bool) else None,
                low=item.limits[0] if item.limits else None,
                high=item.limits[1] if item.limits else None,
                choices=list(item.choices),
            )
            for item in info.params
        ]
        found.append(Strategy(name=name, summary=info.summary, source=info.source, parameters=parameters))
    return found


@router.post("/backtest")
def backtest(request: Request, wish: Annotated[BacktestWish, Body()]) -> dict[str, Any]:
    """
    Run a strategy over the closed bars of a chart, by the engine of `bt-run backtest`.

    The answer is the result file of `bt-run backtest --json`, with `equity`, `panels` and `overlays` by bar.
    """
    result = run_wish(request.app.state.desk, wish)
    curves = {"panels": result.panels, "overlays": result.overlays}
    return {
        **result_to_dict(result),
        "times": result.data.bars.open_time.tolist(),
        "equity": result.curve.equity.tolist(),
        **{kind: {name: json_values(curve) for name, curve in found.items()} for kind, found in curves.items()},
    }


def run_wish(desk: Desk, wish: BacktestWish) -> RunResult:
    """Run a strategy over the closed bars of a chart. Raises ConfigError where no chart shows them."""
    key = SeriesKey(wish.symbol.upper(), wish.interval)
    watched = desk.market.find(key)
    if watched is None or not watched.series.is_ready:
        raise ConfigError(f"No chart shows {key}. Look at it first.")
    if wish.strategy not in registered_names():
        raise ConfigError(f"There is no strategy {wish.strategy!r}.")
    with watched.lock:
        bars = watched.series.closed()
    data = BarFile(
        Path(f"{desk.venue.name}:{key}"), key.symbol, Interval.parse(key.interval), bars, "", note=desk.note
    )
    loaded = load_strategy(wish.strategy, params=[f"{name}={value}" for name, value in wish.parameters.items()])
    return run_backtest(loaded, data, BacktestSettings(cash=wish.cash, commission=wish.commission))
