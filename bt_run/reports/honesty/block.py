"""The report on luck as a block of a table, at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bt_run.reports.cells import chance_cell, percent_cell, ratio_cell
from bt_run.reports.fitted import Fitted
from bt_run.reports.honesty.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bt_run.reports.honesty.bootstrap import Interval
    from bt_run.reports.honesty.honesty import HonestyReport

__all__ = ["honesty_block"]

_STYLES = {
    Verdict.YES: "bold green",
    Verdict.PARTLY: "bold yellow",
    Verdict.NO: "bold red",
    Verdict.UNKNOWN: "bold",
}

_Row = tuple[str, str, str]


def honesty_block(report: HonestyReport, *, console_width: int = 80) -> RenderableType:
    """
    Lay out the report: the answer and its reasons, then the numbers with what each of them means.

    At most `console_width` columns wide, in a wider terminal too.
    """
    return Fitted(lambda width: _parts(report), console_width)


def _parts(report: HonestyReport) -> Iterator[RenderableType]:
    yield Rule(Text("Luck or skill", style="bold cyan"), align="left", style="dim")
    headline, *reasons = report.sentences
    yield Text(headline, style=_STYLES[report.verdict])
    for reason in reasons:
        yield Padding(Text(reason), (0, 0, 0, 2))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right")
    table.add_column(style="dim")
    for row in (*_intervals(report), *_tests(report), *_orders(report)):
        table.add_row(*row)
    yield Group(Text(""), table)


def _tests(report: HonestyReport) -> Iterator[_Row]:
    tries = f"{report.trials:,} {'try' if report.trials == 1 else 'tries'}"
    yield "Probabilistic Sharpe", chance_cell(report.probabilistic), "chance to be above 0, as a single try"
    if report.above_market is not None:
        market = f"chance to be above buy and hold's {ratio_cell(report.market_sharpe)}"
        yield "Above the market", chance_cell(report.above_market), market
    if report.trials > 1:
        yield "Deflated Sharpe", chance_cell(report.deflated), f"the same, as the best of {tries}"
        alike = f"the same, as of {report.independent:,.0f} independent tries"
        yield "", chance_cell(report.deflated_independent), alike
    if report.overfitting is not None:
        over = report.overfitting
        words = f"{len(over.logits):,} splits of {over.trials:,} tries in {over.blocks} blocks"
        yield "Overfitting", chance_cell(over.probability), words
        yield "Loss out of sample", chance_cell(over.loss_probability), "of what was best in sample"


def _intervals(report: HonestyReport) -> Iterator[_Row]:
    found = report.bootstrap
    if found is None:
        yield "Sharpe", ratio_cell(report.sharpe), f"of {report.days:,} daily returns, too few to resample"
        return
    words = f"{found.confidence * 100:.0f}% of {found.resamples:,} resamples"
    yield "Return", percent_cell(found.return_pct.value), _between(found.return_pct, percent_cell)
    if found.sharpe is not None:
        yield "Sharpe", ratio_cell(found.sharpe.value), f"{_between(found.sharpe, ratio_cell)}: {words}"
    yield "Drawdown, by days", _plain(found.drawdown_pct.value), _between(found.drawdown_pct, _plain)
    yield "Loss", chance_cell(found.loss_probability), "of the resamples end below the start"


def _orders(report: HonestyReport) -> Iterator[_Row]:
    found = report.trade_order
    if found is None:
        return
    shuffled = f"shuffled {_plain(found.median_drawdown_pct)}, 1 of 20 over {_plain(found.bad_drawdown_pct)}"
    yield "Drawdown, by trades", _plain(found.drawdown_pct), shuffled
    yield "Ruin", chance_cell(found.ruin_probability), f"chance to lose {found.ruin_pct:.0f}% with such trades"


def _between(found: Interval, cell: Callable[[float], str]) -> str:
    return f"{cell(found.low)} to {cell(found.high)}"


def _plain(value: float) -> str:
    return percent_cell(value, signed=False, digits=1)
