"""The picture of a run shows what the run says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection

from bt_run.core.errors import DataError
from bt_run.core.market import Bars
from bt_run.core.results import EquityCurve
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.reports.candles import CANDLES_UP_TO
from bt_run.reports.figure import draw_run, save_figure
from bt_run.reports.scales import days
from bt_run.reports.style import drawing

MINUS = "\N{MINUS SIGN}"

_METRICS = {
    "return_pct": 51.26,
    "buy_hold_return_pct": -7.7,
    "max_drawdown_pct": 23.45,
    "sharpe": 1.234,
    "trades": 2,
    "win_rate_pct": 50.0,
    "equity_final": 15_126.0,
}


@pytest.fixture
def run(make):
    """Give a run of two trades with numbers, on data with a note."""
    data = make.bar_file(note="synthetic data")
    fills = [
        make.fill(data, 3, 1.0, 1.0),
        make.fill(data, 9, -1.0, 0.0),
        make.fill(data, 20, 1.0, 1.0),
        make.fill(data, 31, -1.0, 0.0, tag="stop_loss"),
    ]
    trades = [make.trade(*fills[:2]), make.trade(*fills[2:])]
    return make.result(data, fills=fills, trades=trades, metrics=_METRICS)


def _panel(figure, name):
    return next(axes for axes in figure.axes if axes.get_ylabel().startswith(name))


def _draws(figure):
    FigureCanvasAgg(figure).draw()
    return figure


def test_the_head_tells_strategy_data_and_note(run, make):
    """Title, data, range, costs and the note are all there."""
    text = " | ".join(make.texts(draw_run(run)))

    for part in ("rsi(period=10)", "BTCUSDT 1d", "2020-09-13 to 2020-11-11 UTC", "60 bars", "commission 0.1%"):
        assert part in text
    assert "synthetic data" in text.lower()


def test_the_head_tells_the_numbers_that_matter(run, make):
    """Each number stands under its name."""
    texts = make.texts(draw_run(run))

    tiles = dict(zip(texts[3:17:2], texts[4:18:2], strict=True))
    expected = {
        "Return": "+51.3%", "Buy & hold": f"{MINUS}7.7%", "Max drawdown": f"{MINUS}23.4%", "Sharpe": "1.23",
        "Trades": "2", "Win rate": "50.0%", "Final equity": "15,126",
    }  # fmt: skip
    assert expected == tiles


def test_an_open_position_is_told(run, make):
    """Trades that are not over are counted apart."""
    fill = make.fill(run.data, 50, 1.0, 1.0)

    assert "2 + 1 open" in make.texts(draw_run(replace(run, open_position=make.open_position(fill))))


def test_unknown_numbers_are_dashes(run, make):
    """None, or no metric at all, is a dash and not a number."""
    texts = make.texts(draw_run(replace(run, metrics={"sharpe": None, "trades": 0})))

    assert 6 == texts.count("\N{EN DASH}")


def test_stops_and_slippage_are_told(run, make):
    """What was set is written beside the data."""
    told = BacktestSettings(slippage=0.0005, protection=Protection(stop_loss_pct=4.0, take_profit_pct=6.5))
    text = " | ".join(make.texts(draw_run(replace(run, settings=told))))

    assert "slippage 0.05% · stop-loss 4% · take-profit 6.5%" in text


@pytest.mark.parametrize(
    ("volume", "panels", "expected"),
    [
        (True, [], ["Price", "", "Equity", "Drawdown"]),
        (False, [], ["Price", "Equity", "Drawdown"]),
        (True, ["MACD", "MACD signal", "RSI"], ["Price", "", "MACD", "RSI", "Equity", "Drawdown"]),
    ],
)
def test_panels_from_the_top(make, volume, panels, expected):
    """Price, volume where there is one, indicators, equity and drawdown, on one time axis."""
    data = make.bar_file(volume=volume)

    figure = draw_run(make.result(data, panels=dict.fromkeys(panels, data.bars.close)))

    assert expected == [axes.get_ylabel() for axes in figure.axes]
    tops = [axes.get_position().y1 for axes in figure.axes]
    assert sorted(tops, reverse=True) == tops
    assert 1 == len({axes.get_xlim() for axes in figure.axes})


def test_price_markers_are_the_fills(run):
    """Every fill of the result is on the price panel at its time and price, and nothing else is."""
    price = _panel(draw_run(run), "Price")

    drawn = [
        point
        for line in price.lines
        if "entry" in line.get_label() or "exit" in line.get_label() or "stop" in line.get_label()
        for point in zip(*line.get_data(), strict=True)
    ]
    fills = [(days([fill.time_ms])[0], fill.price) for fill in run.fills]
    assert sorted(fills) == sorted(drawn)


def test_few_bars_are_candles_and_many_a_line(make):
    """Up to the limit each bar has a body; beyond it the close is a line on the range of the bars."""
    few = _panel(draw_run(make.result(make.bar_file(CANDLES_UP_TO))), "Price")
    many = _panel(draw_run(make.result(make.bar_file(CANDLES_UP_TO + 1))), "Price")

    bodies = [artist for artist in few.collections if isinstance(artist, PolyCollection)]
    assert [CANDLES_UP_TO] == [len(body.get_paths()) for body in bodies]
    assert ["close"] == [line.get_label() for line in many.lines]


def test_a_long_run_is_thinned_but_keeps_its_extremes(make):
    """The lines of 200,000 bars hold some thousand points, among them the highest and lowest close."""
    data = make.bar_file(200_000, interval="1m")
    price = _panel(draw_run(make.result(data)), "Price")

    (line,) = [line for line in price.lines if line.get_label() == "close"]
    assert len(line.get_ydata()) < 6_000
    close = data.bars.close
    assert (close.min(), close.max()) == (line.get_ydata().min(), line.get_ydata().max())


def test_equity_and_buy_and_hold_start_together_and_end_with_their_values(run, make):
    """Both curves begin with the cash, and the right edge tells where they end."""
    equity = _panel(draw_run(run), "Equity")

    own, held = equity.lines
    assert ["equity", "buy & hold"] == [own.get_label(), held.get_label()]
    assert [10_000.0, 10_000.0] == [own.get_ydata()[0], held.get_ydata()[0]]
    ends = sorted(text.get_text().strip() for text in equity.texts)
    assert sorted(f"{line.get_ydata()[-1]:,.0f}" for line in (own, held)) == ends


@pytest.mark.parametrize(("factor", "name"), [(7.0, "Equity"), (9.0, "Equity (log scale)")])
def test_a_wide_range_is_on_a_log_scale_and_says_so(make, factor, name):
    """From eight times on the axis is logarithmic, and its label tells."""
    data = make.bar_file()
    figure = draw_run(make.result(data, equity=np.geomspace(10_000.0, 10_000.0 * factor, 60)))

    equity = _panel(figure, "Equity")
    assert name == equity.get_ylabel()
    assert ("log" if "log" in name else "linear") == equity.get_yscale()


def test_the_two_bands_share_a_colour(run):
    """Upper and lower band are one thing; the middle is another."""
    close = run.data.bars.close
    overlays = {"Upper band": close * 1.1, "Middle band": close, "Lower band": close * 0.9}

    price = _panel(draw_run(replace(run, overlays=overlays)), "Price")

    colors = {line.get_label(): line.get_color() for line in price.lines}
    assert colors["Upper band"] == colors["Lower band"] != colors["Middle band"]


def test_a_wild_overlay_does_not_flatten_the_price(run):
    """The axis holds the bars; a curve a thousand times higher leaves the picture instead."""
    price = _panel(draw_run(replace(run, overlays={"wild": run.data.bars.close * 1000})), "Price")

    assert price.get_ylim()[1] < run.data.bars.high.max() * 2


def test_sar_is_drawn_as_dots(run):
    """A parabolic SAR jumps from side to side; a line would cross the price each time."""
    price = _panel(draw_run(replace(run, overlays={"SAR": run.data.bars.low})), "Price")

    (dots,) = [line for line in price.lines if line.get_label() == "SAR"]
    assert ("None", "o") == (dots.get_linestyle(), dots.get_marker())


def _flat(run):
    bars = Bars.of(run.data.bars.open_time, **dict.fromkeys(("open", "high", "low", "close"), np.full(60, 5.0)))
    return replace(run, data=replace(run.data, bars=bars), fills=(), trades=())


def _one_bar(run):
    one = np.ones(1)
    data = replace(run.data, bars=run.data.bars[:1])
    return replace(
        run, data=data, fills=(), trades=(), curve=EquityCurve(one, one, one), panels={"RSI": one * np.nan}
    )


def _all_nan(run):
    unknown = np.full(60, np.nan)
    return replace(
        run,
        curve=EquityCurve(unknown, unknown, unknown),
        panels={"RSI": unknown, "RSI histogram": unknown},
        overlays={"SMA": unknown, "SAR": unknown},
    )


def _negative(run):
    equity = np.linspace(10_000.0, -5_000.0, 60)
    return replace(run, curve=EquityCurve(equity, equity, equity))


def _strange_names(run):
    name = "a_b$c$_<d>&策略\n$\\frac{x$"
    return replace(
        run,
        strategy=name,
        params={name: name * 9},
        data=replace(run.data, symbol=name, note=name * 9),
        panels={f"{name}: {name}": run.data.bars.close, "": run.data.bars.close},
        overlays={f"_{name} {number}": run.data.bars.close for number in range(14)},
    )


@pytest.mark.parametrize("change", [_flat, _one_bar, _all_nan, _negative, _strange_names])
def test_odd_runs_are_drawn_too(run, tmp_path, change):
    """Flat prices, one bar, NaN, debts and names full of signs give a picture and no warning."""
    figure = draw_run(change(run))
    save_figure(figure, tmp_path / "plot.png")
    save_figure(figure, tmp_path / "plot.svg")

    assert 2 == len(list(tmp_path.iterdir()))


def test_a_run_without_trades_is_drawn(make):
    """No fills, no markers, no legend on the price."""
    price = _panel(_draws(draw_run(make.result())), "Price")

    assert price.get_legend() is None


def test_a_run_without_bars_is_an_error(make):
    """Nothing to draw is said in words."""
    with pytest.raises(DataError, match="no bars"):
        draw_run(make.result(make.bar_file(0), equity=np.array([])))


def test_many_indicators_make_the_picture_taller_not_flatter(run):
    """Six panels leave the price its height."""
    many = draw_run(replace(run, panels={f"I{number}": run.data.bars.close for number in range(6)}))
    few = draw_run(run)

    assert many.get_size_inches()[1] > few.get_size_inches()[1]
    price = _panel(many, "Price").get_position().height * many.get_size_inches()[1]
    assert price == pytest.approx(2.6)


def test_texts_do_not_run_out_of_the_picture(run):
    """Everything written lies inside the figure."""
    figure = draw_run(_strange_names(run))
    canvas = FigureCanvasAgg(figure)
    with drawing():
        canvas.draw()
        texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
        boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts]

    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)
