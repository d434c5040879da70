"""What all figures of the report share; colours are names of the style sheet's variables."""

from __future__ import annotations

from typing import Any

__all__ = ["ACCENTS", "bar_trace", "figure", "line_trace"]

ACCENTS = (
    "--accent-1",
    "--accent-2",
    "--accent-3",
    "--accent-4",
    "--accent-5",
    "--accent-6",
    "--accent-7",
    "--accent-8",
)
"""Curves side by side; the colour-blind can tell them apart."""


def figure(traces: list[dict[str, Any]], *, height: int, **layout: Any) -> dict[str, Any]:
    """Put traces on the house's layout: unified hover, no title, thin grid; `height` in pixels."""
    base: dict[str, Any] = {
        "height": height,
        "margin": {"l": 64, "r": 24, "t": 16, "b": 36},
        "hovermode": "x unified",
        "showlegend": len(traces) > 1,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        "dragmode": "zoom",
    }
    return {"data": traces, "layout": {**base, **layout}}


def line_trace(x: Any, y: Any, name: str, color: str, **more: Any) -> dict[str, Any]:
    """Draw a curve; `more` goes into the trace."""
    line = {"color": color, "width": 1.5, **more.pop("line", {})}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, "line": line, **more}


def bar_trace(x: Any, y: Any, name: str, colors: Any, **more: Any) -> dict[str, Any]:
    """Draw bars; `colors` is one name or one a bar."""
    return {"type": "bar", "x": x, "y": y, "name": name, "marker": {"color": colors}, **more}
