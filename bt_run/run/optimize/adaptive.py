"""
Searches that learn: Optuna proposes, we run, it is told.

Proposals come in rounds of as many as there are workers and are told in the order of their numbers, so that a
seed and a number of workers give the same trials, however busy the machine is.

Source: Akiba et al., "Optuna", 2019. TPE: Bergstra et al., 2011. NSGA-II: Deb et al., 2002; what keeps the
constraints beats what does not, by Deb's rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.core.trial import Candidate
from bt_run.run.optimize.space import find_conflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import optuna
    from optuna.distributions import BaseDistribution

    from bt_run.core.trial import Trial
    from bt_run.run.optimize.request import SearchRequest

__all__ = ["Proposer"]

_UNDEFINED = 1e300  # by how much a constraint is broken whose metric the run does not define


class Proposer:
    """Proposes combinations of a request, and learns from the trials that it is told."""

    def __init__(
        self, request: SearchRequest, cls: type[Any], *, seed: int, told: Iterable[Trial] = ()
    ) -> None:
        self._request = request
        self._cls = cls
        self._lists = {axis.name: axis.values for axis in request.space.axes if not axis.is_continuous}
        self._distributions = _distributions_of(request)
        self._open: dict[int, optuna.Trial] = {}
        earlier = list(told)
        self._next = 1 + max((trial.number for trial in earlier), default=-1)
        self._study = _new_study(request, seed=seed + len(earlier))
        for trial in earlier:
            self._recall(trial)

    def propose(self, count: int, *, tries: int = 200) -> list[Candidate]:
        """
        Propose up to `count` combinations; fewer, or none, where `tries` proposals were in conflict.

        A proposal in conflict is told to be no good and does not count as a trial.
        """
        from optuna.trial import TrialState  # noqa: PLC0415  # takes half a second to import

        found: list[Candidate] = []
        while len(found) < count and tries:
            asked = self._study.ask(dict(self._distributions))
            params = self._params_of(asked.params)
            if find_conflict(self._cls, params) is not None:
                self._study.tell(asked, state=TrialState.FAIL)
                tries -= 1
                continue
            self._open[self._next] = asked
            found.append(Candidate(self._next, params))
            self._next += 1
        return found

    def tell(self, trials: Iterable[Trial]) -> None:
        """Learn from trials that were proposed."""
        from optuna.trial import TrialState  # noqa: PLC0415

        for trial in sorted(trials, key=lambda each: each.number):
            asked = self._open.pop(trial.number)
            values = self._values(trial)
            if values is None:
                self._study.tell(asked, state=TrialState.FAIL)
                continue
            for name, excess in self._excesses(trial).items():
                asked.set_constraint(name, excess)
            self._study.tell(asked, values)

    def _recall(self, trial: Trial) -> None:
        """Add a trial of an earlier run, as if it had been proposed here."""
        from optuna.trial import TrialState, create_trial  # noqa: PLC0415

        values = self._values(trial)
        params = {
            name: self._lists[name].index(trial.params[name]) if name in self._lists else trial.params[name]
            for name in self._distributions
        }
        known = create_trial(
            state=TrialState.FAIL if values is None else TrialState.COMPLETE,
            values=values,
            params=params,
            distributions=dict(self._distributions),
            constraints=self._excesses(trial) if values is not None else None,
        )
        self._study.add_trial(known)

    def _params_of(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Turn Optuna's places in our lists into values."""
        chosen = {
            name: self._lists[name][place] if name in self._lists else place for name, place in asked.items()
        }
        constant = {axis.name: axis.values[0] for axis in self._request.space.axes if axis.name not in chosen}
        return {**self._request.space.fixed, **constant, **chosen}

    def _values(self, trial: Trial) -> list[float] | None:
        scores = [goal.score(trial.metrics) for goal in self._request.goals]
        return [score for score in scores if score is not None] if None not in scores else None

    def _excesses(self, trial: Trial) -> dict[str, float]:
        found = {str(each): each.excess(trial.metrics) for each in self._request.constraints}
        return {name: _UNDEFINED if excess is None else float(excess) for name, excess in found.items()}


def _distributions_of(request: SearchRequest) -> dict[str, BaseDistribution]:
    """Lists of numbers are asked for by their place, so that near values are near; other lists by choice."""
    from optuna.distributions import (  # noqa: PLC0415
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    found: dict[str, BaseDistribution] = {}
    for axis in request.space.moving:
        places = len(axis.values)
        if axis.is_continuous:
            found[axis.name] = FloatDistribution(axis.low, axis.high)
        elif axis.is_ordered:
            found[axis.name] = IntDistribution(0, places - 1)
        else:
            found[axis.name] = CategoricalDistribution(tuple(range(places)))
    return found


def _new_study(request: SearchRequest, *, seed: int) -> optuna.Study:
    import optuna  # noqa: PLC0415

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler: optuna.samplers.BaseSampler
    if request.method == "nsga2":
        sampler = optuna.samplers.NSGAIISampler(seed=seed, population_size=min(50, max(4, request.budget // 4)))
    else:
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True)
    return optuna.create_study(directions=["maximize"] * len(request.goals), sampler=sampler)
