"""Threads wait for the interpreter a short time, as long as somebody wants it so."""

from __future__ import annotations

import sys
from contextlib import ExitStack

import pytest

from bt_run.core.quick_turns import quick_turns


def test_the_time_is_put_back_by_the_last_holder():
    """In whatever order they end."""
    before = sys.getswitchinterval()
    first, second = ExitStack(), ExitStack()
    first.enter_context(quick_turns(0.0001))
    during = sys.getswitchinterval()
    second.enter_context(quick_turns(0.0001))
    first.close()

    assert during == sys.getswitchinterval() < before

    second.close()

    assert before == sys.getswitchinterval()


def test_the_quickest_of_several_has_its_way():
    """A live run wants a millisecond, a sweep a tenth of one; nobody makes it longer than it was."""
    before = sys.getswitchinterval()
    with quick_turns(0.001):
        with quick_turns(0.0001), quick_turns(before * 2):
            assert pytest.approx(0.0001) == sys.getswitchinterval()
        assert pytest.approx(0.001) == sys.getswitchinterval()
    assert before == sys.getswitchinterval()
