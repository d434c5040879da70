"""What checks found, as lines that fit the terminal."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.run.doctor.finding import Finding

__all__ = ["finding_lines"]

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "left out": "bright_black"}
_INDENT, _NARROW = 24, 40


def finding_lines(findings: Sequence[Finding], *, about: str) -> list[str]:
    """Write a line or more a finding, its advice below it, and a last line that counts them for `about`."""
    lines = []
    for one in findings:
        status = click.style(f"{one.status:<9}", fg=_COLOURS[one.status])
        first, *rest = [*_wrapped(one.text), *_wrapped(one.advice)]
        lines.append(f"{status} {one.check:<14} {first}")
        lines += [f"{'':<{_INDENT}} {line}" for line in rest]
    failed = sum(one.status == "failed" for one in findings)
    warned = sum(one.status == "warning" for one in findings)
    end = f"{failed} failed, {warned} {'warning' if warned == 1 else 'warnings'}"
    return [*lines, "", f"{about}: {end if failed or warned else 'nothing to mend'}."]


def _wrapped(text: str) -> list[str]:
    width = shutil.get_terminal_size().columns - _INDENT - 1
    return textwrap.wrap(text, max(_NARROW, width), break_long_words=False, break_on_hyphens=False)
