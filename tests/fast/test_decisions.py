"""The next decision is found, one bar at a time or eight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.fast import decisions
from bt_run.fast.decisions import Decisions, decisions_of, next_decision, weigh
from strategies import base

WANTED = {
    0.0: base.GO_LONG | base.GO_SHORT,
    2.0: base.GO_SHORT | base.LEAVE_LONG,
    -2.0: base.GO_LONG | base.LEAVE_SHORT,
}


def looked_for(codes, bar, size):
    """Look at one bar after another."""
    wanted = WANTED[size]
    return next((at for at in range(bar, len(codes)) if codes[at] & wanted), max(bar, len(codes)))


@given(
    codes=st.lists(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 5, 15]), min_size=1, max_size=70),
    bar=st.integers(0, 70),
    size=st.sampled_from(sorted(WANTED)),
)
def test_words_and_bytes_find_the_same_decision(codes, bar, size):
    """Whatever is held, from any bar, the one after the last too, for any number of bars."""
    bar = min(bar, len(codes))
    array = np.array(codes, dtype=np.uint8)
    plain = decisions_of(array, is_compiled=False)
    machine = decisions_of(array, is_compiled=True)
    listed = Decisions(plain.codes, machine.words.tolist())  # as compiled code has them, quick for plain Python

    assert looked_for(codes, bar, size) == next_decision(plain, bar, size)
    assert looked_for(codes, bar, size) == next_decision(listed, bar, size)


@given(flags=st.lists(st.tuples(*[st.booleans()] * 4), min_size=1, max_size=40), allow_short=st.booleans())
def test_signals_are_weighed_as_in_every_engine(flags, allow_short):
    """All four at once, with shorts and without."""
    signals = np.ascontiguousarray(np.array(flags, dtype=np.bool_).T)
    expected = base.decision_codes(base.Signals(*signals), allow_short=allow_short)
    codes = np.empty(len(flags), dtype=np.uint8)
    weigh(signals[: 4 if allow_short else 2].view(np.uint8), codes)

    assert expected.tolist() == codes.tolist()


@pytest.mark.parametrize("name", ["GO_LONG", "GO_SHORT", "LEAVE_LONG", "LEAVE_SHORT"])
def test_the_bits_are_those_of_the_strategies(name):
    """Said twice, because the strategies' room brings Backtrader along."""
    assert getattr(base, name) == getattr(decisions, name)
