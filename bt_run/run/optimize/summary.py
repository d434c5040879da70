"""What a search found, from one look or several at its trials: the best, the front, the neighbours, the map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.core.trial import Candidate
from bt_run.reports.search.heat import HeatAxis, heat_of
from bt_run.run.optimize.ranking import Neighbour, find_neighbours, is_eligible, pareto_front, rank
from bt_run.run.optimize.space import find_conflict
from bt_run.run.optimize.swept import measurer_of
from strategies.loader import load_strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bt_run.core.trial import Trial
    from bt_run.reports.search.heat import HeatMap
    from bt_run.run.optimize.request import SearchRequest
    from bt_run.run.optimize.space import Axis

__all__ = ["Counts", "SearchSummary", "map_of", "read_map_axes", "summarise", "try_neighbours"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many combinations were tried, how many of them failed, and how many may be chosen."""

    tried: int
    failed: int
    eligible: int
    first_error: str = ""


@dataclass(frozen=True, slots=True)
class SearchSummary:
    """
    What a search found.

    `best` are the best by the first goal, the best first. `front` is the Pareto front where there are several
    goals, else empty. `neighbours` are those of the best.
    """

    counts: Counts
    best: tuple[Trial, ...]
    front: tuple[Trial, ...]
    neighbours: tuple[Neighbour, ...]


def summarise(request: SearchRequest, trials: Callable[[], Iterable[Trial]], *, top: int) -> SearchSummary:
    """
    Look through the trials of a search.

    Args:
        request: What was searched.
        trials: Gives them from the start each time it is called; they are never all held at once.
        top: How many of the best to give, >= 1.
    """
    goals, constraints = request.goals, request.constraints
    best = rank(trials(), goals[0], constraints, count=top)
    front = pareto_front(trials(), goals, constraints) if len(goals) > 1 else []
    around = find_neighbours(trials(), request.space, best[0].params) if best else []
    return SearchSummary(_count(request, trials()), tuple(best), tuple(front), tuple(around))


def try_neighbours(request: SearchRequest, summary: SearchSummary) -> SearchSummary:
    """
    Run the neighbours of the best that the search passed by, as the methods do that draw; two an axis at most.

    They are looked at beside the best, and are no trials of the search. Those in conflict stay untried.
    """
    if not summary.best:
        return summary
    best, measurer = summary.best[0].params, measurer_of(request)
    cls = load_strategy(request.spec).cls
    found = []
    for each in summary.neighbours:
        params = {**best, each.axis: each.value}
        if each.trial is None and find_conflict(cls, params) is None:
            (trial,) = measurer.measure([Candidate(-1, params)])
            found.append(replace(each, trial=trial))
        else:
            found.append(each)
    return replace(summary, neighbours=tuple(found))


def _count(request: SearchRequest, trials: Iterable[Trial]) -> Counts:
    tried = failed = eligible = 0
    first_error = ""
    for trial in trials:
        tried += 1
        failed += bool(trial.error)
        first_error = first_error or trial.error
        eligible += is_eligible(trial, request.goals, request.constraints)
    return Counts(tried, failed, eligible, first_error)


def read_map_axes(request: SearchRequest, names: Sequence[str]) -> list[Axis]:
    """
    Give the one or two parameters of the heat map: those named, by default the first two that move.

    Raises:
        UnknownName: one that the search does not move.
        ConfigError: one name twice, or more than two.
    """
    moving = {axis.name: axis for axis in request.space.moving}
    if not names:
        return list(moving.values())[:2]
    if len(names) > 2 or len(set(names)) < len(names):
        raise ConfigError("A heat map has two parameters. Write --map period,oversold.")
    for name in names:
        if name not in moving:
            raise UnknownName("parameter that this search moves", name, moving)
    return [moving[name] for name in names]


def map_of(
    request: SearchRequest, trials: Iterable[Trial], axes: Sequence[Axis], *, columns: int, rows: int
) -> HeatMap | None:
    """
    Draw up the heat map of the first goal with at most so many cells; None where no parameter moves.

    Results that may not be chosen, because they break a constraint, are left out.
    """
    if not axes:
        return None
    goal = request.goals[0]
    x = _heat_axis(axes[0], most=columns)
    y = _heat_axis(axes[1], most=rows) if len(axes) > 1 else None
    eligible = (trial for trial in trials if is_eligible(trial, (goal,), request.constraints))
    return heat_of(eligible, metric=goal.metric, sign=goal.sign, x=x, y=y)


def _heat_axis(axis: Axis, *, most: int) -> HeatAxis:
    if axis.is_continuous:
        return HeatAxis.of_span(axis.name, axis.low, axis.high, most=min(most, 12))
    return HeatAxis.of_values(axis.name, axis.values, most=most)
