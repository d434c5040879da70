"""Remarks are said once, whatever they count."""

from __future__ import annotations

from bt_run.run.remarks import Remarks


def test_a_remark_is_said_again_when_it_is_another_one():
    """Numbers in it make no other remark, and no symbol hears more than three."""
    remarks = Remarks()

    assert remarks.news("X", None) is None
    assert "X: known of 1 of 2,000 bars" == remarks.news("X", "known of 1 of 2,000 bars")
    assert remarks.news("X", "known of 12 of 2,011 bars") is None
    assert "Y: known of 1 of 2 bars" == remarks.news("Y", "known of 1 of 2 bars")
    assert ["X: b", "X: c"] == [remarks.news("X", "b"), remarks.news("X", "c")]
    assert remarks.news("X", "d") is None
    assert (False, True) == (remarks.is_open("X"), remarks.is_open("Y"))
