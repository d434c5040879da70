"""A group of commands that are imported when they are used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

from bt_run.core.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LazyGroup", "commands_of"]


class LazyGroup(click.Group):
    """
    A group whose commands live in modules of their own.

    `table` maps a command's name to where it lives (``module:attribute``) and its one line, so that the
    group's help imports none of them. A mistyped name is answered with the nearest.
    """

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names of all commands."""
        return sorted(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and give one command; None for a name that does not exist."""
        if cmd_name not in self.table:
            return None
        module, _, attribute = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail with the nearest name."""
        name = args[0]
        if name not in self.table and not name.startswith("-"):
            guess = nearest(name, self.table)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise click.UsageError(f"There is no command {name!r}.{hint} See {ctx.command_path} --help.", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands with their one line, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.table[name][1]) for name in sorted(self.table)])


def commands_of(group: click.Group) -> dict[str, click.Command]:
    """Import all commands of a group, lazy or not."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}
