"""Tables fit the terminal, survive without colour, and hide nothing."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bt_run.core.interval import Interval
from bt_run.core.market import BarFile, Bars
from bt_run.core.results import EquityCurve, OpenPosition, RejectedOrder, RunResult
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.reports.metrics import compute_metrics
from bt_run.reports.numbers import UNKNOWN
from bt_run.reports.tables import comparison_table, render_text, run_table

DAY = 86_400_000
ESCAPE = "\x1b"


def result_of(name="rsi", *, growth=1.5, path="btc.csv", **changes) -> RunResult:
    count = 400
    closes = np.linspace(100.0, 120.0, count)
    bars = Bars.of(np.arange(count) * DAY, open=closes, high=closes, low=closes, close=closes)
    equity = 10_000.0 * np.linspace(1.0, growth, count) * (1.0 + 0.05 * np.sin(np.arange(count)))
    equity[0] = 10_000.0
    curve = EquityCurve(equity, equity, np.zeros(count))
    data = BarFile(Path(path), "BTCUSDT", Interval(1, "d"), bars, "ab" * 32, note="synthetic data")
    metrics = compute_metrics(
        curve=curve, bars=bars, trades=(), fills=(), cash=10_000.0, interval=data.interval
    )
    result = RunResult(
        strategy=name, params={}, data=data, settings=BacktestSettings(), engine="backtrader", curve=curve,
        trades=(), fills=(), rejected=(), open_position=None, metrics=metrics,
    )  # fmt: skip
    return dataclasses.replace(result, **changes)


def with_metrics(result, **values) -> RunResult:
    return dataclasses.replace(result, metrics={**result.metrics, **values})


def row_of(text, label) -> str:
    return next(line for line in text.splitlines() if line.startswith(label))


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_run_never_exceeds_the_width(width):
    """Eighty columns are the most it takes, and a narrow terminal gets a narrow table."""
    lines = render_text(run_table(result_of()), width=width).splitlines()

    assert max(len(line) for line in lines) <= min(width, 80)


def test_the_groups_stand_side_by_side_at_80_columns():
    """Result beside risk, trades beside costs: one screen of 24 lines."""
    lines = render_text(run_table(result_of())).splitlines()

    assert any(line.startswith("Result") and "Risk" in line for line in lines)
    assert any(line.startswith("Trades") and "Costs" in line for line in lines)
    assert len(lines) <= 24


def test_a_run_says_what_was_run_on_what():
    """Strategy, parameters, symbol, range, number of bars, engine and the data's note."""
    text = render_text(run_table(result_of(params={"period": 10})))

    assert "rsi(period=10) on BTCUSDT 1d" in text
    assert "1970-01-01 to 1971-02-04 UTC · 400 bars · backtrader engine" in text
    assert "synthetic data" in text


def test_numbers_are_written_for_people():
    """Separators, signs, the quote asset, days, and a dash for what is undefined."""
    result = with_metrics(
        result_of(), equity_final=1234567.891, return_pct=12.345, max_drawdown_pct=34.5, sharpe=None,
        max_drawdown_duration_s=584 * 86_400.0,
    )  # fmt: skip

    text = render_text(run_table(result))

    assert "1,234,567.89 USDT" in row_of(text, "Final equity")
    assert "+12.35%" in row_of(text, "Return ")
    assert "-34.50%" in row_of(text, "Final equity")
    assert "584d" in row_of(text, "Buy and hold")
    assert row_of(text, "Return a year") != row_of(text, "Alpha a year")
    assert row_of(text, "Alpha a year").endswith(UNKNOWN)


def test_what_needs_attention_is_not_hidden():
    """Open position, refused orders with the first reason, and warnings of the data are on the table."""
    result = result_of(
        open_position=OpenPosition(10 * DAY, 10, "long", 0.5, 100.0, 120.0, 9.5, 19.0, 0.5, "signal"),
        rejected=tuple(
            RejectedOrder(bar, bar * DAY, "buy", 2.0, 101.5, "not enough cash") for bar in range(3, 6)
        ),
    )
    result = dataclasses.replace(
        result, data=dataclasses.replace(result.data, warnings=("2 gaps", "b", "c", "d", "e"))
    )

    text = " ".join(render_text(run_table(result)).split())

    assert "0 + 1 open" in text
    assert "Open: long 0.5 since 1970-01-11 at 100.00, last 120.00: 9.50 USDT (+19.00%)" in text
    assert "Rejected: 3 orders, the first on 1970-01-04: buy 2 at 101.50: not enough cash" in text
    assert "Data: 2 gaps" in text
    assert "Data: 2 more warnings" in text


def test_protection_and_costs_are_shown_where_they_are_set():
    """A stop changes everything; a run without one does not mention it."""
    settings = BacktestSettings(commission=0.00075, protection=Protection(stop_loss_pct=2.5))

    text = render_text(run_table(result_of(settings=settings)))

    assert "0.075%" in text
    assert "Stop-loss" in text
    assert "Stop-loss" not in render_text(run_table(result_of()))


def test_a_pipe_gets_no_colour_codes_and_a_terminal_does():
    """The words are the same either way."""
    for table in (run_table(result_of()), comparison_table([result_of()])):
        plain, colored = render_text(table), render_text(table, color=True)

        assert ESCAPE not in plain
        assert ESCAPE in colored


def test_names_that_look_like_markup_are_shown_as_they_are():
    """A strategy called [red] is called [red]."""
    assert "[red]x[/red]" in render_text(run_table(result_of("[red]x[/red]")))


def test_a_terminal_without_unicode_gets_ascii():
    """Dashes and dots are replaced; nothing raises."""
    for table in (run_table(result_of("naïve")), comparison_table([result_of()])):
        raw = io.BytesIO()
        with io.TextIOWrapper(raw, encoding="ascii", write_through=True) as file:
            Console(file=file, width=80, highlight=False).print(table)
            text = raw.getvalue().decode("ascii")

        assert "1970-01-01 to 1971-02-04 UTC | 400 bars" in text


def test_a_comparison_has_a_row_a_strategy_and_buy_and_hold():
    """The measure stands below the strategies."""
    lines = render_text(comparison_table([result_of("rsi"), result_of("sar")])).splitlines()

    assert ["rsi", "sar", "buy"] == [line.split()[0] for line in lines[-4:-1]]


def test_the_best_of_a_column_is_marked_without_colour_too():
    """The highest return, the smallest drawdown; buy and hold takes part."""
    better = with_metrics(result_of("sar"), return_pct=90.0, max_drawdown_pct=30.0, sharpe=0.1)
    worse = with_metrics(result_of("rsi"), return_pct=80.0, max_drawdown_pct=10.0, sharpe=0.2)

    text = render_text(comparison_table([better, worse]))

    assert "+90.0%*" in row_of(text, "sar")
    assert "-10.0% " in row_of(text, "rsi")
    assert "0.0%*" in row_of(text, "buy and hold")


def test_equal_values_are_all_best_and_a_lone_value_is_not():
    """A tie has two winners; a race of one has none."""
    first = with_metrics(result_of("sar"), return_pct=90.0, profit_factor=2.0)
    second = with_metrics(result_of("rsi"), return_pct=90.0, profit_factor=None)

    text = render_text(comparison_table([first, second]))

    assert 2 == text.count("+90.0%*")
    assert "2.00 " in row_of(text, "sar")


def test_runs_are_grouped_by_their_data():
    """Each file has its title, its buy and hold, and its own best."""
    results = [result_of("rsi"), result_of("rsi", path="eth.csv"), result_of("sar")]

    lines = render_text(comparison_table(results)).splitlines()

    assert 2 == sum(line.startswith("buy and hold") for line in lines)
    assert ["rsi", "sar", "buy", "rsi", "buy"] == [
        line.split()[0] for line in lines if line.startswith(("rsi", "sar", "buy"))
    ]


def test_names_of_22_characters_fit_80_columns_and_longer_ones_wrap():
    """No column is cut, and no letter of a name is lost."""
    exact, longer = "A" * 22, "Z" * 40

    text = render_text(comparison_table([result_of(exact), result_of(longer)]))

    assert exact in text
    assert 40 == text.count("Z")
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "Final" in text


@pytest.mark.parametrize(("width", "left_out"), [(60, "Ann., PF"), (40, "Ann., Trades, Win, PF, Final")])
def test_a_narrow_terminal_gets_fewer_columns_and_is_told(width, left_out):
    """Whole columns go, the least telling first; nothing is cut in two."""
    text = render_text(comparison_table([result_of("rsi(period=10)")]), width=width)

    assert f"too narrow for {left_out}" in " ".join(text.split())
    assert "Max DD" in text
    assert "+20.0% " in row_of(text, "buy and hold")
    assert max(len(line) for line in text.splitlines()) <= width
