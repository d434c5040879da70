"""The collector of garbage is out of the way for one run, and as it was afterwards."""

from __future__ import annotations

import gc

import pytest

from bt_run.cli.collector import rare_collection


def test_garbage_is_looked_for_more_rarely_and_then_as_before():
    """However the block ends; what was set before counts again."""
    before = gc.get_threshold()

    @rare_collection()
    def fail():
        assert (100_000, *before[1:]) == gc.get_threshold()
        raise ValueError("as wanted")

    for _ in range(2):
        with pytest.raises(ValueError, match="as wanted"):
            fail()

        assert before == gc.get_threshold()
