"""Where a command's result goes: standard output, files, the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import RenderableType

__all__ = ["is_stdout", "print_result", "print_written", "put_json"]


def is_stdout(path: Path | None) -> bool:
    """Tell whether a path is the dash that means standard output."""
    return path is not None and str(path) == "-"


def put_json(path: Path, document: Mapping[str, Any]) -> list[Path]:
    """Write a document to a file or to standard output; give the files written."""
    from bt_run.reports import export

    if is_stdout(path):
        click.echo(export.to_json(document), nl=False)
        return []
    export.write_json(path, document)
    return [path]


def print_result(table: RenderableType, written: Sequence[Path]) -> None:
    """Print a table and the files that were written."""
    from rich.console import Console

    Console(highlight=False).print(table)
    print_written(written)


def print_written(written: Sequence[Path]) -> None:
    """Print which files were written."""
    for path in written:
        click.echo(f"Wrote {path}")
