"""9 Costs: what was paid, and what would be left at none, once, twice and four times of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.reports.cells import money_cell, percent_cell, quote_asset
from bt_run.reports.page.look import bar_trace, figure
from bt_run.reports.page.section import Section, number
from bt_run.reports.page.sections.summary import metric_number, money_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.core.results import RunResult
    from bt_run.reports.page.contents import CostCase

__all__ = ["costs_section"]

_KEYS = ("equity_final", "return_pct", "sharpe", "max_drawdown_pct", "trades", "fees_paid")


def costs_section(result: RunResult, cases: Sequence[CostCase]) -> Section:
    """Tell fees and slippage of this run, and the run again under other costs where they were tried."""
    told, digits = result.settings, money_digits(result)
    fees = result.metrics.get("fees_paid")
    slipped = sum(abs(fill.size) * fill.price * told.slippage for fill in result.fills)
    traded = sum(abs(fill.size) * fill.price for fill in result.fills)
    paid = {"slippage_paid": slipped, "traded": traded}
    facts = [
        ("Commission", f"{told.commission * 100:.6g}% of the traded value", None),
        ("Slippage", f"{told.slippage * 100:.6g}% of the price", None),
        ("Traded value", "", number(money_cell(traded, digits=digits), traded, path="costs_paid.traded")),
        ("Fees paid", "", metric_number("fees_paid", result.metrics, path="metrics.fees_paid", digits=digits)),
        (
            "Slippage paid, about",
            "",
            number(money_cell(slipped, digits=digits), slipped, path="costs_paid.slippage_paid"),
        ),
        (
            "Fees of starting cash",
            percent_cell(None if fees is None else fees / told.cash * 100, signed=False),
            None,
        ),
    ]
    rows = [
        (
            case,
            [
                metric_number(key, case.metrics, path=f"cost_cases.{place}.{key}", digits=digits)
                for key in _KEYS
            ],
        )
        for place, case in enumerate(cases)
    ]
    known = [case for case in cases if case.metrics]
    figures = {}
    if known:
        finals = [case.metrics.get("return_pct") for case in known]
        colors = ["--gain" if (final or 0) > 0 else "--loss" for final in finals]
        trace = bar_trace([f"{case.factor:g} times" for case in known], finals, "return", colors)
        figures["costs-chart"] = figure(
            [trace], height=220, xaxis={"type": "category"}, yaxis={"ticksuffix": "%"}
        )
    data = {"cost_cases": [dict(case.metrics) for case in cases], "costs_paid": paid}
    values = {"facts": facts, "rows": rows, "quote": quote_asset(result.data.symbol)}
    return Section("costs", "Costs", "costs.html", values, figures, data)
