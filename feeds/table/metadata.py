"""Read the paper that lies beside a data file: ``btc_1d.metadata.json`` for ``btc_1d.csv``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ConfigError, DataError
from bt_run.core.market import Interval
from feeds.table.naming import stem_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Metadata", "read_metadata"]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the paper says of the file; empty where there is none, or where it is about another file."""

    symbol: str | None = None
    interval: Interval | None = None
    note: str = ""
    warnings: tuple[str, ...] = ()


def read_metadata(path: Path, *, sha256: str) -> Metadata:
    """
    Read ``<stem>.metadata.json`` beside `path`: its keys sha256, symbol, interval and note; others are ignored.

    It counts only where its sha256 is the file's; otherwise it is left aside with a warning.

    Raises:
        DataError: the paper belongs to the file, but holds an interval that is none.
    """
    paper = path.with_name(f"{stem_of(path.name)}.metadata.json")
    if not paper.is_file():
        return Metadata()
    try:
        found: Any = json.loads(paper.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Metadata(warnings=(f"{paper.name} cannot be read and was left aside: {error}",))
    if not isinstance(found, dict) or found.get("sha256") != sha256:
        return Metadata(
            warnings=(f"{paper.name} is about another version of the file (sha256 differs) and was left aside",)
        )
    interval = found.get("interval")
    try:
        parsed = None if interval is None else Interval.parse(str(interval))
    except ConfigError as error:
        raise DataError(str(error), path=paper) from error
    symbol, note = found.get("symbol"), found.get("note")
    return Metadata(str(symbol) if symbol else None, parsed, str(note) if note else "")
