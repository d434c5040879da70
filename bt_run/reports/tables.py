"""One run as a table that a trader reads at a glance, at 80 columns, with colour and without."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bt_run.reports.cells import (
    duration_cell,
    money_cell,
    percent_cell,
    price_cell,
    quote_asset,
    ratio_cell,
    size_cell,
)
from bt_run.reports.comparison_table import comparison_table
from bt_run.reports.fitted import Fitted
from bt_run.reports.heading import data_lines, engine_lines, one_line, time_cell, warning_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bt_run.core.results import RunResult

__all__ = ["comparison_table", "render_text", "run_table"]

_NARROW = 70
_DAY_MS = 86_400_000

_Row = tuple[str, str | Text]


def run_table(result: RunResult, *, console_width: int = 80) -> RenderableType:
    """
    Lay out a run: result beside risk, trades beside costs, and below what needs attention.

    At most `console_width` columns wide, in a wider terminal too. Below 70 columns the groups stand one under
    the other.
    """
    return Fitted(lambda width: _parts(result, narrow=width < _NARROW), console_width)


def render_text(renderable: RenderableType, *, width: int = 80, color: bool = False) -> str:
    """Render at a width, with a terminal's colour codes only where asked for; lines have no trailing blanks."""
    file = io.StringIO()
    system = "truecolor" if color else None
    console = Console(file=file, width=width, highlight=False, force_terminal=color, color_system=system)  # type: ignore[arg-type]  # a Literal in a variable
    console.print(renderable)
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def _parts(result: RunResult, *, narrow: bool) -> Iterator[RenderableType]:
    yield Text(f"{one_line(result.label)} on {one_line(result.data.title)}", style="bold")
    yield from data_lines(result.data, last_words=f"{result.engine} engine")
    groups = [
        _group("Result", _result_rows(result)),
        _group("Risk", _risk_rows(result)),
        _group("Trades", _trade_rows(result)),
        _group("Costs", _cost_rows(result)),
    ]
    if narrow:
        yield from groups
    else:
        yield _beside(groups[0], groups[1])
        yield _beside(groups[2], groups[3])
    yield from _notices(result)


def _group(title: str, rows: Sequence[_Row]) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for label, value in rows:
        table.add_row(Text(label), value)
    return Group(Rule(Text(title, style="bold cyan"), align="left", style="dim"), table)


def _beside(left: RenderableType, right: RenderableType) -> Table:
    pair = Table.grid(expand=True, padding=(0, 3, 0, 0), pad_edge=False)
    pair.add_column(ratio=1)
    pair.add_column(ratio=1)
    pair.add_row(left, right)
    return pair


def _digits(result: RunResult) -> int:
    """Give the decimals of money: cents, or satoshi for an account in bitcoin."""
    return 2 if result.settings.cash >= 100 else 8


def _money(result: RunResult, value: float | None) -> str:
    quote = quote_asset(result.data.symbol)
    text = money_cell(value, digits=_digits(result))
    return f"{text} {quote}" if quote and value is not None else text


def _colored(value: float | None, text: str) -> Text:
    return Text(text, style="" if not value else "green" if value > 0 else "red")


def _change(value: float | None) -> Text:
    return _colored(value, percent_cell(value))


def _fall(value: float | None) -> str:
    """Write a drawdown with its minus; the metrics hold it as a positive number."""
    return percent_cell(None if value is None else -value)


def _result_rows(result: RunResult) -> list[_Row]:
    found = result.metrics.get
    final = _money(result, found("equity_final"))
    gain = found("return_pct")
    return [
        ("Final equity", Text(final, style="bold")),
        ("Return", Text.assemble(_change(gain), style="bold")),
        ("Buy and hold", _change(found("buy_hold_return_pct"))),
        ("Return a year", _change(found("return_ann_pct"))),
        ("CAGR", _change(found("cagr_pct"))),
        ("Alpha a year", _change(found("alpha_pct"))),
        ("Beta", ratio_cell(found("beta"))),
        ("Peak equity", _money(result, found("equity_peak"))),
        ("Exposure", percent_cell(found("exposure_pct"), signed=False, digits=1)),
    ]


def _risk_rows(result: RunResult) -> list[_Row]:
    found = result.metrics.get
    return [
        ("Max drawdown", Text(_fall(found("max_drawdown_pct")), style="bold")),
        ("Average drawdown", _fall(found("avg_drawdown_pct"))),
        ("Longest drawdown", duration_cell(found("max_drawdown_duration_s"))),
        ("Average length", duration_cell(found("avg_drawdown_duration_s"))),
        ("Volatility a year", percent_cell(found("volatility_ann_pct"), signed=False)),
        ("Sharpe", Text(ratio_cell(found("sharpe")), style="bold")),
        ("Sortino", ratio_cell(found("sortino"))),
        ("Calmar", ratio_cell(found("calmar"))),
        ("SQN", ratio_cell(found("sqn"))),
    ]


def _trade_rows(result: RunResult) -> list[_Row]:
    found = result.metrics.get
    still_open = " + 1 open" if result.open_position else ""
    return [
        ("Trades", Text(f"{len(result.trades):,}{still_open}", style="bold")),
        ("Win rate", percent_cell(found("win_rate_pct"), signed=False, digits=1)),
        ("Profit factor", ratio_cell(found("profit_factor"))),
        ("Kelly", ratio_cell(found("kelly"))),
        ("Expectancy", _change(found("expectancy_pct"))),
        ("Average trade", _change(found("avg_trade_pct"))),
        ("Best trade", _change(found("best_trade_pct"))),
        ("Worst trade", _change(found("worst_trade_pct"))),
        ("Average duration", duration_cell(found("avg_trade_duration_s"))),
        ("Longest trade", duration_cell(found("max_trade_duration_s"))),
    ]


def _short_selling(result: RunResult) -> str:
    """Say whether shorts were allowed; a hand-written strategy sells short without asking."""
    if result.settings.allow_short:
        return "yes"
    return "by the strategy" if (result.curve.position < 0).any() else "no"


def _cost_rows(result: RunResult) -> list[_Row]:
    told, guard = result.settings, result.settings.protection
    rows: list[_Row] = [
        ("Starting cash", _money(result, told.cash)),
        ("Stake", str(told.stake)),
        ("Commission", f"{told.commission * 100:.6g}%"),
        ("Slippage", f"{told.slippage * 100:.6g}%"),
        ("Short selling", _short_selling(result)),
    ]
    stops = (
        ("Stop-loss", guard.stop_loss_pct),
        ("Take-profit", guard.take_profit_pct),
        ("Trailing stop", guard.trailing_stop_pct),
    )
    rows += [(label, f"{value:.6g}%") for label, value in stops if value is not None]
    fees = result.metrics.get("fees_paid")
    share = None if fees is None else fees / told.cash * 100.0
    return [
        *rows,
        ("Fees paid", Text(_money(result, fees), style="bold")),
        ("Fees of starting cash", percent_cell(share, signed=False)),
    ]


def _notices(result: RunResult) -> list[RenderableType]:
    """Write what the numbers alone do not say: a position still held, orders refused, faults of the data."""
    lines = [
        *_ruin_lines(result),
        *_open_lines(result),
        *_rejected_lines(result),
        *engine_lines(result),
        *warning_lines(result.data),
    ]
    return [Rule(style="dim"), *lines] if lines else []


def _ruin_lines(result: RunResult) -> list[Text]:
    """Say when a short cost more than the account: Backtrader lets it run on, an exchange would not."""
    below = np.flatnonzero(result.curve.equity <= 0)
    if not len(below):
        return []
    day = time_cell(int(result.data.bars.open_time[below[0]]), with_clock=False)
    words = f"Ruined: equity fell to zero on {day}. An exchange would have closed the position before."
    return [Text(words, style="bold red")]


def _open_lines(result: RunResult) -> list[Text]:
    held = result.open_position
    if held is None:
        return []
    day = time_cell(held.entry_ms, with_clock=result.data.interval.approximate_ms < _DAY_MS)
    line = Text(
        f"Open: {held.side} {size_cell(held.size)} since {day} at {price_cell(held.entry_price)}, "
        f"last {price_cell(held.last_price)}: "
    )
    return [line.append_text(_colored(held.pnl, f"{_money(result, held.pnl)} ({percent_cell(held.pnl_pct)})"))]


def _rejected_lines(result: RunResult) -> list[Text]:
    if not result.rejected:
        return []
    first, count = result.rejected[0], len(result.rejected)
    day = time_cell(first.time_ms, with_clock=result.data.interval.approximate_ms < _DAY_MS)
    words = f"{count:,} orders, the first" if count > 1 else "1 order"
    return [
        Text(
            f"Rejected: {words} on {day}: {first.side} {size_cell(first.size)} "
            f"at {price_cell(first.price)}: {one_line(first.reason)}",
            style="red",
        )
    ]
