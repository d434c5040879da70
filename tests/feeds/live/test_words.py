"""What a live feed noticed, for people."""

from __future__ import annotations

import pytest

from feeds.live.outcomes import Absence, Correction, Phase, Turn
from feeds.live.words import say

ROW = (1_767_225_600_000, 1.0, 2.0, 0.5, 1.5, 10.0, 15.0, 3.0, 5.0, 7.5)
OTHER = (*ROW[:4], 1.6, *ROW[5:])
SAID = OTHER[1:]


@pytest.mark.parametrize(
    ("notice", "line"),
    [
        (Turn(Phase.LIVE), "live"),
        (Turn(Phase.OFFLINE, "the connection broke off"), "disconnected (the connection broke off)"),
        (
            Absence(1_767_225_600_000, 1_767_225_720_000, 2),
            "the exchange has no bars from 2026-01-01T00:00:00Z to 2026-01-01T00:02:00Z (2)",
        ),
        (
            Correction(ROW, OTHER),
            f"the bar of 2026-01-01T00:00:00Z was delivered as {ROW[1:]}, and the exchange now tells {SAID}",
        ),
    ],
)
def test_each_notice_has_its_words(notice, line):
    """With times in UTC."""
    assert line == say(notice)
