"""The best value in every cell, as numbers, as text and as a picture."""

from __future__ import annotations

import numpy as np
import pytest

from bt_run.core.errors import DataError
from bt_run.core.trial import Trial
from bt_run.reports.figure_file import save_figure
from bt_run.reports.search.heat import HeatAxis, heat_of
from bt_run.reports.search.heat_figure import draw_heat
from bt_run.reports.search.heat_text import heat_table
from bt_run.reports.tables import render_text


def trials(values):
    """Make trials of {(period, level): sharpe}."""
    return [
        Trial(number, {"period": period, "level": level}, {"sharpe": sharpe})
        for number, ((period, level), sharpe) in enumerate(values.items())
    ]


def axes(most=10):
    return HeatAxis.of_values("period", [5, 6, 7], most=most), HeatAxis.of_values(
        "level", [0.5, 1.0], most=most
    )


def heat(values, sign=1, most=10):
    x, y = axes(most)
    return heat_of(trials(values), metric="sharpe", sign=sign, x=x, y=y)


def test_every_combination_has_its_cell():
    """Rows are y, columns are x; what was not tried or is not defined is NaN."""
    found = heat({(5, 0.5): 1.0, (7, 1.0): 2.0, (6, 1.0): None})

    assert [[1.0, "nan", "nan"], ["nan", "nan", 2.0]] == [
        ["nan" if np.isnan(value) else value for value in row] for row in found.values.tolist()
    ]
    assert found.best == (1, 2)


def test_values_that_share_a_cell_show_the_best_of_them():
    """The best is the least where less is better."""
    values = {(5, 0.5): 3.0, (6, 0.5): 1.0, (7, 0.5): 2.0}

    assert heat(values, most=1).values.tolist() == [[3.0]]
    assert heat(values, sign=-1, most=1).values.tolist() == [[1.0]]
    assert heat(values, sign=-1).best == (0, 1)


def test_long_lists_are_cut_into_even_cells():
    """In the order of the numbers, whatever the order in which they were given."""
    axis = HeatAxis.of_values("period", [9, 5, 6, 7, 8], most=2)

    assert axis.cells == ((5, 6), (7, 8, 9))
    assert axis.labels == ["5", "7"]
    assert [axis.place(value) for value in (5, 6, 7, 9)] == [0, 0, 1, 1]


def test_a_continuous_axis_is_cut_into_equal_pieces():
    """Both ends belong to it."""
    axis = HeatAxis.of_span("level", 20.0, 40.0, most=4)

    assert [axis.place(value) for value in (20.0, 24.9, 25.0, 39.9, 40.0)] == [0, 0, 1, 3, 3]
    assert axis.labels == ["20", "25", "30", "35"]


def test_the_terminal_shows_the_largest_y_on_top_and_the_best_in_brackets():
    """A dot where nothing was tried."""
    lines = render_text(heat_table(heat({(5, 0.5): 1.0, (7, 1.0): 2.0, (6, 0.5): -0.5}))).splitlines()

    assert lines == [
        "Sharpe by period (across) and level (up)",
        "level      5      6      7",
        "    1      ·      · [2.00]",
        "  0.5   1.00  -0.50      ·",
    ]


def test_a_search_over_one_parameter_is_one_row():
    """Without a name for y."""
    x, _ = axes()
    found = heat_of(trials({(5, 1): 1.0, (6, 1): 3.0}), metric="sharpe", sign=1, x=x, y=None)
    text = render_text(heat_table(found))

    assert "Sharpe by period (across)\n" in text
    assert "[3.00]" in text


@pytest.mark.parametrize("has_y", [True, False])
def test_the_picture_shows_the_cells_and_frames_the_best(tmp_path, has_y):
    """A map over two parameters, a curve over one; the same search gives the same bytes."""
    x, y = axes()
    found = heat_of(
        trials({(5, 0.5): 1.0, (6, 0.5): -1.0, (7, 1.0): 2.5}),
        metric="sharpe",
        sign=1,
        x=x,
        y=y if has_y else None,
    )
    figures = [draw_heat(found, title="rsi on X 1d", subtitle="3", corner="synthetic data") for _ in range(2)]
    for place, figure in enumerate(figures):
        save_figure(figure, tmp_path / f"{place}.png")
    main = figures[0].axes[0]

    assert main.get_xlabel() == "period"
    assert main.get_ylabel() == ("level" if has_y else "Sharpe")
    assert [text.get_text() for text in main.texts] == (["1.00", "-1.00", "2.50"] if has_y else [])
    if has_y:
        assert [(patch.get_x(), patch.get_y()) for patch in main.patches] == [(1.5, 0.5)]
    assert (tmp_path / "0.png").read_bytes() == (tmp_path / "1.png").read_bytes()


def test_a_map_of_nothing_is_refused():
    """Where no combination defines the metric."""
    with pytest.raises(DataError, match="has a sharpe"):
        draw_heat(heat({(5, 0.5): None}), title="", subtitle="", corner="")
