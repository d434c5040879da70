"""The command line of one backtest, from the options of another command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from click.core import ParameterSource

from bt_run.cli.command_line import option_words, value_text
from bt_run.cli.options import ACCOUNT_KEYS, DATA_KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

__all__ = ["backtest_line"]


def backtest_line(
    ctx: click.Context, *, strategy: str, data: str, params: Mapping[str, Any], options: Mapping[str, Any]
) -> str:
    """
    Write the ``bt-run backtest`` that makes the same run, ready to be pasted into a shell.

    Every data and account option is written that was given, on the command line, in the environment or in the
    settings file, so that the line means the same elsewhere.
    """
    words = ["bt-run", "backtest", "--strategy", strategy, "--data", data]
    for name, value in params.items():
        text = str(value).lower() if isinstance(value, bool) else value_text(value)
        words += ["--param", f"{name}={text}"]
    by_name = {param.name: param for param in ctx.command.params}
    for key in (*DATA_KEYS, *ACCOUNT_KEYS):
        is_given = ctx.get_parameter_source(key) not in (None, ParameterSource.DEFAULT)
        if is_given and key != "download":
            words += option_words(by_name[key], key, options[key])
    return shlex.join(words)
