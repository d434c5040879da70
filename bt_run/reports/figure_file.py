"""Write a figure to a file, or open it in a window."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bt_run.core.atomic import replacing
from bt_run.core.errors import ConfigError
from bt_run.reports.style import drawing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure

__all__ = ["SUFFIXES", "check_suffix", "save_figure", "show_figure"]

# Dates and versions out, so that the same run writes the same bytes.
_METADATA: Mapping[str, dict[str, Any]] = {
    ".png": {"Software": "bt-run"},
    ".svg": {"Date": None, "Creator": "bt-run"},
    ".pdf": {"CreationDate": None, "Creator": "bt-run", "Producer": "bt-run"},
}
SUFFIXES = tuple(_METADATA)
"""The kinds of file that a plot can be written to."""

_WINDOWS = ("macosx",) if sys.platform == "darwin" else ("tkagg", "qtagg", "gtk3agg", "wxagg")


def check_suffix(path: Path | str) -> str:
    """Give the suffix of a plot's path in lower case; raise ConfigError where it is not one we write."""
    suffix = Path(path).suffix.lower()
    if suffix not in _METADATA:
        raise ConfigError(
            f"A plot cannot be written as {Path(path).name!r}. Let its name end in {', '.join(SUFFIXES[:-1])} "
            f"or {SUFFIXES[-1]}."
        )
    return suffix


def save_figure(figure: Figure, path: Path | str) -> None:
    """
    Write a figure as PNG, SVG or PDF, by the path's suffix; whole or not at all.

    Needs no display. The same figure gives the same bytes under the same versions of matplotlib and fonts.

    Raises:
        ConfigError: another suffix, or a folder that does not exist or cannot be written to.
    """
    suffix = check_suffix(path)
    with replacing(path) as temporary, drawing():
        figure.savefig(temporary, format=suffix[1:], metadata=_METADATA[suffix])


def show_figure(figure: Figure) -> None:
    """
    Open a window with the figure and return when it is closed.

    Raises:
        ConfigError: there is no display, or Python has no window toolkit.
    """
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise ConfigError("There is no display to show the plot on. Write it to a file with --plot FILE.png.")
    backend = _find_backend()
    if backend is None:
        raise ConfigError(
            "Python has no window toolkit to show the plot with. Install python3-tk or PyQt6, "
            "or write the plot to a file with --plot FILE.png."
        )
    try:
        with drawing():
            _open_window(backend, figure)
    except _window_errors() as error:
        raise ConfigError(
            f"The plot's window does not open ({error}). Write it to a file with --plot FILE.png."
        ) from error


def _find_backend() -> Any:
    """Load matplotlib's first backend whose toolkit is installed; None where there is none."""
    for name in _WINDOWS:
        try:
            return import_module(f"matplotlib.backends.backend_{name}")
        except ImportError:
            continue
    return None


def _window_errors() -> tuple[type[Exception], ...]:
    """Give what the toolkits raise where the display is named but not there."""
    try:
        from tkinter import TclError  # noqa: PLC0415  # Python may be built without Tk
    except ImportError:
        return (RuntimeError,)
    return RuntimeError, TclError


def _open_window(backend: Any, figure: Figure) -> None:
    from matplotlib._pylab_helpers import Gcf  # noqa: PLC0415  # the list that a backend's main loop works off

    manager = backend.FigureCanvas.new_manager(figure, 1)
    Gcf._set_new_active_manager(manager)
    type(manager).pyplot_show(block=True)
