"""Which combinations a search tries that needs no answers to go on: all of a grid, or some at random."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ConfigError
from bt_run.core.trial import Candidate
from bt_run.run.optimize.space import find_conflict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bt_run.run.optimize.request import SearchRequest
    from bt_run.run.optimize.space import Space

__all__ = ["check_some_fit", "plan_grid", "plan_random"]

_MOST_DRAWS = 1_000
"""Draws in a row that may be in conflict before a space without end is taken to hold nothing that fits."""


def check_some_fit(space: Space, cls: type[Any], *, seed: int) -> None:
    """Check that at least one combination is free of conflict. Raises ConfigError."""
    if space.size is not None:
        conflicts = (find_conflict(cls, space.combination(number)) for number in range(space.size))
    else:
        draws = random.Random(seed)  # noqa: S311  # a search, not a secret
        conflicts = (find_conflict(cls, _draw(space, draws)) for _ in range(_MOST_DRAWS))
    first = None
    for conflict in conflicts:
        if conflict is None:
            return
        first = first or conflict
    raise ConfigError(
        f"No combination is left to try: in all of them the parameters do not fit. The first: {first}"
    )


def plan_grid(space: Space, cls: type[Any], *, is_done: Callable[[int], bool]) -> Iterator[Candidate]:
    """Give every combination in order, without those in conflict and those done before."""
    for number in range(space.size or 0):
        if is_done(number):
            continue
        params = space.combination(number)
        if find_conflict(cls, params) is None:
            yield Candidate(number, params)


def plan_random(
    request: SearchRequest, cls: type[Any], *, seed: int, is_done: Callable[[int], bool]
) -> Iterator[Candidate]:
    """
    Draw combinations at random: none twice, evenly over every axis.

    The n-th draw is candidate n, the same for the same seed, so that a search can be gone on with. Memory
    grows with the number of trials, not with the space.
    """
    draws = random.Random(seed)  # noqa: S311  # a search, not a secret
    seen: set[tuple[Any, ...]] = set()
    misses = number = 0
    size = request.space.size
    while number < request.budget and misses < _MOST_DRAWS and (size is None or len(seen) < size):
        params = _draw(request.space, draws)
        key = tuple(params.values())
        if key in seen:
            continue
        seen.add(key)
        if find_conflict(cls, params) is not None:
            misses += 1
            continue
        misses = 0
        if not is_done(number):
            yield Candidate(number, params)
        number += 1


def _draw(space: Space, draws: random.Random) -> dict[str, Any]:
    chosen = {
        axis.name: draws.uniform(axis.low, axis.high) if axis.is_continuous else draws.choice(axis.values)
        for axis in space.axes
    }
    return {**space.fixed, **chosen}
