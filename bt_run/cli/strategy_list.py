"""The list of strategies as ``bt-run strategies`` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from strategies.description import ParamInfo, StrategyInfo, describe
from strategies.registry import find_class, registered_names

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["strategy_list"]


def strategy_list() -> RenderableType:
    """Show every registered strategy: what it does, where the idea comes from, its parameters."""
    blocks: list[RenderableType] = []
    for name in registered_names():
        blocks.extend(_block(describe(find_class(name), name=name)))
    blocks.append(Text("Use one with: bt-run backtest --strategy NAME:param=value --data FILE", style="dim"))
    return Group(*blocks)


def _block(info: StrategyInfo) -> list[RenderableType]:
    lines: list[RenderableType] = [Text(info.name, style="bold"), Padding(info.summary, (0, 0, 0, 2))]
    if info.source:
        lines.append(Padding(Text(f"Source: {info.source}", style="dim"), (0, 0, 0, 2)))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for param in info.params:
        table.add_row(param.name, str(param.default), Text(_limits(param), style="dim"))
    lines.append(Padding(table, (0, 0, 1, 4)))
    return lines


def _limits(param: ParamInfo) -> str:
    if param.choices:
        return " or ".join(param.choices)
    if param.limits is not None:
        low, high = param.limits
        return f"{low} to {high}"
    return ""
