"""Signals and indicator values of both sides, bar by bar."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.run.parity.sides import Cause, Difference

if TYPE_CHECKING:
    from bt_run.run.parity.sides import Scene, Side

__all__ = ["SignalCheck", "compare_signals"]

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class SignalCheck:
    """
    What came of the signals: bars whose decisions were equal and unequal, values likewise.

    `deciding` counts the equal bars on which something was decided. `bars` are those whose decisions differ.
    """

    equal: int
    deciding: int
    bars: frozenset[int]
    values_equal: int
    values_differ: int
    differences: tuple[Difference, ...]


def compare_signals(live: Side, backtest: Side, scene: Scene) -> SignalCheck:
    """Compare the bars that both sides know; a value counts as equal up to a billionth of it."""
    differing = []
    equal = deciding = 0
    for bar in sorted(live.decisions.keys() & backtest.decisions.keys()):
        ours, theirs = live.decisions[bar], backtest.decisions[bar]
        if ours != theirs:
            differing.append(_signal(bar, ours, theirs, scene))
            continue
        equal += 1
        deciding += bool(ours)
    same, values, differ = _compare_values(live, backtest, scene)
    return SignalCheck(
        equal, deciding, frozenset(each.bar for each in differing), same, differ, (*differing, *values)
    )


def _signal(bar: int, live: frozenset[str], backtest: frozenset[str], scene: Scene) -> Difference:
    return Difference(
        bar,
        int(scene.bars.open_time[bar]),
        Cause.SIGNAL,
        "signal",
        ", ".join(sorted(live)) or "nothing",
        ", ".join(sorted(backtest)) or "nothing",
        "the same bars led to another decision",
    )


def _compare_values(live: Side, backtest: Side, scene: Scene) -> tuple[int, list[Difference], int]:
    """Compare each indicator; one difference for each, at the first bar, says on how many bars it differs."""
    same = 0
    found: dict[str, list[tuple[int, float | None, float | None]]] = defaultdict(list)
    for bar in sorted(live.values.keys() & backtest.values.keys()):
        ours, theirs = live.values[bar], backtest.values[bar]
        for name in ours.keys() & theirs.keys():
            if _is_same(ours[name], theirs[name]):
                same += 1
            else:
                found[name].append((bar, ours[name], theirs[name]))
    differences = []
    for name, places in sorted(found.items()):
        bar, value, other = places[0]
        count = "on this bar" if len(places) == 1 else f"on {len(places):,} bars, this is the first"
        differences.append(
            Difference(
                bar,
                int(scene.bars.open_time[bar]),
                Cause.SIGNAL,
                "value",
                f"{name} {_text(value)}",
                f"{name} {_text(other)}",
                f"the indicator differs {count}",
            )
        )
    return same, differences, sum(map(len, found.values()))


def _is_same(value: float | None, other: float | None) -> bool:
    unknown = [each is None or math.isnan(each) for each in (value, other)]
    if any(unknown) or value is None or other is None:
        return all(unknown)
    return math.isclose(value, other, rel_tol=_SAME, abs_tol=1e-12)


def _text(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.10g}"
