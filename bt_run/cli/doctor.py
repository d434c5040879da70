"""``bt-run doctor``: what would keep a live run from working, and how to mend it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from bt_run.cli import types
from bt_run.cli.finding_view import finding_lines
from bt_run.cli.journal_options import journal_options

if TYPE_CHECKING:
    from bt_run.run.doctor.finding import Finding

__all__ = ["doctor"]

_NETWORK = frozenset({"REST", "Time", "Streams", "WebSocket API", "Symbol", "API key"})
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
@click.option("--symbol", type=types.SYMBOL, default="BTCUSDT", show_default=True, help="What it would trade.")
@journal_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, venue: str, symbol: str, journal: str, as_json: bool) -> int:
    """Check Python, packages, clock, disk, journal, venue and API key, and say what to mend."""
    from bt_run.cli.venues import venue_named
    from bt_run.run.doctor.examine import examine

    findings = examine(venue_named(venue), journal=journal, symbol=symbol)
    if as_json:
        document = {"venue": venue, "findings": [asdict(one) for one in findings]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(finding_lines(findings, about=venue)))
    return _exit_code(findings)


def _exit_code(findings: tuple[Finding, ...]) -> int:
    failed = {one.check for one in findings if one.status == "failed"}
    if not failed:
        return 0
    if failed - _NETWORK - {"Journal"}:
        return _MACHINE_FAILED
    return _JOURNAL_FAILED if "Journal" in failed else _NETWORK_FAILED
