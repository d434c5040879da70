"""Load a strategy from what the user wrote: a name or a file, and parameters."""

from __future__ import annotations

import inspect
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import backtrader as bt

from bt_run.core.errors import LoadError, ParamError
from strategies.base import SignalStrategy
from strategies.params import parse_value, unknown_param
from strategies.registry import find_class
from strategies.user_code import class_of_file, user_traceback

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["LoadedStrategy", "load_strategy", "read_params", "user_traceback", "with_params"]

_FILE_SPEC = re.compile(r"(?P<path>.+?\.py)(?::(?P<rest>.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LoadedStrategy:
    """
    A strategy class with the parameters that were given for it.

    `name` is the registered name, or the class's for a file. `params` holds what was given, typed and
    checked, without the defaults. `source` is the file that defines the class. `file_spec` loads it again from
    anywhere, as ``/folder/mine.py:Mine``; empty where `name` does.
    """

    name: str
    cls: type[Any]
    params: Mapping[str, Any]
    source: Path
    file_spec: str = ""

    @property
    def defaults(self) -> dict[str, Any]:
        """All parameters of the class, with their defaults."""
        return _defaults_of(self.cls)


def _defaults_of(cls: type[Any]) -> dict[str, Any]:
    if issubclass(cls, SignalStrategy):
        return cls.defaults()
    own = dict(cls.params._getitems())
    inner = bt.SignalStrategy.params._getkeys() if issubclass(cls, bt.SignalStrategy) else ()
    return {name: value for name, value in own.items() if name not in inner}


def load_strategy(spec: str, *, params: Iterable[str] = ()) -> LoadedStrategy:
    """
    Load ``NAME``, ``FILE.py`` or ``FILE.py:Class``, each with ``:a=1,b=2`` behind it if need be.

    Args:
        spec: A registered name (ours, or an entry point of the group ``bt_run.strategies``), or the path
            of a Python file; without a class the file must define exactly one strategy.
        params: More parameters, each ``name=value``; they win over those in the spec, a later one over
            an earlier. Values are read by the type of the class's default.

    Raises:
        UnknownName: no strategy of that name.
        LoadError: the file, its content or the class; with the user's traceback where there is one.
        ParamError: not ``name=value``, an unknown name, a wrong type, out of range, or a bad combination.
    """
    in_file = _FILE_SPEC.fullmatch(spec)
    if in_file is None:
        name, _, listed = spec.partition(":")
        cls = _registered(name)
    else:
        wanted, listed = _split_class(in_file["rest"] or "")
        cls = class_of_file(Path(in_file["path"]), wanted or None)
        name = cls.__name__
    file_spec = "" if in_file is None else f"{Path(in_file['path']).absolute()}:{name}"
    loaded = LoadedStrategy(name, cls, {}, Path(inspect.getfile(cls)), file_spec)
    return with_params(loaded, [*(listed.split(",") if listed else ()), *params])


def with_params(loaded: LoadedStrategy, assignments: Iterable[str]) -> LoadedStrategy:
    """Add ``name=value`` texts to the parameters of a loaded strategy; the last wins. Raises ParamError."""
    given = {**loaded.params, **read_params(loaded.cls, assignments)}
    if issubclass(loaded.cls, SignalStrategy):
        loaded.cls.check_params(given)
    return replace(loaded, params=given)


def read_params(cls: type[Any], assignments: Iterable[str]) -> dict[str, Any]:
    """
    Read ``name=value`` texts by the types of the class's defaults, without checking ranges.

    A later value of the same name wins. Raises ParamError: no ``=``, an unknown name, a wrong type.
    """
    is_ours = issubclass(cls, SignalStrategy)
    known = _defaults_of(cls)
    given = {}
    for assignment in assignments:
        name, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals or not name:
            raise ParamError(f"{assignment!r} is not a parameter. Write name=value, such as period=10.")
        if is_ours and name == "allow_short":
            raise ParamError("allow_short is a setting of the run, not of the strategy. Give --allow-short.")
        if name not in known:
            raise unknown_param(cls.__name__, name, known)
        given[name] = parse_value(cls.__name__, name, text, default=known[name], is_strict=is_ours)
    return given


def _registered(name: str) -> type[Any]:
    if os.sep in name:
        raise LoadError(f"{name} is not a strategy: the name of a strategy's file ends in .py.")
    return find_class(name)


def _split_class(rest: str) -> tuple[str, str]:
    """Split ``Class:a=1`` into class and parameters; ``a=1`` alone has no class."""
    first, _, after = rest.partition(":")
    return ("", rest) if "=" in first else (first, after)
