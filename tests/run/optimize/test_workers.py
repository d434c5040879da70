"""How candidates are shared out."""

from __future__ import annotations

from bt_run.core.trial import Candidate
from bt_run.run.optimize.workers import cut_chunks


def candidates(count):
    return [Candidate(number, {}) for number in range(count)]


def test_a_stream_is_taken_as_it_is_asked_for():
    """No more than a chunk at a time, however many there are."""
    taken = []

    def endless():
        for candidate in candidates(10_000):
            taken.append(candidate.number)
            yield candidate

    chunks = cut_chunks(endless(), at_once=16, width=2)

    assert [*range(16)] == [candidate.number for candidate in next(chunks)]
    assert len(taken) == 16


def test_a_round_is_shared_evenly():
    """Two workers take one each of two; nobody gets more than a chunk may hold."""
    sizes = {
        count: [len(chunk) for chunk in cut_chunks(candidates(count), at_once=4, width=2)]
        for count in (0, 1, 2, 5, 9)
    }

    assert sizes == {0: [], 1: [1], 2: [1, 1], 5: [3, 2], 9: [4, 4, 1]}
