"""
The bot under torture: faults of every kind, kill -9 at random instants, and at the end every number must agree.

A seed draws it all. ``BT_RUN_TORTURE_SEED=7 pytest -m torture`` runs a seed again; how the threads of three
processes fall in with each other is not drawn, so a failure may need some runs.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest
from torture_conductor import BEFORE, Conductor, Played
from torture_judge import judge
from torture_plan import KINDS, make_plan

QUICK = (
    "unknown_outcome", "late_answer", "lost_answer", "refuse_request", "bad_timestamp", "fill_before_reply",
    "partial_fill_then_cancel", "duplicate_report", "delay_frames", "reorder_frames", "end_user_streams",
)  # fmt: skip
"""Kinds that cost little time."""


def _seed(default: int) -> int:
    return int(os.environ.get("BT_RUN_TORTURE_SEED") or default)


def _check(played: Played) -> None:
    told = f"{played.took_s:.0f} s, {played.kills} kills, {len(played.lost)} ids lost with the power"
    print(f"seed {played.plan.seed}: {told}, fired {played.fired}")  # noqa: T201 - the seed is to be seen
    found = judge(played)
    assert not found, f"seed {played.plan.seed}, {len(found)} differences:\n" + "\n".join(found[:40])


def test_a_short_torture(tmp_path: Path):
    """Some hundred bars, some faults, two kills."""
    plan = make_plan(_seed(11), bars=240, faults=len(QUICK), kills=2, kinds=QUICK)
    played = Conductor(plan, tmp_path).play()
    assert played.kills - played.hurries == 2
    assert sum(played.fired.values()) >= len(QUICK) // 2
    _check(played)


@pytest.mark.torture
def test_a_long_torture(tmp_path: Path):
    """20,000 bars, 500 faults of every kind, 50 kills; a new seed each time, unless one is given."""
    plan = make_plan(_seed(secrets.randbelow(100_000)), bars=20_100, faults=500, kills=50, wipes=3, never=4)
    print(plan)  # noqa: T201 - the seed is to be seen
    played = Conductor(plan, tmp_path).play()
    assert len(played.bars) - BEFORE >= 20_000
    assert played.kills >= 50
    assert sum(played.fired.values()) >= 500
    assert not {name for name in (*KINDS, "wipe") if played.fired.get(name, 0) < 3}
    _check(played)
