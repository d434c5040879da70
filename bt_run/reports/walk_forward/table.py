"""A walk-forward analysis as a table: a row a window, and promise beside fulfilment."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bt_run.reports.cells import percent_cell
from bt_run.reports.fitted import Fitted
from bt_run.reports.heading import data_lines, engine_lines, one_line, time_cell, warning_lines
from bt_run.reports.search.metric_cell import heading_of, metric_cell, param_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from bt_run.reports.walk_forward.result import WalkForward, WindowResult

__all__ = ["walk_table", "walk_words", "window_table"]

_DAY_MS = 86_400_000
_SUMMARY = ("return_ann_pct", "sharpe", "max_drawdown_pct", "return_pct", "trades")
_DISPENSABLE = ("Max DD", "Effic.")
_ROBUST = 0.5
_MOST_SHARE = 9.99


def walk_table(walk: WalkForward) -> RenderableType:
    """Lay out the whole analysis for the width there is; at 80 columns two parameters fit without loss."""
    return Fitted(lambda width: _parts(walk, width))


def window_table(windows: Sequence[WindowResult], *, names: Sequence[str], metric: str) -> RenderableType:
    """Lay out windows alone, a row each, such as those that were done when a walk was stopped."""
    return Fitted(lambda width: [_windows(windows, names, metric, width)])


def _parts(walk: WalkForward, width: int) -> Iterator[RenderableType]:
    data = walk.stitched.data
    kind = "anchored" if walk.anchored else "rolling"
    yield Text(f"{one_line(walk.label)} on {one_line(data.title)}, walk-forward", style="bold")
    yield from data_lines(data, last_words="out of sample")
    tried = f"{walk.windows[0].tried:,} combinations a window, {walk.method}"
    seed = "" if walk.method == "grid" else f", seed {walk.seed}"
    yield Text(f"{len(walk.windows)} windows · train {walk.train}, {kind} · test {walk.test} · {tried}{seed}")
    yield from engine_lines(walk.stitched)
    yield from warning_lines(data)
    yield Rule(Text("Windows", style="bold cyan"), align="left", style="dim")
    yield _windows(walk.windows, walk.names, walk.metric, width)
    yield Rule(Text("Promise and fulfilment", style="bold cyan"), align="left", style="dim")
    yield _summary(walk)
    for sentence in walk_words(walk):
        yield Text(sentence)


def _windows(windows: Sequence[WindowResult], names: Sequence[str], metric: str, width: int) -> Table:
    rows = [_cells(each, names, metric) for each in windows]
    left_out = set(_left_out(rows, width))
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=False, header_style="bold cyan")
    for name in rows[0]:
        if name not in left_out:
            table.add_column(name, justify="right", no_wrap=name not in names, overflow="fold")
    for row in rows:
        table.add_row(*(cell for name, cell in row.items() if name not in left_out))
    return table


def _left_out(rows: Sequence[Mapping[str, Text]], width: int) -> Iterator[str]:
    """Choose what a narrow terminal does not show."""
    wide = {name: 2 + max(len(name), *(len(row[name].plain) for row in rows)) for name in rows[0]}
    for name in _DISPENSABLE:
        if sum(wide.values()) - 2 <= width:
            return
        del wide[name]
        yield name


def _cells(each: WindowResult, names: Sequence[str], metric: str) -> dict[str, Text]:
    run, chosen = each.run, each.params or {}
    with_clock = run.data.interval.approximate_ms < _DAY_MS / 24
    begins = time_cell(int(run.data.bars.open_time[0]), with_clock=with_clock)
    gain = run.metrics.get("return_pct")
    style = "" if not gain else "green" if gain > 0 else "red"
    values = {name: Text(one_line(param_cell(chosen[name])) if name in chosen else "none") for name in names}
    heading = heading_of(metric)
    return {
        "#": Text(str(each.window.number), style="dim"),
        "Test from": Text(begins),
        **values,
        f"{heading} in": Text(metric_cell(metric, each.in_sample.get(metric))),
        "out": Text(metric_cell(metric, run.metrics.get(metric)), style="bold"),
        "Return": Text(metric_cell("return_pct", gain), style=style),
        "Max DD": Text(metric_cell("max_drawdown_pct", run.metrics.get("max_drawdown_pct"))),
        "Trades": Text(metric_cell("trades", run.metrics.get("trades"))),
        "Effic.": Text(_share(each.efficiency)),
    }


def _summary(walk: WalkForward) -> Table:
    metrics = [walk.metric, *(name for name in _SUMMARY if name != walk.metric)][:5]
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=False, header_style="bold cyan")
    table.add_column("")
    for metric in metrics:
        table.add_column(heading_of(metric), justify="right", no_wrap=True)
    promised: dict[str, Any] = {
        name: walk.promise(name) for name in metrics if name not in ("return_pct", "trades")
    }
    rows: tuple[tuple[str, Mapping[str, Any], str], ...] = (
        ("in sample, mean", promised, ""),
        ("out of sample", walk.stitched.metrics, "bold"),
        ("buy and hold", {**walk.hold, "trades": None}, ""),
    )
    for label, found, style in rows:
        table.add_row(label, *(Text(metric_cell(name, found.get(name)), style=style) for name in metrics))
    return table


def walk_words(walk: WalkForward) -> list[str]:
    """Say in sentences what came of the promise, and how steady the choice was."""
    return [*_kept_words(walk), *_drift_words(walk), *_end_words(walk)]


def _kept_words(walk: WalkForward) -> Iterator[str]:
    kept = walk.efficiency
    if kept is None:
        yield "In sample nothing was earned on average, so there is no promise to measure."
    elif kept <= 0.0:
        promised, got = (
            percent_cell(value, digits=1)
            for value in (walk.promise("return_ann_pct"), walk.stitched.metrics.get("return_ann_pct"))
        )
        yield f"A return of {promised} a year was promised, and out of sample it was {got}."
    else:
        judged = "more than one half, as Pardo asks" if kept >= _ROBUST else "Pardo asks for one half"
        yield f"Out of sample it kept {_share(kept)} of the return a year that was promised: {judged}."
    yield f"{walk.profitable} of {len(walk.windows)} windows earned something out of sample."


def _drift_words(walk: WalkForward) -> Iterator[str]:
    chosen = [each.params for each in walk.windows if each.params is not None]
    if len(chosen) > 1 and walk.names:
        changes = [f"{name} {sum(a[name] != b[name] for a, b in pairwise(chosen))}" for name in walk.names]
        yield f"Changes of parameters from window to window, of {len(chosen) - 1}: {', '.join(changes)}."
    if len(chosen) < len(walk.windows):
        yield f"In {len(walk.windows) - len(chosen)} windows nothing could be chosen, so nothing was traded."


def _end_words(walk: WalkForward) -> Iterator[str]:
    failed, tried = (sum(getattr(each, name) for each in walk.windows) for name in ("failed", "tried"))
    if failed:
        yield f"{failed:,} of {tried:,} runs in sample failed and were passed over."
    if len(walk.windows) < walk.total:
        ruined = float(walk.stitched.curve.equity[-1]) <= 0.0
        why = "the account was ruined" if ruined else "it was stopped"
        yield f"{walk.total - len(walk.windows)} of {walk.total} windows were not run: {why}."
    sold = sum(fill.tag == "window_end" for fill in walk.stitched.fills)
    if sold:
        times = "once" if sold == 1 else f"{sold} times"
        yield f"What was held at the end of a window was sold there, {times}; the costs are in the result."


def _share(value: float | None) -> str:
    """Write an efficiency; where next to nothing was promised it can be anything."""
    if value is not None and abs(value) >= _MOST_SHARE:
        return f"{'>' if value > 0 else '<-'}{_MOST_SHARE * 100:.0f}%"
    return percent_cell(None if value is None else value * 100.0, signed=False, digits=0)
