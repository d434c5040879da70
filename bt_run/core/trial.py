"""One combination of a search, before and after it was tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.market import FloatArray

__all__ = ["Candidate", "Trial"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A combination to try: its number in the search, and all parameters that differ from the defaults."""

    number: int
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """
    A combination that was tried.

    `metrics` are those of `bt_run.reports.metrics` that were computed, None where undefined; empty where the
    strategy failed, and then `error` says how. `engine` ran it. `returns` are its returns a day, shape (days,),
    for an even sample of a search's trials, whatever came of them; None for the others.
    """

    number: int
    params: Mapping[str, Any]
    metrics: Mapping[str, float | int | None]
    error: str = ""
    engine: str = ""
    returns: FloatArray | None = field(default=None, compare=False, repr=False)
