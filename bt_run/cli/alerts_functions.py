"""``bt-run alerts functions``: what rules may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bt_run.cli.options import settings_option

if TYPE_CHECKING:
    from bt_run.alerts.rules.catalogue import Function

__all__ = ["functions"]

_EPILOG = """\b
Examples:
  bt-run alerts functions
  bt-run alerts functions momentum
  bt-run alerts functions macd
"""


@click.command(epilog=_EPILOG)
@click.argument("words", nargs=-1)
@settings_option
def functions(*, words: tuple[str, ...]) -> None:
    """List TA-Lib's functions with parameters and outputs; WORDS choose by name, title or group."""
    from bt_run.alerts.rules.catalogue import functions as catalogue
    from bt_run.core.errors import UnknownName

    found = [function for function in catalogue().values() if _fits(function, words)]
    if not found:
        raise UnknownName("function", " ".join(words), [name.lower() for name in catalogue()])
    group = ""
    for function in sorted(found, key=lambda item: (item.group, item.name)):
        if function.group != group:
            click.echo(f"\n{function.group}" if group else function.group)
            group = function.group
        click.echo(f"  {call_text(function)}")
        if len(found) <= 5:
            click.echo(f"    {function.title}")


def call_text(function: Function) -> str:
    """Write a function as a rule calls it: ``macd(fastperiod=12, ...) .macd .macdsignal``."""
    given = [name for name in function.free if function.needs_inputs]
    given += [f"{name}={value:g}" for name, value in function.parameters.items()]
    outputs = "".join(f" .{name}" for name in function.outputs) if len(function.outputs) > 1 else ""
    return f"{function.name.lower()}({', '.join(given)}){outputs}"


def _fits(function: Function, words: tuple[str, ...]) -> bool:
    text = f"{function.name} {function.title} {function.group}".lower()
    exact = [word.lower() for word in words]
    return all(word in text for word in exact)
