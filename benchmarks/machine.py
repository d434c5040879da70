"""Say on what machine and with which versions something was measured."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

__all__ = ["describe"]

PACKAGES = ("backtrader", "TA-Lib", "numpy", "pandas", "pyarrow")
MEASURED = ("bt_run", "brokers", "feeds", "strategies", "benchmarks/*.py")


def describe(*, load_before: float) -> list[str]:
    """
    Give lines of Markdown: date, commit, machine, versions.

    `load_before` is the load average of the last minute before the measurements began: 0 is an idle machine.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release()}"
    return [
        f"- {datetime.now(UTC):%Y-%m-%d}, commit {_commit()}.",
        f"- {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}.",
        f"- Load average before: {load_before:.2f}.",
        f"- Python {platform.python_version()}, {', '.join(f'{name} {version(name)}' for name in PACKAGES)}.",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _commit() -> str:
    """Name the commit of the checkout, and say so where the measured code has been changed since."""
    commit = _git("rev-parse", "--short", "HEAD")
    if not commit:
        return "unknown"
    return f"{commit}, changed since" if _git("status", "--porcelain", "--", *MEASURED) else commit


def _git(*arguments: str) -> str:
    root = Path(__file__).resolve().parents[1]
    command = ["git", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout.strip()
