"""How candidates are shared out."""

from __future__ import annotations

import sys
import threading

import pytest

from bt_run.core.trial import Candidate
from bt_run.run.optimize.workers import Threads, cut_chunks

BOUND_S = 20.0


class Stub:
    """Stands for the kernel; `begun` is set once another thread is in it, which then waits for `go_on`."""

    at_once = 2

    def __init__(self, *, is_compiled=True, must_wait=False):
        self.is_compiled = is_compiled
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.must_wait = must_wait
        self.finished_by = set()
        self.is_closed = False

    def __enter__(self):
        return self

    def close(self):
        self.is_closed = True

    def prepare(self, chunk):
        assert threading.current_thread() is threading.main_thread()
        return chunk

    def work(self, chunk):
        if self.must_wait and threading.current_thread() is not threading.main_thread():
            self.begun.set()
            assert self.go_on.wait(BOUND_S)
        return [candidate.number * 10 for candidate in chunk]

    def finish(self, chunk, worked):
        self.finished_by.add(threading.current_thread())
        return list(zip((candidate.number for candidate in chunk), worked, strict=True))


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


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("is_compiled", [True, False])
def test_threads_run_every_candidate_once(width, is_compiled):
    """Each with what the kernel made of it; the strategy and the trials are the caller's thread's alone."""
    stub = Stub(is_compiled=is_compiled)
    with Threads(stub, width=width) as threads:
        found = [pair for batch in threads.stream(iter(candidates(41))) for pair in batch]

    assert [(number, number * 10) for number in range(41)] == sorted(found)
    assert {threading.main_thread()} == stub.finished_by
    assert stub.is_closed


def test_the_callers_thread_goes_on_while_another_is_in_the_kernel():
    """All but what the other has before it is done before the other comes back."""
    stub = Stub(must_wait=True)
    with Threads(stub, width=2) as threads:
        stream = threads.stream(iter(candidates(40)))
        first = next(stream)
        assert stub.begun.wait(BOUND_S)
        stub.go_on.set()
        rest = [pair for batch in stream for pair in batch]

    assert [(number, number * 10) for number in range(40)] == sorted([*first, *rest])


def test_the_interpreter_changes_hands_as_before_afterwards():
    """Sooner while threads share it, and after Ctrl-C as always."""
    before = sys.getswitchinterval()
    with pytest.raises(KeyboardInterrupt), Threads(Stub(), width=2) as threads:
        during = sys.getswitchinterval()
        next(threads.stream(iter(candidates(40))))
        raise KeyboardInterrupt

    assert during < before
    assert before == sys.getswitchinterval()
