"""Stored backtests: a folder of result files, and those that are kept from the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from pydantic import BaseModel, Field

from bt_run.core.errors import ConfigError
from bt_run.web.api.strategies import BacktestWish, run_wish

if TYPE_CHECKING:
    from bt_run.run.desk.results import ResultFolder, StoredResult

__all__ = ["router"]

router = APIRouter(tags=["results"])

Name = Annotated[str, Path(min_length=1, max_length=120)]


class Result(BaseModel):
    """A stored backtest; `start` and `end` are ISO 8601 UTC, `metrics` those of the result file."""

    name: str
    strategy: str
    params: dict[str, Any]
    symbol: str
    interval: str
    start: str
    end: str
    note: str
    metrics: dict[str, float | int | None]


class Results(BaseModel):
    """The stored backtests, the newest first; `folder` is empty where the desk was given none."""

    folder: str
    results: list[Result]


class ResultCurve(BaseModel):
    """
    The account of a result: open times in ms UTC, values in quote asset.

    `by_trade`: it is known at the exit of each trade only, because no equity file lies beside the result.
    """

    name: str
    times: list[int]
    equity: list[float]
    by_trade: bool


class Keeping(BaseModel):
    """A backtest to run and keep, by which name."""

    name: str = Field(min_length=1, max_length=80)
    backtest: BacktestWish


@router.get("/results")
def results(request: Request) -> Results:
    """List the results of the folder that the desk was given, two hundred files at most."""
    folder: ResultFolder | None = request.app.state.desk.results
    if folder is None:
        return Results(folder="", results=[])
    return Results(folder=str(folder.path), results=[_told(result) for result in folder.results()])


@router.get("/results/{name}")
def curve(request: Request, name: Name) -> ResultCurve:
    """Give the account of a result."""
    found = _folder(request).curve(name)
    return ResultCurve(name=name, times=list(found.times), equity=list(found.equity), by_trade=found.by_trade)


@router.post("/results")
def keep(request: Request, wish: Annotated[Keeping, Body()]) -> Result:
    """Run a strategy over the closed bars of a chart, and keep result and equity in the folder."""
    folder = _folder(request)
    return _told(folder.keep(wish.name, run_wish(request.app.state.desk, wish.backtest)))


def _folder(request: Request) -> ResultFolder:
    folder: ResultFolder | None = request.app.state.desk.results
    if folder is None:
        raise ConfigError("The desk was started without a folder of results. Give --results FOLDER.")
    return folder


def _told(result: StoredResult) -> Result:
    return Result(
        name=result.name,
        strategy=result.strategy,
        params=dict(result.params),
        symbol=result.symbol,
        interval=result.interval,
        start=result.start,
        end=result.end,
        note=result.note,
        metrics=dict(result.metrics),
    )
