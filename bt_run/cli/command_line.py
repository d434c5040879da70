"""The command line that makes the same again, written from what a command was given."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bt_run.core.clock import iso_utc
from bt_run.core.passwords import hide_password

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["command_line", "option_words", "value_text"]

_TIMES = ("start", "end")
_SIDE_SHOWS = ("config_path", "download", "quiet", "show", "jobs")
"""Options that change nothing of a result."""


def command_line(ctx: click.Context) -> str:
    """
    Write the running command with every option that was given, ready to be pasted into a shell.

    Given means: on the command line, in the environment or in the settings file; so the line means the same
    elsewhere. Options that change nothing of the result are left out, and so is a password in a URL.
    """
    words = ["bt-run", *ctx.command_path.split()[1:]]
    for param in ctx.command.params:
        name = param.name or ""
        source = ctx.get_parameter_source(name)
        if name in ctx.params and name not in _SIDE_SHOWS and source not in (None, ParameterSource.DEFAULT):
            words += option_words(param, name, ctx.params[name])
    return shlex.join(words)


def option_words(param: click.Parameter, name: str, value: Any) -> Iterator[str]:
    """Write one option with its value or values; nothing for None."""
    if value is None:
        return
    if isinstance(param, click.Option) and isinstance(value, bool) and param.is_flag:
        yield from (param.opts if value else param.secondary_opts)[:1]
        return
    for item in value if isinstance(value, (tuple, list)) else (value,):
        if isinstance(param, click.Option):
            yield param.opts[0]
        yield iso_utc(item) if name in _TIMES and isinstance(item, int) else value_text(item)


def value_text(value: Any) -> str:
    """Write a value so that it reads back exactly, but for a password in a URL, which is hidden."""
    return repr(value) if isinstance(value, float) else hide_password(str(value))
