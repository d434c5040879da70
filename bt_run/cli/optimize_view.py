"""What ``bt-run optimize`` prints and writes when a search has ended or was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.backtest_words import backtest_line
from bt_run.cli.command_line import command_line
from bt_run.cli.output import is_stdout, put_json
from bt_run.cli.report_option import write_report
from bt_run.core.errors import ConfigError, StrategyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from rich.console import RenderableType

    from bt_run.reports.honesty.honesty import HonestyReport
    from bt_run.run.optimize.request import SearchRequest
    from bt_run.run.optimize.summary import SearchSummary
    from bt_run.run.optimize.sweep_file import SweepFile

__all__ = ["Outputs", "show_search"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is wanted of a search: how many rows, which map, which files."""

    top: int
    map_names: tuple[str, ...]
    plot: Path | None
    csv: Path | None
    json: Path | None
    report: Path | None
    clock: str | None
    is_quiet: bool

    def check(self, request: SearchRequest) -> None:
        """Check before the search that what is wanted can be made of it. Raises ConfigError, UnknownName."""
        from bt_run.run.optimize.summary import read_map_axes

        if not read_map_axes(request, self.map_names) and self.plot is not None:
            raise ConfigError("No parameter moves, so there is no map to draw. Leave --plot out.")


def show_search(
    ctx: click.Context,
    request: SearchRequest,
    file: SweepFile,
    outputs: Outputs,
    *,
    spec: str,
    data: str,
    options: Mapping[str, Any],
) -> None:
    """
    Print the best, the map, the neighbours and the command of the best; write the files asked for.

    Raises:
        StrategyError: every combination failed.
        ConfigError: none keeps the constraints.
    """
    from bt_run.run.optimize.summary import summarise, try_neighbours

    summary = summarise(request, file.trials, top=outputs.top)
    if file.end == "finished":
        summary = try_neighbours(request, summary)
    line = ""
    if summary.best:
        line = backtest_line(
            ctx,
            strategy=spec.partition(":")[0] if ".py" not in spec else spec,
            data=data,
            params=summary.best[0].params,
            options=options,
        )
    luck = _judge(request, file, summary)
    written = _write(request, file, summary, outputs, line, luck)
    if outputs.report is not None and luck is not None:
        written.append(_report(request, file, summary, outputs, luck, command=command_line(ctx)))
    if not outputs.is_quiet and not is_stdout(outputs.json):
        from rich.console import Console

        console = Console(highlight=False)
        for part in _parts(request, file, summary, outputs):
            console.print(part)
        if luck is not None:
            from bt_run.reports.honesty.block import honesty_block

            console.print(honesty_block(luck))
        if line:
            click.echo(f"\nThe best again:\n{line}")
        for path in (*written, file.path):
            click.echo(f"Wrote {path}")
    _check_found(request, summary)


def _report(
    request: SearchRequest,
    file: SweepFile,
    summary: SearchSummary,
    outputs: Outputs,
    luck: HonestyReport,
    *,
    command: str,
) -> Path:
    """Make the best run again, and its report."""
    from bt_run.reports.search.heat_figure import MOST_CELLS
    from bt_run.run.backtest import run_backtest
    from bt_run.run.optimize.summary import map_of, read_map_axes
    from bt_run.run.report.gather_search import report_of_search
    from strategies.loader import load_strategy

    path, best = outputs.report, summary.best[0]
    assert path is not None  # noqa: S101  # the caller has looked
    strategy = load_strategy(request.spec, params=[f"{name}={value}" for name, value in best.params.items()])
    axes = read_map_axes(request, outputs.map_names)
    contents = report_of_search(
        run_backtest(strategy, request.data, request.settings),
        strategy,
        trials=summary.best,
        names=[axis.name for axis in request.space.moving],
        metrics=[goal.metric for goal in request.goals],
        heat=map_of(request, file.trials(), axes, columns=MOST_CELLS, rows=MOST_CELLS),
        luck=luck,
        command=command,
        seed=file.seed,
        written=outputs.clock,
    )
    return write_report(path, contents)


def _judge(request: SearchRequest, file: SweepFile, summary: SearchSummary) -> HonestyReport | None:
    """Say how much of the best is luck; None where there is no best."""
    if not summary.best:
        return None
    from bt_run.reports.honesty.honesty import honesty_of
    from bt_run.run.optimize.facts import facts_of_search

    return honesty_of(facts_of_search(request, file.trials(), file.returns(), summary.best[0]))


def _check_found(request: SearchRequest, summary: SearchSummary) -> None:
    counts = summary.counts
    if summary.best or not counts.tried:
        return
    if counts.failed == counts.tried:
        raise StrategyError(f"All {counts.tried:,} combinations failed. The first: {counts.first_error}")
    kept = " and ".join(str(each) for each in request.constraints)
    wanted = " and ".join(goal.metric for goal in request.goals)
    raise ConfigError(
        f"None of the {counts.tried:,} combinations has a {wanted}{f' and keeps {kept}' if kept else ''}. "
        f"The results are kept; --resume with looser limits looks at them again."
    )


def _parts(
    request: SearchRequest, file: SweepFile, summary: SearchSummary, outputs: Outputs
) -> Iterator[RenderableType]:
    from rich.rule import Rule
    from rich.text import Text

    from bt_run.reports.heading import data_lines, one_line, warning_lines
    from bt_run.reports.search.heat_text import MOST_COLUMNS, MOST_ROWS, heat_table
    from bt_run.reports.search.result_table import trial_table
    from bt_run.run.optimize.summary import map_of, read_map_axes

    names = [axis.name for axis in request.space.moving] or [axis.name for axis in request.space.axes]
    metrics = [goal.metric for goal in request.goals]
    yield Text(f"{one_line(request.spec)} on {one_line(request.data.title)}", style="bold")
    yield from data_lines(request.data)
    yield Text(_search_line(request, file, summary))
    yield from _engine_lines(request, summary)
    yield from warning_lines(request.data)
    if summary.counts.failed:
        yield Text(
            f"{summary.counts.failed:,} failed, the first: {one_line(summary.counts.first_error)}", style="red"
        )
    if not summary.best:
        return
    yield Rule(Text(f"Best by {request.goals[0]}", style="bold cyan"), align="left", style="dim")
    yield trial_table(summary.best, names=names, metrics=metrics)
    if len(summary.front) > 0:
        words = f"Pareto front of {' and '.join(str(goal) for goal in request.goals)}"
        yield Rule(Text(words, style="bold cyan"), align="left", style="dim")
        yield trial_table(summary.front[: outputs.top], names=names, metrics=metrics)
        if len(summary.front) > outputs.top:
            yield Text(f"{len(summary.front) - outputs.top:,} more; --json has them all.", style="dim")
    axes = read_map_axes(request, outputs.map_names)
    heat = map_of(request, file.trials(), axes, columns=MOST_COLUMNS, rows=MOST_ROWS)
    if heat is not None:
        yield Rule(style="dim")
        yield heat_table(heat)
        if len(request.space.moving) > len(axes):
            yield Text("A cell shows the best over the other parameters.", style="dim")
    yield from _neighbour_parts(request, summary)


def _engine_lines(request: SearchRequest, summary: SearchSummary) -> Iterator[RenderableType]:
    """Say why the sweep's own kernel did not run, where it did not."""
    from rich.text import Text

    from bt_run.run.optimize.measure import Measurer
    from bt_run.run.optimize.swept import why_not_swept

    reason = why_not_swept(request, Measurer.load(request)) if summary.best else None
    if reason is not None:
        yield Text(f"Each was a whole backtest, because {reason}.", style="dim")


def _neighbour_parts(request: SearchRequest, summary: SearchSummary) -> Iterator[RenderableType]:
    from rich.rule import Rule
    from rich.text import Text

    from bt_run.reports.search.result_table import neighbour_table, neighbour_words

    if not summary.neighbours:
        return
    goal, best = request.goals[0], summary.best[0]
    around = [
        value
        for each in summary.neighbours
        if each.trial is not None and (value := each.trial.metrics.get(goal.metric)) is not None
    ]
    yield Rule(style="dim")
    rows = [(each.axis, each.value, each.trial) for each in summary.neighbours]
    yield neighbour_table(best, rows, metrics=[each.metric for each in request.goals])
    yield Text(neighbour_words(best.metrics[goal.metric] or 0.0, around, metric=goal.metric))


def _search_line(request: SearchRequest, file: SweepFile, summary: SearchSummary) -> str:
    counts = summary.counts
    ends = {"timeout": "stopped by --timeout", "interrupted": "stopped", "": "stopped"}
    words = [
        f"{counts.tried:,} combinations",
        request.method if request.method == "grid" else f"{request.method}, seed {file.seed}",
    ]
    if summary.best:
        words.append(f"{summary.best[0].engine} engine")
    if file.end in ends:
        words.append(f"{ends[file.end]}, --resume goes on")
    if request.constraints:
        words.append(f"{counts.eligible:,} keep {' and '.join(str(each) for each in request.constraints)}")
    return " · ".join(words)


def _write(  # noqa: PLR0917
    request: SearchRequest,
    file: SweepFile,
    summary: SearchSummary,
    outputs: Outputs,
    line: str,
    luck: HonestyReport | None,
) -> list[Path]:
    """Write the files asked for, the picture last because it takes longest; give their paths."""
    from bt_run.reports.search.export import write_trials_csv

    written: list[Path] = []
    if outputs.csv is not None:
        names = [*request.space.fixed, *(axis.name for axis in request.space.axes)]
        first = next((trial for trial in file.trials() if trial.metrics), None)
        metrics = [*first.metrics] if first is not None else []
        write_trials_csv(outputs.csv, file.trials(), names=names, metrics=metrics)
        written.append(outputs.csv)
    if outputs.json is not None:
        written += put_json(outputs.json, _document(request, file, summary, outputs, line, luck))
    if outputs.plot is not None and summary.best:
        _draw(outputs.plot, request, file, summary, outputs)
        written.append(outputs.plot)
    return written


def _draw(
    path: Path, request: SearchRequest, file: SweepFile, summary: SearchSummary, outputs: Outputs
) -> None:
    from bt_run.reports.figure_file import save_figure
    from bt_run.reports.heading import data_lines
    from bt_run.reports.search.heat_figure import MOST_CELLS, MOST_POINTS, draw_heat
    from bt_run.run.optimize.summary import map_of, read_map_axes

    axes = read_map_axes(request, outputs.map_names)
    columns = MOST_CELLS if len(axes) > 1 else MOST_POINTS
    heat = map_of(request, file.trials(), axes, columns=columns, rows=MOST_CELLS)
    if heat is None:  # refused before the search
        return
    figure = draw_heat(
        heat,
        title=f"{request.spec} on {request.data.title}",
        subtitle=f"{data_lines(request.data)[0].plain} · {_search_line(request, file, summary)}",
        corner=request.data.note,
    )
    save_figure(figure, path)


def _document(  # noqa: PLR0917
    request: SearchRequest,
    file: SweepFile,
    summary: SearchSummary,
    outputs: Outputs,
    line: str,
    luck: HonestyReport | None,
) -> dict[str, Any]:
    from bt_run.reports.honesty.honesty import honesty_to_dict
    from bt_run.reports.search.export import SEARCH_SCHEMA, heat_to_dict, trial_to_dict
    from bt_run.run.optimize.summary import map_of, read_map_axes

    asked = file.question
    heat = map_of(request, file.trials(), read_map_axes(request, outputs.map_names), columns=60, rows=60)
    counts = summary.counts
    return {
        "schema": SEARCH_SCHEMA,
        "strategy": {"name": asked["strategy"], "fixed": asked["fixed"], "axes": asked["axes"]},
        "data": asked["data"],
        "settings": asked["settings"],
        "search": {
            "method": request.method,
            "seed": file.seed,
            "metrics": [str(goal) for goal in request.goals],
            "constraints": [str(each) for each in request.constraints],
            "end": file.end,
        },
        "counts": {"tried": counts.tried, "failed": counts.failed, "eligible": counts.eligible},
        "best": [trial_to_dict(trial) for trial in summary.best],
        "front": [trial_to_dict(trial) for trial in summary.front],
        "neighbours": [
            {
                "param": each.axis,
                "value": each.value,
                "trial": trial_to_dict(each.trial) if each.trial else None,
            }
            for each in summary.neighbours
        ],
        "map": heat_to_dict(heat) if heat is not None else None,
        "luck": honesty_to_dict(luck) if luck is not None else None,
        "command": line,
    }
