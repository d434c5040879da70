"""Rows of the journal as a table, CSV or JSON, on standard output or in a file."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

import click

from bt_run.cli.output import is_stdout
from bt_run.core.clock import iso_utc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from rich.console import RenderableType

__all__ = [
    "amount_cell",
    "choose_format",
    "csv_text",
    "json_rows",
    "money_total",
    "names_of",
    "put",
    "row_of",
    "table_of",
    "table_text",
    "time_cell",
]

_DASH = "\N{EN DASH}"
_WIDTH = 80


def choose_format(given: str | None, output: Path | None, *, default: str = "table") -> str:
    """Choose the format that was asked for, or that the file's ending says."""
    if given is not None:
        return given
    ending = "" if output is None else output.suffix.lower().removeprefix(".")
    return ending if ending in ("csv", "json") else default


def names_of(kind: type[Any]) -> tuple[str, ...]:
    """Give the columns of a record as they are written: a time without its unit, because it is ISO 8601."""
    return tuple(field.name.removesuffix("_ms") for field in fields(kind))


def row_of(record: Any) -> dict[str, Any]:
    """Turn a record into what JSON can hold: amounts as exact text, times as ISO 8601 UTC, unknown as None."""
    return {
        field.name.removesuffix("_ms"): _plain(getattr(record, field.name), is_time=_is_time(field.name))
        for field in fields(record)
    }


def _is_time(name: str) -> bool:
    return name.endswith("_ms") or name == "open_time"


def _plain(value: Any, *, is_time: bool = False) -> Any:
    if is_time and isinstance(value, int):
        return iso_utc(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def csv_text(names: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a CSV file line by line; what is a list or a mapping stands in its cell as JSON."""
    columns = list(names)
    yield _csv_line(columns)
    for row in rows:
        yield _csv_line([_csv_cell(row[name]) for name in columns])


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return repr(value) if isinstance(value, float) else str(value)


def json_rows(rows: Iterable[Mapping[str, Any]], *, indent: str = "") -> Iterator[str]:
    """Yield a JSON list, one row a line, so that a large one need not be held in memory."""
    start = "["
    for row in rows:
        yield f"{start}\n{indent}  {json.dumps(row, ensure_ascii=False)}"
        start = ","
    yield "[]" if start == "[" else f"\n{indent}]"


def put(chunks: Iterable[str], output: Path | None) -> None:
    """Write to a file, whole or not at all, and say so; or to standard output."""
    if output is None or is_stdout(output):
        for chunk in chunks:
            click.echo(chunk, nl=False)
        return
    from bt_run.core.atomic import replacing

    with replacing(output) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.writelines(chunks)
    click.echo(f"Wrote {output}")


def table_of(titles: Mapping[str, str], rows: Iterable[Iterable[str]]) -> RenderableType:
    """
    Make a table of titles and how each column stands.

    ``left`` and ``right`` break what does not fit, because a figure must not be cut short; ``time`` does not.
    """
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for title, side in titles.items():
        justify: Literal["left", "right"] = "right" if side == "right" else "left"
        table.add_column(title, justify=justify, overflow="fold", no_wrap=side == "time")
    for row in rows:
        table.add_row(*row)
    return table


def table_text(parts: Iterable[RenderableType | str], output: Path | None) -> Iterator[str]:
    """Render tables and lines: as wide as the terminal, in a file 80 columns."""
    from rich.console import Console

    width = None if output is None or is_stdout(output) else _WIDTH
    for part in parts:
        if isinstance(part, str):
            yield f"{part}\n"
            continue
        file = io.StringIO()
        Console(file=file, highlight=False, width=width).print(part)
        yield "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def time_cell(time_ms: int | None) -> str:
    """Write a time for reading, to the second."""
    if time_ms is None:
        return _DASH
    return iso_utc(time_ms // 1000 * 1000).replace("T", " ").removesuffix("Z")


def amount_cell(value: Decimal | None, *, places: int = 8) -> str:
    """Write an amount with up to so many decimals and no useless noughts."""
    if value is None:
        return _DASH
    text = f"{value:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def money_total(amounts: Iterable[tuple[str, Decimal]], *, cell: Callable[[Decimal], str] = amount_cell) -> str:
    """Add up by asset: ``12.3 USDT, 0.001 BTC``; ``0`` for nothing."""
    sums: dict[str, Decimal] = {}
    for asset, amount in amounts:
        sums[asset] = sums.get(asset, Decimal(0)) + amount
    return ", ".join(f"{cell(amount)} {asset}".rstrip() for asset, amount in sorted(sums.items())) or "0"
