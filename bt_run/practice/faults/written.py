"""Faults as JSON, for the control endpoint and for files."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from types import NoneType
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.practice.faults import frame_faults, happenings, order_faults, request_faults

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bt_run.practice.faults.fault import Fault

__all__ = ["KINDS", "fault_of", "read_faults", "written"]

_ROOMS = (request_faults, order_faults, frame_faults, happenings)

KINDS: Mapping[str, type[Fault]] = {
    kind.kind: kind for room in _ROOMS for kind in (getattr(room, name) for name in room.__all__)
}
"""All faults by their names."""


def written(fault: Fault) -> dict[str, Any]:
    """Write a fault: its kind, and what differs from the default."""
    changed = {
        field.name: getattr(fault, field.name)
        for field in fields(fault)
        if field.default is MISSING or getattr(fault, field.name) != field.default
    }
    return {"kind": fault.kind, **changed}


def fault_of(told: Any) -> Fault:
    """
    Make a fault of ``{"kind": "late_answer", "delay_s": 12, "count": 1}``.

    Raises:
        ConfigError: no such kind, no such field, or a value that does not fit it.
    """
    if not isinstance(told, dict) or not isinstance(told.get("kind"), str):
        raise ConfigError('A fault is written as an object with its kind: {"kind": "late_answer"}.')
    kind = KINDS.get(told["kind"])
    if kind is None:
        raise UnknownName("fault", told["kind"], KINDS)
    hints = _hints(kind)
    given = {name: value for name, value in told.items() if name != "kind"}
    for name, value in given.items():
        if name not in hints:
            raise UnknownName(f"field of fault {kind.kind}", name, hints)
        if not _is(value, hints[name]):
            raise ConfigError(f"Fault {kind.kind}: {name} cannot be {json.dumps(value)}.")
    return kind(**given)


def read_faults(path: Path) -> tuple[Fault, ...]:
    """Read a file with one fault, or with a list of faults. Raises ConfigError, naming the file."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return tuple(fault_of(item) for item in (told if isinstance(told, list) else [told]))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}.") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _hints(kind: type[Fault]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind)}


def _is(value: Any, hint: Any) -> bool:
    kinds = get_args(hint) or (hint,)
    if value is None:
        return NoneType in kinds
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, int):
        return int in kinds or float in kinds
    return type(value) in kinds
