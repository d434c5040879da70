"""Mark the fills and trades of a run on its price: ▲ bought, ▼ sold, at the very price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.path import Path

from bt_run.reports.scales import days
from bt_run.reports.style import LONG, LOSS, SHORT, TRAIL, WIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from bt_run.core.results import Fill, Side, Trade

__all__ = ["MarkerKind", "draw_fills", "draw_trades", "group_fills", "kind_of"]

_UP = Path([(0.0, 0.0), (-0.62, -1.0), (0.62, -1.0), (0.0, 0.0)], closed=True)
_DOWN = Path([(0.0, 0.0), (-0.62, 1.0), (0.62, 1.0), (0.0, 0.0)], closed=True)
_EXITS = {
    "signal": "exit",
    "stop_loss": "stop-loss",
    "take_profit": "take-profit",
    "trailing_stop": "trailing stop",
}
_FACES = {"stop_loss": LOSS, "take_profit": WIN, "trailing_stop": TRAIL, "signal": "white"}
_TRADES_SHOWN = 400
_MANY = 4_000  # from here on below the price, and in SVG and PDF one picture instead of shapes


@dataclass(frozen=True, slots=True)
class MarkerKind:
    """
    What one fill did: opened or added to (entry), or closed or reduced, a long or a short, and why.

    `reason` of an exit is ``signal``, ``stop_loss``, ``take_profit`` or ``trailing_stop``; a strategy's
    own tag counts as ``signal``. Entries are always ``signal``.
    """

    side: Side
    is_entry: bool
    reason: str = "signal"

    @property
    def is_buy(self) -> bool:
        """Longs are entered, shorts are left by buying."""
        return (self.side == "long") == self.is_entry

    @property
    def label(self) -> str:
        """The words of the legend: ``long entry``, ``short stop-loss``."""
        return f"{self.side} {'entry' if self.is_entry else _EXITS[self.reason]}"

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """The place in the legend: longs first, entries before exits."""
        return self.side != "long", not self.is_entry, list(_EXITS).index(self.reason)


def kind_of(fill: Fill) -> MarkerKind:
    """
    Tell what a fill did from its size and the holding after it.

    A fill that turns a long into a short counts as the entry of the short.
    """
    held = fill.position if abs(fill.position) > 1e-9 * abs(fill.size) else 0.0
    bought = fill.size > 0
    if held * fill.size > 0:
        return MarkerKind("long" if bought else "short", is_entry=True)
    reason = fill.tag if fill.tag in _EXITS else "signal"
    return MarkerKind("short" if bought else "long", is_entry=False, reason=reason)


def group_fills(fills: Sequence[Fill]) -> Mapping[MarkerKind, list[Fill]]:
    """Sort fills by kind, in the order of the legend; every fill is in exactly one group."""
    groups: dict[MarkerKind, list[Fill]] = {}
    for fill in fills:
        groups.setdefault(kind_of(fill), []).append(fill)
    return {kind: groups[kind] for kind in sorted(groups, key=lambda kind: kind.rank)}


def draw_fills(axes: Axes, fills: Sequence[Fill]) -> list[Line2D]:
    """
    Draw one marker a fill, its tip at the fill's price, and give the entries of the legend.

    ▲ below the price bought, ▼ above it sold; blue for longs, purple for shorts; filled for entries,
    white for exits, red, green and amber for stop-loss, take-profit and trailing stop. The more fills,
    the smaller and fainter; thousands lie below the price, not over it.
    """
    size, edge, alpha = _marker_size(len(fills))
    many = len(fills) > _MANY
    handles = []
    for kind, group in group_fills(fills).items():
        color = LONG if kind.side == "long" else SHORT
        face = color if kind.is_entry else _FACES[kind.reason]
        axes.plot(
            days([fill.time_ms for fill in group]), [fill.price for fill in group], linestyle="none",
            marker=_UP if kind.is_buy else _DOWN, markersize=size, markerfacecolor=face, markeredgecolor=color,
            markeredgewidth=edge, alpha=alpha, label=kind.label, rasterized=many,
            zorder=1.5 if many else 5.0 + kind.is_entry / 10,  # where a position turns, its new side is seen
        )  # fmt: skip
        sample = Line2D(
            [], [], linestyle="none", marker="^" if kind.is_buy else "v", markersize=6.5, label=kind.label,
            markerfacecolor=face, markeredgecolor=color, markeredgewidth=1.0,
        )  # fmt: skip
        handles.append(sample)
    return handles


def _marker_size(count: int) -> tuple[float, float, float]:
    """Give size and edge in points, and opacity."""
    for most, size, edge, alpha in (
        (80, 17.0, 1.1, 1.0),
        (250, 13.0, 0.9, 0.95),
        (1_000, 9.0, 0.7, 0.8),
        (4_000, 6.5, 0.5, 0.5),
        (20_000, 6.0, 0.4, 0.45),
    ):
        if count <= most:
            return size, edge, alpha
    return 4.0, 0.2, 0.08


def draw_trades(axes: Axes, trades: Sequence[Trade]) -> None:
    """Join entry and exit of each trade, green where it won and red where it lost; nothing where too many."""
    if not trades or len(trades) > _TRADES_SHOWN:
        return
    times = days([time for trade in trades for time in (trade.entry_ms, trade.exit_ms)])
    prices = np.array([price for trade in trades for price in (trade.entry_price, trade.exit_price)])
    ends = np.column_stack((times, prices)).reshape(-1, 2, 2)
    colors = [WIN if trade.pnl > 0 else LOSS for trade in trades]
    axes.add_collection(
        LineCollection(list(ends), colors=colors, linewidths=1.4, alpha=0.85, zorder=4), autolim=False
    )
