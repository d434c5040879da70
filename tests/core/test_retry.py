"""Attempts: what passes is tried again with growing pauses, what does not is raised at once."""

from __future__ import annotations

import pytest

from bt_run.core.errors import Banned, Disconnected, RateLimited
from bt_run.core.retry import ATTEMPTS, retrying


def attempt_all(error, slept):
    """Fail with this error every time; count the attempts."""
    count = 0
    for attempt in retrying(slept.append):
        with attempt:
            count += 1
            if count < 100:
                raise error
    return count


def test_what_passes_is_tried_six_times_with_growing_pauses():
    """0.5, 1, 2, 4, 8 s, each with up to half a second of jitter; the last error is the one raised."""
    slept = []
    error = Disconnected("x", reason="gone")
    with pytest.raises(Disconnected) as caught:
        attempt_all(error, slept)

    assert error is caught.value
    assert ATTEMPTS - 1 == len(slept)
    assert all(0 <= pause - least <= 0.5 for pause, least in zip(slept, (0.5, 1, 2, 4, 8), strict=True))


def test_a_rate_limit_is_left_to_the_budget():
    """No pause of its own, which would come on top of Retry-After."""
    slept = []
    with pytest.raises(RateLimited):
        attempt_all(RateLimited("x", wait_s=7), slept)

    assert [] == slept


@pytest.mark.parametrize("error", [Banned("x", until_ms=0), ValueError("a bug"), KeyboardInterrupt()])
def test_what_does_not_pass_is_raised_at_once(error):
    """A ban, a bug and Ctrl-C."""
    slept = []
    with pytest.raises(type(error)):
        attempt_all(error, slept)

    assert [] == slept
