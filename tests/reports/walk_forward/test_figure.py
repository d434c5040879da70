"""The picture of an analysis."""

from __future__ import annotations

from bt_run.reports.walk_forward.figure import draw_walk


def test_account_promise_and_parameters_are_drawn(walk_with, make):
    """Equity, drawdown, the metric, and a panel a parameter; windows are numbered."""
    figure = draw_walk(walk_with())
    texts = make.texts(figure)

    assert 5 == len(figure.axes)
    for word in ("Equity", "Drawdown", "Sharpe", "period", "kind", "in sample: promised", "1", "2", "3"):
        assert word in texts
    assert "2 of 3" in texts


def test_texts_get_a_line_each(walk_with):
    """Choices are named on the axis, and a window without a choice leaves a hole."""
    axes = draw_walk(walk_with()).axes[4]
    axes.figure.draw_without_rendering()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    (steps,) = axes.patches[-1:]

    assert ["ema", "sma"] == labels
    assert [1.0, 0.0] == list(steps.get_data().values[:2])


def test_many_windows_and_no_parameter_are_drawn(walk_with):
    """Sixty windows are shaded, not numbered; a walk without moving parameters has no drift to show."""
    figure = draw_walk(walk_with(chosen=({"period": 5, "kind": "sma"},) * 60, names=()))

    assert 3 == len(figure.axes)
    assert "60" not in [text.get_text() for text in figure.axes[0].texts]


def test_a_drawdown_is_drawn_downward(walk_with):
    """The metric is a positive number, and the picture shows a fall."""
    axes = draw_walk(walk_with(metric="max_drawdown_pct")).axes[2]

    assert axes.get_ylim()[0] < -12.0
