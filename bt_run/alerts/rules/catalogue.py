"""The functions of TA-Lib as its own metadata tell them: inputs, parameters, outputs."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Function", "functions"]


@dataclass(frozen=True, slots=True)
class Function:
    """
    One function.

    `inputs` are (name, column) in the order of a call; the column is None where the caller must say. Those in
    `free` may be given as curves of the caller's own. `parameters` are (name, default), a default of type int
    says that the parameter is whole. `outputs` are the names of its curves.
    """

    name: str
    title: str
    group: str
    inputs: tuple[tuple[str, str | None], ...]
    free: tuple[str, ...]
    parameters: Mapping[str, int | float]
    outputs: tuple[str, ...]

    @property
    def needs_inputs(self) -> bool:
        """Whether it cannot be called without curves of the caller's."""
        return any(column is None for _, column in self.inputs)


_COLUMNS = frozenset({"open", "high", "low", "close", "volume"})


@cache
def functions() -> Mapping[str, Function]:
    """Give all functions by name, in capitals; TA-Lib is imported when this is first called."""
    talib: Any = importlib.import_module("talib")  # takes time, and few commands need it; its stubs lack this
    abstract: Any = importlib.import_module("talib.abstract")
    names: list[str] = sorted(talib.get_functions())
    return MappingProxyType({name: _read(abstract.Function(name).info) for name in names})


def _read(told: Mapping[str, Any]) -> Function:
    inputs: list[tuple[str, str | None]] = []
    free: list[str] = []
    for name, columns in told["input_names"].items():
        if isinstance(columns, str):
            inputs.append((name, columns if columns in _COLUMNS else None))
            free.append(name)
        else:
            inputs += [(column, column) for column in columns]
    return Function(
        name=told["name"],
        title=told["display_name"],
        group=told["group"],
        inputs=tuple(inputs),
        free=tuple(free),
        parameters=MappingProxyType(dict(told["parameters"])),
        outputs=tuple(told["output_names"]),
    )
