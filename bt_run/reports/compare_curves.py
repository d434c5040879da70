"""The curves of a comparison: each run's equity in one unit, its look, and its row of the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bt_run.reports.account import buy_and_hold, drawdown_of
from bt_run.reports.scales import finite_range
from bt_run.reports.style import CURVES, HOLD, clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import FloatArray
    from bt_run.core.results import RunResult
    from bt_run.reports.style import Dashes

__all__ = ["ComparedCurve", "Unit", "compared_curves", "group_by_data", "number_labels", "params_text"]

Unit = Literal["money", "percent", "multiple"]

_DASHES: tuple[Dashes, ...] = ("-", (0, (6, 1.6)), (0, (1.2, 1.4)), (0, (7, 1.5, 1.2, 1.5)))


@dataclass(frozen=True, slots=True, eq=False)
class ComparedCurve:
    """
    One line of the picture.

    `values` is equity at every close in the unit of the panel, `fall` the percent below its peak (<= 0),
    both of shape (n,). `return_pct` is that of the last close over the starting cash.
    """

    name: str
    detail: str
    values: FloatArray
    fall: FloatArray
    return_pct: float
    color: str
    dashes: Dashes
    width: float

    @property
    def deepest_pct(self) -> float | None:
        """The deepest drawdown, <= 0; None where equity is not known."""
        found = finite_range([self.fall])
        return found[0] if found else None


def group_by_data(results: Sequence[RunResult]) -> list[list[RunResult]]:
    """Gather the results of the same bars (file, symbol, interval, range), in the order they came."""
    groups: dict[tuple[object, ...], list[RunResult]] = {}
    for result in results:
        data = result.data
        ends = (int(data.bars.open_time[0]), int(data.bars.open_time[-1]))
        groups.setdefault((str(data.path), data.title, len(data.bars), ends), []).append(result)
    return list(groups.values())


def number_labels(results: Sequence[RunResult]) -> dict[str, int]:
    """Number the different labels as they come: the number chooses colour and dashes on all data sets."""
    return {label: number for number, label in enumerate(dict.fromkeys(result.label for result in results))}


def params_text(result: RunResult, among: Sequence[RunResult]) -> str:
    """
    Write a run's parameters, first those in which runs of the same strategy differ.

    So the end, which may be cut off for want of room, is what tells least.
    """
    siblings = [other.params for other in among if other.strategy == result.strategy]

    def alike(name: str) -> bool:
        return all(other.get(name) == result.params[name] for other in siblings)

    return ", ".join(f"{name}={result.params[name]}" for name in sorted(result.params, key=alike))


def compared_curves(group: Sequence[RunResult], numbers: Mapping[str, int], unit: Unit) -> list[ComparedCurve]:
    """Give the curves of the runs on one data set, and that of buying and holding, which comes last."""
    found = []
    for result in group:
        number, cash = numbers[result.label], result.settings.cash
        found.append(
            ComparedCurve(
                name=clean_text(result.strategy),
                detail=clean_text(params_text(result, group)),
                values=_in_unit(result.curve.equity, cash, unit),
                fall=drawdown_of(result.curve.equity),
                return_pct=(float(result.curve.equity[-1]) / cash - 1.0) * 100.0,
                color=CURVES[number % len(CURVES)],
                dashes=_DASHES[number // len(CURVES) % len(_DASHES)],
                width=1.7 if len(numbers) <= 4 else 1.4,
            )
        )
    cash, close = group[0].settings.cash, group[0].data.bars.close
    held = buy_and_hold(cash, close)
    return [
        *found,
        ComparedCurve(
            name="buy & hold",
            detail="",
            values=_in_unit(held, cash, unit),
            fall=drawdown_of(held),
            return_pct=(float(held[-1]) / cash - 1.0) * 100.0,
            color=HOLD,
            dashes=(0, (3.5, 2)),
            width=1.3,
        ),
    ]


def _in_unit(values: FloatArray, cash: float, unit: Unit) -> FloatArray:
    if unit == "money":
        return values
    return values / cash if unit == "multiple" else np.asarray((values / cash - 1.0) * 100.0)
