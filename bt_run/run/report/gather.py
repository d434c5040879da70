"""From results to the contents of a report: other costs, chance, versions."""

from __future__ import annotations

import dataclasses
import platform
from importlib import metadata
from typing import TYPE_CHECKING

from bt_run import __version__
from bt_run.core.errors import BtRunError
from bt_run.reports.honesty.honesty import facts_of_run, honesty_of
from bt_run.reports.page.contents import CostCase, Manifest, ReportContents
from bt_run.reports.page.robustness import robustness_of
from bt_run.run.backtest import run_backtest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bt_run.core.results import RunResult
    from strategies.loader import LoadedStrategy

__all__ = ["COST_FACTORS", "manifest_of", "report_of_live", "report_of_run", "report_of_runs"]

COST_FACTORS = (0.0, 1.0, 2.0, 4.0)
"""How many times commission and slippage a report tries."""

_PACKAGES = ("backtrader", "TA-Lib", "numpy", "numba")


def report_of_run(
    result: RunResult,
    strategy: LoadedStrategy,
    *,
    command: str,
    seed: int = 1,
    written: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ReportContents:
    """
    Gather the report of a backtest; the run is repeated under other costs.

    Args:
        result: Of the run.
        strategy: What made it; it must give the same again.
        command: The command line that makes the report again.
        seed: Of the resampling.
        written: The time of the clock as ISO 8601; None leaves it out.
        progress: Called with how many of the repetitions are done.
    """
    return ReportContents(
        title=_title(result),
        kind="bt-run backtest",
        runs=(result,),
        manifest=manifest_of(command, seed=seed, written=written),
        costs=tuple(_cost_cases(result, strategy, progress)),
        robustness=robustness_of(result, honesty_of(facts_of_run(result), seed=seed), seed=seed),
    )


def report_of_live(
    result: RunResult, *, command: str, kind: str = "bt-run live", seed: int = 1, written: str | None = None
) -> ReportContents:
    """Gather the report of a live run, which cannot be repeated; arguments as `report_of_run`."""
    return ReportContents(
        title=_title(result),
        kind=kind,
        runs=(result,),
        manifest=manifest_of(command, seed=seed, written=written),
        robustness=robustness_of(result, honesty_of(facts_of_run(result), seed=seed), seed=seed),
    )


def report_of_runs(
    results: Sequence[RunResult], *, command: str, kind: str = "bt-run compare", written: str | None = None
) -> ReportContents:
    """Gather the comparison of several runs, at least two."""
    titles = list(dict.fromkeys(result.data.title for result in results))
    names = list(dict.fromkeys(result.label for result in results))
    return ReportContents(
        title=f"{', '.join(names)} on {', '.join(titles)}",
        kind=kind,
        runs=tuple(results),
        manifest=manifest_of(command, seed=None, written=written),
    )


def _title(result: RunResult) -> str:
    return f"{result.label} on {result.data.title}"


def manifest_of(command: str, *, seed: int | None, written: str | None) -> Manifest:
    """Say where a report comes from, with the versions of what reckoned."""
    versions = {"bt-run": __version__, "Python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in _PACKAGES}
    return Manifest(command, versions, seed, written)


def _cost_cases(
    result: RunResult, strategy: LoadedStrategy, progress: Callable[[int], None] | None
) -> Iterator[CostCase]:
    """Run again at each factor but one, whose result is there; what cannot be run says why."""
    told = result.settings
    for done, factor in enumerate(COST_FACTORS):
        commission, slippage = told.commission * factor, told.slippage * factor
        metrics, error = result.metrics, ""
        if factor != 1.0:
            try:
                settings = dataclasses.replace(told, commission=commission, slippage=slippage)
                metrics = run_backtest(strategy, result.data, settings).metrics
            except BtRunError as failed:
                metrics, error = {}, str(failed)
        yield CostCase(factor, commission, slippage, metrics, error)
        if progress is not None:
            progress(done + 1)
