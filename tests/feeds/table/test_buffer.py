"""Columns share their memory with Backtrader's line buffers."""

from __future__ import annotations

from array import array

import numpy as np
import pytest

from feeds.table.buffer import as_line_buffer, copied_buffer, floats_of, unknown_floats


def test_a_column_gives_back_the_array_it_views() -> None:
    """The array under a column, also under a full slice of it, is handed on as it is."""
    owner = array("d", [1.0, 2.0])

    assert as_line_buffer(floats_of(owner)) is owner
    assert as_line_buffer(floats_of(owner)[:]) is owner


def test_anything_else_is_copied() -> None:
    """Parts of a column and ordinary arrays become arrays of their own."""
    owner = array("d", [1.0, 2.0, 3.0])
    part = as_line_buffer(floats_of(owner)[1:])
    plain = as_line_buffer(np.array([5.0, 6.0]))

    assert array("d", [2.0, 3.0]) == part
    assert array("d", [5.0, 6.0]) == plain


def test_a_copy_may_grow_and_a_shared_array_may_not() -> None:
    """Python itself keeps a shared array at its length."""
    owner = array("d", [1.0])
    view = floats_of(owner)
    copy = copied_buffer(view)
    copy.append(2.0)

    assert array("d", [1.0, 2.0]) == copy
    with pytest.raises(BufferError):
        owner.append(2.0)


def test_unknown_and_empty_columns() -> None:
    """Unknown is NaN; no rows are no trouble."""
    assert np.isnan(unknown_floats(3)).tolist() == [True, True, True]
    assert 0 == len(floats_of(array("d")))
