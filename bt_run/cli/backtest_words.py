"""The command line of one backtest, from the options of another command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bt_run.cli.options import ACCOUNT_KEYS, DATA_KEYS
from bt_run.core.clock import iso_utc

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["backtest_line"]

_TIMES = ("start", "end")
_LEFT_OUT = ("download",)


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
        words += ["--param", f"{name}={_text(value)}"]
    by_name = {param.name: param for param in ctx.command.params if isinstance(param, click.Option)}
    for key in (*DATA_KEYS, *ACCOUNT_KEYS):
        is_default = ctx.get_parameter_source(key) in (None, ParameterSource.DEFAULT)
        if not is_default and key not in _LEFT_OUT and options[key] is not None:
            words += _option_words(by_name[key], key, options[key])
    return shlex.join(words)


def _option_words(option: click.Option, key: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        names = option.opts if value else option.secondary_opts
        return [names[0]] if names else []
    flag = max(option.opts, key=len) if key != "slippage" else "--slippage"
    flag = {"start": "--from", "end": "--to"}.get(key, flag)
    return [flag, iso_utc(value) if key in _TIMES else _text(value)]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)
