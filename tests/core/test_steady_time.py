"""Our time, which a step of this machine's clock does not move."""

from __future__ import annotations

import time

import pytest

from bt_run.core.steady_time import SteadyTime, _source, steady_s


class Machine:
    """A clock that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_700_000_000.0, 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall, self.steady = self.wall + seconds, self.steady + seconds


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 86_400.0, -0.3])
def test_a_step_of_the_machine_s_clock_is_no_step_of_ours(step_s):
    """Only time that passes moves it."""
    machine = Machine()
    ours = SteadyTime(wall=lambda: machine.wall, steady=lambda: machine.steady)
    machine.pass_by(10.0)
    machine.wall += step_s
    machine.pass_by(5.0)

    assert 1_700_000_015.0 == ours()


def test_it_begins_at_the_time_of_the_machine():
    before = time.time()
    ours = SteadyTime()()

    assert before - 1.0 <= ours <= time.time() + 1.0


def test_seconds_that_nobody_sets_never_go_back():
    told = [steady_s() for _ in range(100)]

    assert sorted(told) == told


@pytest.mark.parametrize("has_clock", [True, False], ids=["refused", "absent"])
def test_a_system_without_such_a_clock_takes_the_plain_one(monkeypatch, has_clock):
    """Windows has none, and a sandbox may refuse it; Windows counts its sleep anyway."""

    def refuse(clock: int) -> float:
        raise OSError

    if has_clock:
        monkeypatch.setattr(time, "clock_gettime", refuse, raising=False)
    else:
        monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
        monkeypatch.delattr(time, "CLOCK_MONOTONIC", raising=False)

    assert time.monotonic is _source.__wrapped__()
