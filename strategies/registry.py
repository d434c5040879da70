"""The strategies that have a name: our own, and what installed packages announce."""

from __future__ import annotations

import importlib
from importlib import metadata
from typing import Any

from bt_run.core.errors import LoadError, UnknownName
from strategies.built_in import BUILT_IN
from strategies.user_code import check_class, user_traceback

__all__ = ["BUILT_IN", "ENTRY_POINT_GROUP", "find_class", "registered_names"]

ENTRY_POINT_GROUP = "bt_run.strategies"


def registered_names() -> list[str]:
    """Give every name that `find_class` takes: ours in their order, then those of other packages, sorted."""
    announced = {point.name for point in metadata.entry_points(group=ENTRY_POINT_GROUP)}
    return [*BUILT_IN, *sorted(announced - BUILT_IN.keys())]


def find_class(name: str) -> type[Any]:
    """
    Import the strategy class of a registered name. Our own names cannot be taken by other packages.

    Raises:
        UnknownName: nothing is registered under the name; suggests the nearest.
        LoadError: another package announces it but cannot be imported, or offers no strategy.
    """
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        built_in: type[Any] = getattr(importlib.import_module(module), attribute)
        return built_in
    points = metadata.entry_points(group=ENTRY_POINT_GROUP, name=name)
    if not points:
        raise UnknownName("strategy", name, registered_names())
    point = next(iter(points))
    try:
        found = point.load()
    except Exception as error:  # whatever foreign code raises is shown, with its traceback
        package = point.dist.name if point.dist is not None else point.value
        problem = f"The package {package} announces the strategy {name!r}, but {point.value} cannot be loaded."
        raise LoadError(problem, story=user_traceback(error)) from error
    return check_class(found, name=name)
