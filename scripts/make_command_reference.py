"""
Write docs/commands.md from the commands themselves, so that it cannot go stale.

``python scripts/make_command_reference.py`` writes it; with ``--check`` it only compares, and exits 1 when the
file is not what the commands say.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bt_run.cli.lazy import commands_of
from bt_run.cli.main import cli
from bt_run.core.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
_WIDTH = 90

_HEAD = """\
# Commands

This page is made from the code by `scripts/make_command_reference.py`; a test compares the two.

`bt-run COMMAND --help` prints the same. `python -m bt_run` works wherever `bt-run` does. `--debug`, anywhere on
the line, adds the traceback to an error.

| exit code | what it means |
| --- | --- |
| 0 | done |
| 1 | a bug of ours; please report it with the traceback |
| 2 | a wrong option, setting or name |
| 3 | market data that cannot be used; names the file, the line and the column |
| 4 | the strategy could not be loaded, or raised |
| 5 | the exchange refused, or could not be reached |
| 6 | the journal could not be read or written |
| 7 | the running bot did not answer |
| 130 | interrupted with Ctrl-C; nothing is left half-written |
"""


def help_of(command: click.Command, name: str) -> str:
    """Give a command's help as a user sees it at 90 columns."""
    context = click.Context(command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH)
    context.obj = {}
    return command.get_help(context)


def reference() -> str:
    """Make the whole page."""
    return "\n".join([_HEAD, *_sections(cli, "bt-run")])


def _sections(command: click.Command, name: str) -> Iterator[str]:
    yield _section(name, help_of(command, name))
    if isinstance(command, click.Group):
        for sub_name, sub in sorted(commands_of(command).items()):
            yield from _sections(sub, f"{name} {sub_name}")


def _section(title: str, text: str) -> str:
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return f"## `{title}`\n\n```text\n{lines}\n```\n"


def main() -> int:
    """Write the page, or compare it."""
    wanted = reference()
    if "--check" in sys.argv[1:]:
        return int(not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != wanted)
    with replacing(TARGET) as temporary:
        temporary.write_text(wanted, encoding="utf-8")
    print(f"Wrote {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
