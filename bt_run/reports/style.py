"""How our pictures look: colours, fonts and the rules of drawing, in one place."""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import matplotlib
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.textpath import text_to_path

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "ACCENTS",
    "CURVES",
    "DPI",
    "GRID",
    "HOLD",
    "INK",
    "LONG",
    "LOSS",
    "MUTED",
    "SHORT",
    "TRAIL",
    "WARNING",
    "WIN",
    "Dashes",
    "clean_text",
    "drawing",
    "fit_text",
    "text_width",
]

DPI = 100

Dashes = Literal["-"] | tuple[float, tuple[float, ...]]
"""A line style of matplotlib: solid, or an offset and the lengths of dashes and gaps in points."""

INK = "#1f2937"
MUTED = "#6b7280"
GRID = "#e8eaee"
HOLD = "#8a929e"
WIN = "#1a9c87"
LOSS = "#d9534f"
TRAIL = "#f0a030"
LONG = "#1d5fd1"
SHORT = "#8b3fb8"
WARNING = "#b45309"

ACCENTS = ("#e08a00", "#0891b2", "#c2417c", "#7b52c7", "#8c6d46", "#5b7f1d")
"""Colours of overlays and indicator curves, apart from those of price, gain and loss."""

CURVES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#222222")
"""Eight colours that the colour-blind can tell apart: Okabe and Ito, 2008, with wine for their yellow."""

_RULES: dict[str, Any] = {
    "agg.path.chunksize": 20_000,
    "axes.axisbelow": True,
    "axes.edgecolor": "#c9ced6",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "figure.dpi": DPI,
    "font.size": 10.0,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "lines.solid_joinstyle": "round",
    "pdf.compression": 6,
    "savefig.dpi": "figure",
    "svg.fonttype": "path",
    "svg.hashsalt": "bt-run",
    "text.color": INK,
    "text.parse_math": False,
    "text.usetex": False,
    "timezone": "UTC",
    "xtick.color": MUTED,
    "xtick.labelsize": 9.5,
    "ytick.color": MUTED,
    "ytick.labelsize": 9.5,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}
# DejaVu Sans comes with matplotlib; the others are taken, where installed, for letters that it lacks.
_FONT = "DejaVu Sans"
_FALLBACK_FONTS = (
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "WenQuanYi Micro Hei",
    "PingFang SC",
    "Microsoft YaHei",
)


_turn = threading.RLock()


@contextmanager
def drawing() -> Iterator[None]:
    """
    Hold our style while a figure is built or written, whatever the user's matplotlibrc says.

    A letter that no installed font has becomes an empty box; matplotlib's warning of it is silenced.
    matplotlib's settings are one global table, so threads that draw take turns.
    """
    installed = {font.name for font in fontManager.ttflist}
    families = [_FONT, *(name for name in _FALLBACK_FONTS if name in installed)]
    with _turn, matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        matplotlib.rcdefaults()
        rules: Any = {**_RULES, "font.family": families}
        matplotlib.rcParams.update(rules)
        yield


def clean_text(text: str) -> str:
    """Put a name on one line: runs of white space and control characters become one space."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def text_width(text: str, size: float, *, weight: str = "normal") -> float:
    """Measure a text in inches, set in our font at `size` points; call it inside `drawing`."""
    font = FontProperties(size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, False)
    return float(width) / 72.0


def fit_text(text: str, size: float, width: float, *, weight: str = "normal") -> str:
    """Cut a text with an ellipsis so that it is at most `width` inches wide at `size` points."""
    text = clean_text(text)
    if text_width(text, size, weight=weight) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size, weight=weight) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"
