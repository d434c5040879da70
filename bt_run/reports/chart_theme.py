"""The colours of charts in messages and pages, light and dark; every text stands out from its ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from bt_run.reports.chart_marks import MarkKind

__all__ = ["THEMES", "ChartTheme", "ThemeName", "theme_of"]

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class ChartTheme:
    """
    Colours by what they mean, as ``#rrggbb``.

    `up` and `down` are gain and loss, `long` and `short` the sides of signals, `curves` those of overlays and
    indicators in order, `alarm` liquidations. Ink and muted have a contrast to the ground of 7 and 4.5 or
    more (WCAG 2.2, 1.4.3).
    """

    ground: str
    ink: str
    muted: str
    grid: str
    up: str
    down: str
    long: str
    short: str
    alarm: str
    volume: str
    curves: tuple[str, ...]

    def mark_color(self, kind: MarkKind) -> str:
        """Give the colour of a mark: blue for longs, purple for shorts, amber for liquidations."""
        if kind.endswith("liquidation"):
            return self.alarm
        return self.long if kind.startswith("long") else self.short


THEMES: dict[ThemeName, ChartTheme] = {
    "light": ChartTheme(
        ground="#ffffff",
        ink="#1f2937",
        muted="#5f6876",
        grid="#e8eaee",
        up="#1a9c87",
        down="#d9534f",
        long="#1d5fd1",
        short="#8b3fb8",
        alarm="#c77700",
        volume="#b4bcc8",
        curves=("#e08a00", "#0891b2", "#c2417c", "#7b52c7", "#8c6d46", "#5b7f1d"),
    ),
    "dark": ChartTheme(
        ground="#12161c",
        ink="#eceff4",
        muted="#9aa4b2",
        grid="#262d37",
        up="#26b39a",
        down="#ef6461",
        long="#5a9bff",
        short="#c58af0",
        alarm="#ffb340",
        volume="#47525f",
        curves=("#ffb340", "#3ec7e0", "#f06ba8", "#a98bf5", "#c9a978", "#9ccc4a"),
    ),
}


def theme_of(name: str) -> ChartTheme:
    """Find a theme by its name. Raises ConfigError where there is none."""
    for known, theme in THEMES.items():
        if known == name:
            return theme
    raise ConfigError(f"There is no chart theme {name!r}. The themes are {' and '.join(THEMES)}.")
