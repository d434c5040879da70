"""The report as PDF, printed by a Chromium that is installed already."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.atomic import replacing
from bt_run.core.errors import ConfigError
from bt_run.reports.page.document import build_page

if TYPE_CHECKING:
    from bt_run.reports.page.contents import ReportContents

__all__ = ["find_browser", "write_pdf"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-pdf-header-footer", "--virtual-time-budget=30000",
)  # fmt: skip
_LIMIT_S = 120


def find_browser() -> str:
    """Find the browser that prints. Raises ConfigError with what to do where there is none."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    raise ConfigError(
        "A PDF is printed by Chromium, which is not installed. Install it (apt-get install chromium), "
        "or write the report as .html and print it from your browser."
    )


def write_pdf(path: Path, contents: ReportContents) -> None:
    """
    Print the report, whole or not at all.

    Raises:
        ConfigError: no browser, or it failed; what it said is in the message.
    """
    browser = find_browser()
    with tempfile.TemporaryDirectory(prefix="bt-run-report-") as folder, replacing(path) as temporary:
        page = Path(folder) / "report.html"
        page.write_text(build_page(contents), encoding="utf-8")
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root with one
        words = [browser, *_FLAGS, *sandbox, f"--user-data-dir={folder}/profile", f"--print-to-pdf={temporary}"]
        try:
            done = subprocess.run(  # noqa: S603 - a browser found by name, and files of ours
                [*words, f"{page.as_uri()}#print"],
                capture_output=True,
                text=True,
                timeout=_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigError(f"{browser} did not print the report within {_LIMIT_S} s.") from error
        if done.returncode or not temporary.read_bytes().startswith(b"%PDF"):
            said = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            raise ConfigError(f"{browser} could not print the report: {said[0]}")
