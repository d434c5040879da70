"""Put a report together: sections into a template, script and style once, all numbers as JSON beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from bt_run.core.atomic import replacing
from bt_run.reports.export import result_to_dict
from bt_run.reports.page.assets import environment, own_file, plotly_script
from bt_run.reports.page.figure_json import script_json
from bt_run.reports.page.sections.costs import costs_section
from bt_run.reports.page.sections.equity import equity_section
from bt_run.reports.page.sections.falls import falls_section
from bt_run.reports.page.sections.luck import luck_section
from bt_run.reports.page.sections.manifest import manifest_section
from bt_run.reports.page.sections.periods import periods_section
from bt_run.reports.page.sections.price import price_section, trades_section
from bt_run.reports.page.sections.spread import distribution_section, rolling_section
from bt_run.reports.page.sections.summary import summary_section
from bt_run.reports.page.sections.versus import versus_section

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bt_run.reports.page.contents import ReportContents
    from bt_run.reports.page.section import Section

__all__ = ["build_page", "write_page"]

_SCRIPTS = ("theme.js", "figures.js", "price.js", "trades.js", "main.js")


def build_page(contents: ReportContents) -> str:
    """
    Write a report as one HTML document that asks no other host for anything.

    Every name is escaped. The numbers stand in an element ``#result`` as JSON: for one run its
    `export.result_to_dict`, with what the sections add; each number on the page names its place there. The same
    contents give the same text.
    """
    sections = [section for section in _sections(contents) if section is not None]
    figures: dict[str, Any] = {}
    data: dict[str, Any] = {}
    if len(contents.runs) == 1:
        data |= result_to_dict(contents.runs[0])
    else:
        data["runs"] = [result_to_dict(run) for run in contents.runs]
    for section in sections:
        figures |= section.figures
        data |= section.data
    return environment().get_template("page.html").render(
        title=contents.title,
        kind=contents.kind,
        note=contents.runs[0].data.note if contents.runs else "",
        sections=sections,
        figures=Markup(script_json(figures)),  # noqa: S704 - escaped for a script element by script_json
        result=Markup(script_json(data)),  # noqa: S704 - as above
        style=own_file("report.css"),
        scripts=[plotly_script(), *(own_file(name) for name in _SCRIPTS)],
        manifest=contents.manifest,
    )  # fmt: skip


def write_page(path: Path, contents: ReportContents) -> None:
    """Write the document, whole or not at all. Raises ConfigError."""
    text = build_page(contents)
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _sections(contents: ReportContents) -> Iterator[Section | None]:
    """Give the sections in their order; None for one that has nothing to say."""
    if len(contents.runs) == 1:
        (result,) = contents.runs
        yield summary_section(result)
        yield equity_section(result)
        yield price_section(result)
        yield periods_section(result)
        yield trades_section(result)
        yield distribution_section(result)
        yield rolling_section(result)
        yield falls_section(result)
        yield costs_section(result, contents.costs)
        yield luck_section(contents.robustness)
    else:
        yield versus_section(contents.runs)
        yield luck_section(contents.robustness)
    yield manifest_section(contents.runs, contents.manifest)
