"""Put trials in order: the best, the Pareto front, and how the best does beside its neighbours."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bt_run.core.trial import Trial
    from bt_run.run.optimize.goal import Constraint, Goal
    from bt_run.run.optimize.space import Space

__all__ = ["Neighbour", "best_trial", "find_neighbours", "is_eligible", "neighbours_of", "pareto_front", "rank"]


def is_eligible(trial: Trial, goals: Sequence[Goal], constraints: Sequence[Constraint]) -> bool:
    """Whether a trial may be chosen: it did not fail, defines every goal and keeps every constraint."""
    return (
        not trial.error
        and all(goal.score(trial.metrics) is not None for goal in goals)
        and all(constraint.holds(trial.metrics) for constraint in constraints)
    )


def rank(
    trials: Iterable[Trial], goal: Goal, constraints: Sequence[Constraint] = (), *, count: int
) -> list[Trial]:
    """
    Give the best `count` of the eligible trials, the best first; of equals the one with the lower number.

    Keeps no more than `count`, so `trials` may be read from a file.
    """
    eligible = (trial for trial in trials if is_eligible(trial, (goal,), constraints))
    return heapq.nlargest(count, eligible, key=lambda trial: (goal.score(trial.metrics), -trial.number))


def best_trial(trials: Iterable[Trial], goal: Goal, constraints: Sequence[Constraint] = ()) -> Trial | None:
    """Give the best of the eligible trials; None where there is none."""
    return next(iter(rank(trials, goal, constraints, count=1)), None)


def pareto_front(
    trials: Iterable[Trial], goals: Sequence[Goal], constraints: Sequence[Constraint] = ()
) -> list[Trial]:
    """
    Give the eligible trials that no other beats: better in one goal and not worse in any.

    Ordered by the first goal, the best first. Of trials with equal values the one with the lowest number
    stays. Keeps the front only, so `trials` may be read from a file.
    """
    front: list[tuple[tuple[float, ...], Trial]] = []
    for trial in trials:
        if not is_eligible(trial, goals, constraints):
            continue
        scores = tuple(goal.score(trial.metrics) or 0.0 for goal in goals)
        if any(
            _beats(other, scores) or (other == scores and kept.number < trial.number) for other, kept in front
        ):
            continue
        front = [(other, kept) for other, kept in front if not _beats(scores, other) and other != scores]
        front.append((scores, trial))
    front.sort(key=lambda each: (*(-score for score in each[0]), each[1].number))
    return [trial for _, trial in front]


def _beats(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a >= b for a, b in zip(first, second, strict=True))


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A combination one step from the best along one axis; `trial` is None where it was not tried."""

    axis: str
    value: Any
    trial: Trial | None


def neighbours_of(space: Space, params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """
    List the steps from a combination to its neighbours, as (axis, value).

    One down and one up on every axis of numbers, on a continuous one by a twentieth of it; every other value on
    an axis of texts or truths.
    """
    found: list[tuple[str, Any]] = []
    for axis in space.moving:
        if axis.is_continuous:
            step, at = (axis.high - axis.low) / 20.0, params[axis.name]
            found += [(axis.name, at + way) for way in (-step, step) if axis.low <= at + way <= axis.high]
            continue
        values = sorted(axis.values) if axis.is_ordered else list(axis.values)
        place = values.index(params[axis.name])
        near = (
            [place - 1, place + 1]
            if axis.is_ordered
            else [each for each in range(len(values)) if each != place]
        )
        found += [(axis.name, values[each]) for each in near if 0 <= each < len(values)]
    return found


def find_neighbours(trials: Iterable[Trial], space: Space, params: Mapping[str, Any]) -> list[Neighbour]:
    """Find the trials next to a combination, in the order of `neighbours_of`; one pass over `trials`."""
    steps = neighbours_of(space, params)
    wanted = {_key({**params, name: value}): place for place, (name, value) in enumerate(steps)}
    found: list[Trial | None] = [None] * len(steps)
    for trial in trials:
        place = wanted.get(_key(trial.params))
        if place is not None:
            found[place] = trial
    return [Neighbour(name, value, trial) for (name, value), trial in zip(steps, found, strict=True)]


def _key(params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(params.items()))
