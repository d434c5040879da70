"""The picture of a comparison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bt_run.core.errors import DataError
from bt_run.reports.compare_curves import group_by_data, params_text
from bt_run.reports.compare_figure import draw_comparison
from bt_run.reports.figure import save_figure

MINUS = "\N{MINUS SIGN}"


def _runs(make, data, count):
    start = np.full(len(data.bars), 10_000.0)
    growth = [np.linspace(0.0, 500.0 * (number - 2), len(start)) for number in range(count)]
    return [
        make.result(data, strategy=f"s{number}", params={"period": number}, equity=start + growth[number])
        for number in range(count)
    ]


def _looks(axes):
    lines = [line for line in axes.lines if line.get_label() != "buy & hold"]
    return [(line.get_color(), line._dash_pattern) for line in lines]


@pytest.mark.parametrize("count", [1, 2, 5, 12, 20])
def test_every_strategy_has_a_line_of_its_own(make, count):
    """Each strategy is one line on both panels, no two alike, with buy and hold as the last."""
    figure = draw_comparison(_runs(make, make.bar_file(), count), log=False)

    upper, lower = figure.axes
    labels = [f"s{number}(period={number})" for number in range(count)]
    assert [*labels, "buy & hold"] == [line.get_label() for line in upper.lines[: count + 1]]
    assert [*labels, "buy & hold"] == [line.get_label() for line in lower.lines]
    looks = [(line.get_color(), str(line._dash_pattern)) for line in lower.lines]
    assert count + 1 == len(set(looks))


def test_the_table_is_sorted_by_return(make):
    """Best first; each row tells name, parameters, return and drawdown."""
    data = make.bar_file()
    figure = draw_comparison(_runs(make, data, 4), log=False)

    texts = [text.get_text() for text in figure.axes[0].texts]
    assert [text for text in texts if text in {"s0", "s1", "s2", "s3"}] == ["s3", "s2", "s1", "s0"]
    assert {"period=3", "+5.0%", f"{MINUS}10.0%", "buy & hold"} <= set(texts)
    held = (data.bars.close[-1] / data.bars.close[0] - 1) * 100
    assert f"{held:+.1f}%".replace("-", MINUS) in texts


def test_each_data_set_has_its_own_panels_and_buy_and_hold(make):
    """Two data sets give two pairs; a strategy looks the same on both."""
    first, second = make.bar_file(), make.bar_file(40, symbol="ETHUSDT", note="synthetic data", seed=2)
    runs = [run for data in (first, second) for run in _runs(make, data, 3)]

    figure = draw_comparison(runs, log=False)

    assert ["Equity", "Drawdown"] * 2 == [axes.get_ylabel() for axes in figure.axes]
    assert _looks(figure.axes[1]) == _looks(figure.axes[3])
    text = " | ".join(make.texts(figure))
    assert "BTCUSDT 1d" in text
    assert "ETHUSDT 1d · 2020-09-13 to 2020-10-22 UTC · 40 bars · synthetic data" in text


def test_the_note_of_the_data_is_shown(make):
    """Synthetic data says so in a badge."""
    figure = draw_comparison(_runs(make, make.bar_file(note="synthetic data"), 2), log=False)

    assert "Synthetic data" in make.texts(figure)


def test_different_cash_is_compared_by_return(make):
    """Money is shown only where all began with the same; otherwise percent, or multiples on a log scale."""
    data = make.bar_file()
    runs = [make.result(data, strategy="a", cash=1_000.0), make.result(data, strategy="b", cash=50_000.0)]

    upper = draw_comparison(runs, log=False).axes[0]

    np.testing.assert_allclose(upper.lines[0].get_ydata(), upper.lines[1].get_ydata())
    assert "Return" == upper.get_ylabel()
    assert "Multiple of the starting cash (log scale)" == draw_comparison(runs, log=True).axes[0].get_ylabel()


def test_the_log_scale_is_a_choice_and_leaves_out_debts(make):
    """What is not above zero cannot stand on a log scale; the rest is drawn."""
    data = make.bar_file()
    run = make.result(data, equity=np.linspace(10_000.0, -10_000.0, 60))

    upper = draw_comparison([run], log=True).axes[0]

    shown = upper.lines[0].get_ydata()
    assert ("log", "Equity (log scale)") == (upper.get_yscale(), upper.get_ylabel())
    assert 30 == np.isfinite(shown).sum()


def test_a_tall_table_makes_a_tall_picture(make):
    """Thirty strategies do not run off the lower edge."""
    figure = draw_comparison(_runs(make, make.bar_file(), 30), log=False)

    upper = figure.axes[0]
    bottoms = [upper.transAxes.transform(text.get_position())[1] for text in upper.texts]
    assert figure.get_size_inches()[1] > 10.0
    assert min(bottoms) > 10.0


def test_differing_parameters_come_first(make):
    """Rows of one strategy differ at their beginning, because their end may be cut off."""
    data = make.bar_file()
    one, two = (make.result(data, params={"period": 10, "oversold": level}) for level in (25, 30))

    assert "oversold=30, period=10" == params_text(two, [one, two])
    assert "period=10, oversold=30" == params_text(two, [two])


def test_results_are_grouped_by_their_bars(make):
    """The same file over another range is another data set."""
    data = make.bar_file()
    later = replace(data, bars=data.bars[10:])
    runs = [make.result(data), make.result(later), make.result(data)]

    assert [[runs[0], runs[2]], [runs[1]]] == group_by_data(runs)


@pytest.mark.parametrize("log", [False, True])
def test_odd_runs_are_compared_too(make, tmp_path, log):
    """One bar, unknown equity and names full of signs give a picture and no warning."""
    data = make.bar_file()
    one = make.bar_file(1, symbol="ONE")
    name = "a_b$c$<d>策略" * 9
    runs = [
        make.result(data, strategy=name, params={name: name}, equity=np.full(60, np.nan)),
        make.result(one, strategy="one"),
    ]

    save_figure(draw_comparison(runs, log=log), tmp_path / "plot.png")

    assert (tmp_path / "plot.png").is_file()


def test_nothing_to_compare_is_an_error(make):
    """No results, or no bars, is said in words."""
    with pytest.raises(DataError, match="no bars"):
        draw_comparison([], log=False)
    with pytest.raises(DataError, match="no bars"):
        draw_comparison([make.result(make.bar_file(0), equity=np.array([]))], log=False)
