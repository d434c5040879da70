"""The chart page of a signal desk: one HTML file that opens anywhere, offline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from bt_run.core.atomic import replacing
from bt_run.core.errors import ConfigError
from bt_run.core.order_flow import ONE_A_SECOND
from bt_run.reports.chart_marks import marks_within
from bt_run.reports.numbers import amount_text
from bt_run.reports.page.assets import environment, own_file, plotly_script
from bt_run.reports.page.figure_json import script_json
from bt_run.reports.page.section import Section
from bt_run.reports.page.signal_figure import signal_figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bt_run.reports.page.signal_figure import SignalChart

__all__ = ["build_signal_page", "check_page_path", "write_signal_page"]

_ROWS = 200
_SCRIPTS = ("theme.js", "figures.js", "chart.js")


def build_signal_page(charts: Sequence[SignalChart], *, title: str, note: str = "", written: str = "") -> str:
    """
    Write charts as one HTML document that asks no other host for anything.

    Every name is escaped, Plotly's script is embedded once. Charts without bars are left out.

    Args:
        charts: One a pair.
        title: Of the page.
        note: Shown beside it, such as ``synthetic data``.
        written: When, as a text; empty to leave it out.
    """
    drawn = [chart for chart in charts if len(chart.bars)]
    sections = [_section(number, chart) for number, chart in enumerate(drawn)]
    figures = {name: made for section in sections for name, made in section.figures.items()}
    return environment().get_template("page.html").render(
        title=title,
        kind="bt-run signals",
        note=note,
        sections=sections,
        figures=Markup(script_json(figures)),  # noqa: S704 - escaped for a script element by script_json
        result=Markup("{}"),
        style=own_file("report.css"),
        scripts=[plotly_script(), *(own_file(name) for name in _SCRIPTS)],
        manifest={"written": written},
    )  # fmt: skip


def write_signal_page(path: Path, charts: Sequence[SignalChart], *, title: str, note: str = "") -> None:
    """Write the document, whole or not at all. Raises ConfigError."""
    written = f"{datetime.now(tz=UTC):%Y-%m-%d %H:%M} UTC"
    text = build_signal_page(charts, title=title, note=note, written=written)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_page_path(path: Path) -> None:
    """Check that a chart can be called so. Raises ConfigError."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"A chart page cannot be written as {path.name!r}. Let its name end in .html.")


def _section(number: int, chart: SignalChart) -> Section:
    anchor = f"pair-{number}"
    placed = marks_within(chart.bars, chart.marks)
    rows = [
        (
            f"{datetime.fromtimestamp(mark.time_ms / 1000, tz=UTC):%Y-%m-%d %H:%M}",
            mark.kind,
            amount_text(mark.price),
            mark.text,
        )
        for _, mark in reversed(placed)
        if not mark.is_liquidation
    ][:_ROWS]
    has_liquidations = chart.bars.flow is not None and bool(chart.bars.flow.knows_liquidations.any())
    values = {
        "figure": f"{anchor}-chart",
        "bars": len(chart.bars),
        "rows": rows,
        "caution": ONE_A_SECOND if has_liquidations else "",
    }
    return Section(
        anchor, chart.title, "signal.html", values, figures={f"{anchor}-chart": signal_figure(chart)}
    )
