"""Several runs as one table: a row a strategy, the best of every column marked, buy and hold the last row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from bt_run.reports.benchmark import data_key, find_holds
from bt_run.reports.cells import money_cell, percent_cell, quote_asset, ratio_cell
from bt_run.reports.fitted import Fitted
from bt_run.reports.heading import data_lines, engine_lines, one_line, warning_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from bt_run.core.results import RunResult
    from bt_run.reports.benchmark import Hold

    _Metrics = Mapping[str, float | int | None]

__all__ = ["comparison_table"]

BEST = "*"
_NAME_WIDTH = 12
_DISPENSABLE = ("return_ann_pct", "profit_factor", "win_rate_pct", "trades", "equity_final")


@dataclass(frozen=True, slots=True)
class _Column:
    """One metric: its heading, how it is written, and which way is better (0: neither)."""

    key: str
    heading: str
    write: Callable[[float | None], str]
    better: int


def _percent(value: float | None) -> str:
    return percent_cell(value, digits=1 if value is None or abs(value) < 100 else 0)


def _fall(value: float | None) -> str:
    return _percent(None if value is None else -value)


def _share(value: float | None) -> str:
    return percent_cell(value, signed=False, digits=0)


def _count(value: float | None) -> str:
    return ratio_cell(value, digits=0)


def _money(value: float | None) -> str:
    return money_cell(value, digits=0 if value is None or abs(value) >= 100 else 4)


_COLUMNS = (
    _Column("return_pct", "Return", _percent, 1),
    _Column("return_ann_pct", "Ann.", _percent, 1),
    _Column("sharpe", "Sharpe", ratio_cell, 1),
    _Column("max_drawdown_pct", "Max DD", _fall, -1),
    _Column("trades", "Trades", _count, 0),
    _Column("win_rate_pct", "Win", _share, 1),
    _Column("profit_factor", "PF", ratio_cell, 1),
    _Column("equity_final", "Final", _money, 1),
)


def comparison_table(results: Sequence[RunResult]) -> RenderableType:
    """
    Lay out runs, at least one, grouped by their file of bars.

    The best value of a column within a group is bold and marked with ``*``; buy and hold takes part, so that
    the table shows when nothing beats it. Equal values are all marked, a value without a rival is not.
    At 80 columns names of about 22 characters fit on one line; longer ones are wrapped. In a terminal too
    narrow for all columns some are left out, and a line below says which.
    """
    return Fitted(lambda width: _parts(results, width))


def _parts(results: Sequence[RunResult], width: int) -> Iterator[RenderableType]:
    holds = find_holds(results)
    columns = _fitting([*(result.metrics for result in results), *(hold.metrics for hold in holds)], width)
    for number, hold in enumerate(holds):
        if number:
            yield Text("")
        group = [result for result in results if data_key(result.data) == data_key(hold.data)]
        quote = quote_asset(hold.data.symbol)
        cash = f"cash {_money(hold.cash)}{' ' + quote if quote else ''}"
        yield Text(one_line(hold.data.title), style="bold")
        yield from data_lines(hold.data, last_words=f"{cash} · {_engines(group)}")
        yield _table(group, hold, columns)
        yield from _engine_lines(group)
        yield from warning_lines(hold.data)
    left_out = [column.heading for column in _COLUMNS if column not in columns]
    narrow = f"; too narrow for {', '.join(left_out)}" if left_out else ""
    yield Text(f"{BEST} best of its column{narrow}", style="dim")


def _engines(group: Sequence[RunResult]) -> str:
    names = list(dict.fromkeys(result.engine for result in group))
    return f"{' and '.join(names)} engine{'s' if len(names) > 1 else ''}"


def _engine_lines(group: Sequence[RunResult]) -> Iterator[Text]:
    """Write why quicker engines did not run, each sentence once."""
    for result in {result.engine_note: result for result in group}.values():
        yield from engine_lines(result)


def _fitting(measured: Sequence[_Metrics], width: int) -> list[_Column]:
    """Choose the columns that fit beside a name of the least width."""
    columns = list(_COLUMNS)
    wide = {
        column.key: 2
        + max(len(column.heading), *(len(column.write(metrics.get(column.key))) for metrics in measured))
        for column in columns
    }
    for key in _DISPENSABLE:
        if _NAME_WIDTH + sum(wide[column.key] for column in columns) <= width:
            break
        columns = [column for column in columns if column.key != key]
    return columns


def _table(group: Sequence[RunResult], hold: Hold, columns: Sequence[_Column]) -> Table:
    table = Table(box=None, padding=(0, 0, 0, 1), pad_edge=False, header_style="bold cyan")
    table.add_column("Strategy", overflow="fold", min_width=_NAME_WIDTH)
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    measured: list[_Metrics] = [*(result.metrics for result in group), hold.metrics]
    best = {column.key: _best(column, measured) for column in columns}
    for result in group:
        table.add_row(Text(one_line(result.label)), *_cells(result.metrics, best, columns))
    held = {**hold.metrics, "trades": None}  # it never sells; "0 trades" would read as "did nothing"
    table.add_row(Text("buy and hold", style="italic"), *_cells(held, best, columns))
    return table


def _best(column: _Column, measured: Sequence[_Metrics]) -> float | None:
    known = [value for value in (metrics.get(column.key) for metrics in measured) if value is not None]
    if not column.better or len(known) < 2:
        return None
    return max(known) if column.better > 0 else min(known)


def _cells(metrics: _Metrics, best: Mapping[str, float | None], columns: Sequence[_Column]) -> Iterator[Text]:
    """Write one row; every cell ends in the mark or a blank in its place, so that the digits line up."""
    for column in columns:
        value = metrics.get(column.key)
        is_best = value is not None and value == best[column.key]
        mark = (BEST if is_best else " ") if column.better else ""
        yield Text(column.write(value) + mark, style="bold" if is_best else "")
