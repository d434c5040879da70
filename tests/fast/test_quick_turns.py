"""Threads wait for the interpreter a short time, as long as somebody wants it so."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from bt_run.fast.quick_turns import quick_turns


def test_the_time_is_put_back_by_the_last_holder():
    """In whatever order they end."""
    before = sys.getswitchinterval()
    first, second = ExitStack(), ExitStack()
    first.enter_context(quick_turns())
    during = sys.getswitchinterval()
    second.enter_context(quick_turns())
    first.close()

    assert during == sys.getswitchinterval() < before

    second.close()

    assert before == sys.getswitchinterval()
