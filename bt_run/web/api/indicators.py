"""Which indicators there are."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from bt_run.run.desk.indicators import COLUMNS, catalogue

__all__ = ["router"]

router = APIRouter(tags=["indicators"])


class Parameter(BaseModel):
    """A number that an indicator takes."""

    name: str
    default: float
    low: float
    high: float
    whole: bool


class Indicator(BaseModel):
    """A function of TA-Lib, as its own metadata tells it."""

    name: str
    title: str
    group: str
    parameters: list[Parameter]
    outputs: list[str]
    takes_curve: bool
    overlay: bool


class Indicators(BaseModel):
    """All of them, and the columns that one of a curve may be made of."""

    indicators: list[Indicator]
    columns: list[str]


@router.get("/indicators")
def indicators() -> Indicators:
    """List all indicators by group and name."""
    found = [
        Indicator(
            name=info.name,
            title=info.title,
            group=info.group,
            parameters=[
                Parameter(
                    name=parameter.name,
                    default=parameter.default,
                    low=parameter.low,
                    high=parameter.high,
                    whole=parameter.whole,
                )
                for parameter in info.parameters
            ],
            outputs=list(info.outputs),
            takes_curve=info.takes_curve,
            overlay=info.overlay,
        )
        for info in catalogue()
    ]
    return Indicators(indicators=found, columns=list(COLUMNS))
