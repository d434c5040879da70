"""A section of the report: a template, what it is filled with, and its figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.reports.page.figure_json import Figure

__all__ = ["Number", "Section", "number"]


@dataclass(frozen=True, slots=True)
class Number:
    """
    A number on the page: what is read, and the value it stands for.

    `path` is its place in the page's JSON, such as ``metrics.sharpe``; empty where it has none.
    `hint` is shown when it is pointed at. `tone` is ``gain``, ``loss`` or empty.
    """

    text: str
    value: float | int | None
    path: str = ""
    hint: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """
    One section.

    `anchor` is its id, `template` a file of the templates folder filled with `values`. `figures` are drawn into
    the elements with their ids; `data` joins the page's JSON.
    """

    anchor: str
    title: str
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


def number(
    text: str, value: float | int | None, *, path: str = "", hint: str = "", toned: bool = False
) -> Number:
    """Make a number; with `toned` a gain and a loss are told apart by colour."""
    tone = ("gain" if value > 0 else "loss") if toned and value else ""
    return Number(text, value, path, hint, tone)
