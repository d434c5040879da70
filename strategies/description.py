"""Describe a strategy in plain data, for lists, help and grids."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

from strategies.base import SignalStrategy

__all__ = ["ParamInfo", "StrategyInfo", "describe"]


@dataclass(frozen=True, slots=True)
class ParamInfo:
    """A parameter: its default, and its range (inclusive) or its choices where the strategy gives them."""

    name: str
    default: Any
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """
    A strategy's name, what it does in one sentence, where the idea comes from, and its parameters.

    `summary` and `source` are empty where the docstring does not tell.
    """

    name: str
    summary: str
    source: str
    params: tuple[ParamInfo, ...]


def describe(cls: type[Any], *, name: str = "") -> StrategyInfo:
    """
    Describe any Backtrader strategy class; `name` is the registered name, by default the class's.

    The summary is the docstring's first paragraph, the source the paragraph that begins with "Source:".
    """
    own_text = vars(cls).get("__doc__")  # Backtrader's own docstring would say nothing about this class
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", inspect.cleandoc(own_text or ""))]
    sources = [part.removeprefix("Source:").strip() for part in paragraphs if part.startswith("Source:")]
    is_ours = issubclass(cls, SignalStrategy)
    defaults = cls.defaults() if is_ours else dict(cls.params._getitems())
    ranges, choices = (cls.ranges, cls.choices) if is_ours else ({}, {})
    return StrategyInfo(
        name=name or cls.__name__,
        summary=paragraphs[0],
        source=sources[0] if sources else "",
        params=tuple(
            ParamInfo(key, default, ranges.get(key), tuple(choices.get(key, ())))
            for key, default in defaults.items()
        ),
    )
