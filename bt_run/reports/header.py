"""The head of a picture: what was run on what, and the numbers that matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.core.market import iso_utc
from bt_run.reports.numbers import amount_text, percent_text, plain_text
from bt_run.reports.panels import LEFT
from bt_run.reports.style import INK, LOSS, MUTED, WARNING, WIN, clean_text, fit_text, text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from bt_run.core.market import BarFile
    from bt_run.core.results import RunResult

__all__ = ["data_line", "draw_head", "draw_tiles", "metric_tiles", "settings_line"]

_TITLE_SIZE, _LINE_SIZE, _BADGE_SIZE = 16.0, 10.5, 10.5
_EDGE = 0.35  # inches between the head's right end and the picture's


def data_line(data: BarFile) -> str:
    """Write symbol, interval, range in UTC and number of bars on one line; dates alone for days and longer."""
    bars = data.bars
    first, last = (iso_utc(int(time)) for time in (bars.open_time[0], bars.open_time[-1]))
    if data.interval.approximate_ms >= 86_400_000:
        first, last = first[:10], last[:10]
    else:
        first, last = (text.rstrip("Z").replace("T", " ").removesuffix(":00") for text in (first, last))
    count = "1 bar" if len(bars) == 1 else f"{len(bars):,} bars"
    return f"{clean_text(data.title)} · {first} to {last} UTC · {count}"


def settings_line(result: RunResult) -> str:
    """Write cash, costs, stake and protection of a run on one line."""
    told = result.settings
    parts = [
        f"cash {amount_text(told.cash)}",
        f"stake {told.stake}",
        f"commission {told.commission * 100:.4g}%",
    ]
    if told.slippage:
        parts.append(f"slippage {told.slippage * 100:.4g}%")
    guard = told.protection
    for name, value in (
        ("stop-loss", guard.stop_loss_pct),
        ("take-profit", guard.take_profit_pct),
        ("trailing stop", guard.trailing_stop_pct),
    ):
        if value is not None:
            parts.append(f"{name} {value:.4g}%")
    return " · ".join(parts)


def metric_tiles(result: RunResult) -> list[tuple[str, str, str]]:
    """Give label, text and colour of the numbers under the title; a dash where a metric is None or missing."""
    found = result.metrics.get
    gain = found("return_pct")
    deepest = found("max_drawdown_pct")
    held = found("trades")
    trades = plain_text(int(held) if held is not None else len(result.trades))
    return [
        ("Return", percent_text(gain, signed=True), _color(gain)),
        ("Buy & hold", percent_text(found("buy_hold_return_pct"), signed=True), INK),
        ("Max drawdown", percent_text(None if deepest is None else -abs(deepest)), INK),
        ("Sharpe", plain_text(_real(found("sharpe"))), INK),
        ("Trades", trades + (" + 1 open" if result.open_position else ""), INK),
        ("Win rate", percent_text(found("win_rate_pct")), INK),
        ("Final equity", amount_text(found("equity_final")), INK),
    ]


def _real(value: float | None) -> float | None:
    return None if value is None else float(value)


def _color(gain: float | None) -> str:
    return INK if not gain else WIN if gain > 0 else LOSS


def draw_head(figure: Figure, title: str, line: str, note: str) -> None:
    """Write the title, a line of detail under it, and the data's note as a badge in the upper right corner."""
    width, height = (float(side) for side in figure.get_size_inches())
    room = width - LEFT - _EDGE
    if note := clean_text(note):
        note = fit_text(note[0].upper() + note[1:], _BADGE_SIZE, room * 0.45, weight="bold")
        room -= text_width(note, _BADGE_SIZE, weight="bold") + 0.5
        figure.text(
            1 - (_EDGE + 0.1) / width, 1 - 0.40 / height, note, ha="right", va="center", fontsize=_BADGE_SIZE,
            fontweight="bold", color=WARNING,
            bbox={"boxstyle": "round,pad=0.45", "facecolor": "#fef3c7", "edgecolor": "#f59e0b"},
        )  # fmt: skip
    size = _TITLE_SIZE
    while size > 11 and text_width(clean_text(title), size, weight="bold") > room:
        size -= 1
    shown = fit_text(title, size, room, weight="bold")
    figure.text(
        LEFT / width, 1 - 0.40 / height, shown, ha="left", va="center", fontsize=size, fontweight="bold"
    )
    line = fit_text(line, _LINE_SIZE, width - LEFT - _EDGE)
    figure.text(LEFT / width, 1 - 0.72 / height, line, ha="left", va="center", fontsize=_LINE_SIZE, color=MUTED)


def draw_tiles(figure: Figure, tiles: Sequence[tuple[str, str, str]], top: float) -> None:
    """Write label over value side by side across the picture, `top` inches below its upper edge."""
    width, height = (float(side) for side in figure.get_size_inches())
    step = (width - LEFT - _EDGE) / len(tiles)
    for number, (label, text, color) in enumerate(tiles):
        x = (LEFT + number * step) / width
        figure.text(x, 1 - top / height, label, ha="left", va="center", fontsize=9.5, color=MUTED)
        figure.text(
            x,
            1 - (top + 0.26) / height,
            text,
            ha="left",
            va="center",
            fontsize=14,
            fontweight="bold",
            color=color,
        )
