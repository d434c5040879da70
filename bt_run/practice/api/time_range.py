"""The parameters startTime and endTime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from bt_run.practice.api.parameters import Parameters

__all__ = ["TIME_NAMES", "bad_combination", "read_day", "read_range"]

TIME_NAMES = ("startTime", "endTime")

_DAY_MS = 86_400_000


def bad_combination() -> Refusal:
    """Word that parameters do not go together."""
    return Refusal(-1128, "Combination of optional parameters invalid.")


def read_range(params: Parameters) -> tuple[int | None, int | None]:
    """Read both in ms since 1970 UTC, None where not sent; raises Refusal -1100, -1105."""
    return params.time("startTime"), params.time("endTime")


def read_day(params: Parameters) -> tuple[int | None, int | None]:
    """Read both, at most 24 hours apart; else -1127."""
    start, end = read_range(params)
    if start is not None and end is not None and end - start > _DAY_MS:
        raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    return start, end
