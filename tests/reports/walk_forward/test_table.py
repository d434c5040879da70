"""The table of an analysis and its sentences."""

from __future__ import annotations

import pytest

from bt_run.reports.tables import render_text
from bt_run.reports.walk_forward.table import walk_table, walk_words, window_table


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_table_fits_the_terminal(walk_with, width):
    """A row a window, what was chosen, and promise beside fulfilment."""
    text = render_text(walk_table(walk_with()), width=width)

    assert max(len(line) for line in text.splitlines()) <= width
    assert "3 windows" in text
    assert "sma" in text
    assert "none" in text
    assert "out of sample" in text
    assert "buy and hold" in text


def test_a_narrow_terminal_leaves_out_what_matters_least(walk_with):
    """Drawdown first, then efficiency; the metric in and out of sample stays."""
    narrow = render_text(walk_table(walk_with()), width=60)

    assert "Sharpe in" in narrow
    assert "Effic." not in narrow


def test_the_sentences_tell_promise_drift_and_seams(walk_with):
    """A quarter of the promise, one change of each parameter, a window without a choice."""
    said = " ".join(walk_words(walk_with()))

    assert "kept 25% of the return a year that was promised: Pardo asks for one half" in said
    assert "2 of 3 windows earned" in said
    assert "period 1, kind 1" in said
    assert "In 1 windows nothing could be chosen" in said
    assert "3 of 36 runs in sample failed" in said


def test_a_loss_is_told_as_one(walk_with):
    """A negative part of a promise says nothing to anybody."""
    walk = walk_with()
    walk.stitched.metrics["return_ann_pct"] = -12.34

    assert "A return of +40.0% a year was promised, and out of sample it was -12.3%." in walk_words(walk)


def test_a_tiny_promise_makes_no_endless_number(walk_with):
    """An efficiency of a thousand percent and more is cut off."""
    walk = walk_with()
    for each in walk.windows[:2]:
        each.in_sample["return_ann_pct"] = 0.01
    text = render_text(walk_table(walk))

    assert ">999%" in text
    assert "<-999%" in text


def test_nothing_promised_is_no_efficiency(walk_with):
    """A division by nothing is not made."""
    said = " ".join(walk_words(walk_with(chosen=(None, None))))

    assert "no promise to measure" in said


def test_windows_that_were_not_run_are_told(walk_with):
    """Stopped or ruined, the rest is missing."""
    assert "2 of 5 windows were not run: it was stopped." in " ".join(walk_words(walk_with(total=5)))


def test_windows_alone_can_be_shown(walk_with):
    """As Ctrl-C does."""
    walk = walk_with()
    text = render_text(window_table(walk.windows[:2], names=walk.names, metric="sharpe"))

    assert 3 == len(text.splitlines())
