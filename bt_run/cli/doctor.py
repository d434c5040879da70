"""``bt-run doctor``: what would keep a live run from working, and how to mend it."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import TYPE_CHECKING

import click

from bt_run.cli.journal_options import journal_options

if TYPE_CHECKING:
    from bt_run.run.doctor.finding import Finding

__all__ = ["doctor"]

_NETWORK = frozenset({"REST", "Time", "Streams", "WebSocket API", "Symbol", "API key"})
_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "left out": "bright_black"}
_INDENT, _NARROW = 24, 40
_JOURNAL_FAILED, _NETWORK_FAILED, _MACHINE_FAILED = 6, 5, 2

_EPILOG = """\b
Examples:
  bt-run doctor
  bt-run doctor --venue mainnet --symbol ETHUSDT
  bt-run doctor --json

\b
Exit code 0: nothing failed; warnings do not count. Else 2 for this machine, 6 for the journal, 5 for
the venue, the first of these. It sends no orders and changes nothing.
"""


@click.command(epilog=_EPILOG)
@click.option("--venue", default="testnet", show_default=True, help="Where the bot would trade.")
@click.option("--symbol", default="BTCUSDT", show_default=True, help="What it would trade.")
@journal_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, venue: str, symbol: str, journal: str, as_json: bool) -> int:
    """Check Python, packages, clock, disk, journal, venue and API key, and say what to mend."""
    from bt_run.core.venue import find_venue
    from bt_run.run.doctor.examine import examine

    findings = examine(find_venue(venue), journal=journal, symbol=symbol.upper())
    if as_json:
        document = {
            "venue": venue,
            "findings": [
                {"check": one.check, "status": one.status, "text": one.text, "advice": one.advice}
                for one in findings
            ],
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(findings, venue)))
    return _exit_code(findings)


def _lines(findings: tuple[Finding, ...], venue: str) -> list[str]:
    lines = []
    for one in findings:
        status = click.style(f"{one.status:<9}", fg=_COLOURS[one.status])
        first, *rest = [*_wrapped(one.text), *_wrapped(one.advice)]
        lines.append(f"{status} {one.check:<14} {first}")
        lines += [f"{'':<{_INDENT}} {line}" for line in rest]
    failed = sum(one.status == "failed" for one in findings)
    warned = sum(one.status == "warning" for one in findings)
    end = f"{failed} failed, {warned} {'warning' if warned == 1 else 'warnings'}"
    return [*lines, "", f"{venue}: {end if failed or warned else 'nothing to mend'}."]


def _wrapped(text: str) -> list[str]:
    width = shutil.get_terminal_size().columns - _INDENT - 1
    return textwrap.wrap(text, max(_NARROW, width), break_long_words=False, break_on_hyphens=False)


def _exit_code(findings: tuple[Finding, ...]) -> int:
    failed = {one.check for one in findings if one.status == "failed"}
    if not failed:
        return 0
    if failed - _NETWORK - {"Journal"}:
        return _MACHINE_FAILED
    return _JOURNAL_FAILED if "Journal" in failed else _NETWORK_FAILED
