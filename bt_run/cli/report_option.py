"""``--report`` and ``--reproducible``, the same in every command that has a result."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bt_run.cli.options import stacked
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from bt_run.reports.page.contents import ReportContents

__all__ = ["check_report", "report_options", "time_of_report", "write_report"]

_SUFFIXES = (".html", ".htm", ".pdf")

report_options = stacked(
    click.option(
        "--report",
        "report_path",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Write the whole report: one .html file that opens anywhere, or .pdf (printed by Chromium).",
    ),
    click.option(
        "--reproducible",
        is_flag=True,
        help="Leave the clock out of the report, so that the same run writes the same bytes.",
    ),
)


def check_report(path: Path | None) -> None:
    """Check before the work that the report can be written. Raises ConfigError."""
    if path is None:
        return
    if path.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"{path} is neither .html nor .pdf. Give the report one of these names.")
    if path.suffix.lower() == ".pdf":
        from bt_run.reports.page.pdf import find_browser

        find_browser()


def time_of_report(*, reproducible: bool) -> str | None:
    """Give the time that the report tells, None where it shall tell none."""
    return None if reproducible else datetime.now(tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def write_report(path: Path, contents: ReportContents) -> Path:
    """Write it in the form that its name asks for; give its path. Raises ConfigError."""
    if path.suffix.lower() == ".pdf":
        from bt_run.reports.page.pdf import write_pdf

        write_pdf(path, contents)
    else:
        from bt_run.reports.page.document import write_page

        write_page(path, contents)
    return path
