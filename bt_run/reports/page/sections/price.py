"""3 Price: candles with entries, exits, stops and indicators; 5 the trades as a table of the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.reports.export import TRADE_COLUMNS
from bt_run.reports.page.price_levels import price_levels
from bt_run.reports.page.section import Section

if TYPE_CHECKING:
    from bt_run.core.results import RunResult

__all__ = ["price_section", "trades_section"]

TRADE_HEADINGS = {
    "entry_time": ("Entry", "time of the bar of the first entry, UTC"),
    "exit_time": ("Exit", "time of the bar of the last exit, UTC"),
    "side": ("Side", "long or short"),
    "size": ("Size", "largest holding, base asset"),
    "entry_price": ("Entry price", "average of all entries by quantity"),
    "exit_price": ("Exit price", "average of all exits by quantity"),
    "pnl": ("Profit", "after fees, quote currency"),
    "pnl_pct": ("Profit %", "profit / cost of the entries"),
    "fees": ("Fees", "of all entries and exits, quote currency"),
    "duration_s": ("Lasted", "from the open of the entry bar to that of the exit bar"),
    "mae_pct": ("MAE %", "worst price on the way, percent of the entry price (Sweeney, 1996)"),
    "mfe_pct": ("MFE %", "best price on the way, percent of the entry price (Sweeney, 1996)"),
    "entry_tag": ("Tag", "why it was entered"),
    "exit_reason": ("Exit reason", "why it was left"),
}
"""The columns that the page shows, of those that a trade has; heading and hint."""


def price_section(result: RunResult) -> Section:
    """Pack candles, overlays and panels; the page draws the trades' markers from the rows of the table."""
    curves = {**result.overlays, **result.panels}
    levels = price_levels(result.data.bars, curves)
    data = {"levels": levels, "overlays": list(result.overlays), "panels": list(result.panels)}
    values = {"step": levels[0]["step"], "bars": len(result.data.bars)}
    return Section("price", "Price and trades", "price.html", values, data={"price": data})


def trades_section(result: RunResult) -> Section:
    """Give the headings; the rows are those of the page's JSON."""
    columns = [(key, *TRADE_HEADINGS[key]) for key in TRADE_HEADINGS if key in TRADE_COLUMNS]
    return Section(
        "trades",
        "Trades",
        "trades.html",
        {
            "columns": columns,
            "count": len(result.trades),
            "rejected": result.rejected,
            "held": result.open_position,
        },
        data={"trade_columns": list(TRADE_COLUMNS)},
    )
