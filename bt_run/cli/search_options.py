"""Options of commands that search parameters, and the request that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.data_source import load_source
from bt_run.cli.options import complete_data, complete_strategy, stacked

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.settings import BacktestSettings
    from bt_run.run.optimize.request import SearchRequest

__all__ = ["metric_option", "search_options", "search_request"]

search_options = stacked(
    click.option(
        "--strategy",
        "-s",
        required=True,
        shell_complete=complete_strategy,
        help="A name (see bt-run strategies) or ./file.py:Class; its parameters stay fixed: rsi:overbought=75.",
    ),
    click.option(
        "--data",
        "-d",
        required=True,
        shell_complete=complete_data,
        help="A file of bars, a capture, or a series of the store such as BTCUSDT:1h.",
    ),
    click.option(
        "--param",
        "-p",
        multiple=True,
        help="What to search: period=5:30, oversold=20:40:5, kind=sma,ema, or a name alone for all it may be.",
    ),
    click.option(
        "--method",
        type=click.Choice(["grid", "random", "tpe", "nsga2"]),
        default="grid",
        show_default=True,
        help="Every combination, some at random, or by Optuna's samplers.",
    ),
    click.option(
        "--trials", type=click.IntRange(min=1), help="Combinations to try, not for a grid.  [default: 100]"
    ),
    click.option("--seed", type=click.IntRange(min=0), help="Makes random, tpe and nsga2 repeatable."),
    click.option(
        "--min-trades", type=click.IntRange(min=1), help="Take only results with so many closed trades."
    ),
    click.option("--max-drawdown", type=float, help="Take only results that never fell deeper, in percent."),
    click.option("--require", multiple=True, help="Take only results such as profit_factor>=1.2; repeatable."),
    click.option(
        "--jobs", "-j", type=click.IntRange(min=1), help="Runs at once.  [default: by the work and the cores]"
    ),
    click.option(
        "--cluster", help="Search on the workers of this Dask scheduler, such as tcp://host:8786, not here."
    ),
)


def metric_option(*, several: bool) -> Callable[[Any], Any]:
    """Give the option ``--metric``: what to make better, one or several."""
    words = "What to make better: sharpe, return, max_drawdown, min:trades"
    return click.option(
        "--metric",
        "-m",
        multiple=several,
        default=("sharpe",) if several else "sharpe",
        show_default=True,
        help=f"{words}; several give the Pareto front." if several else f"{words}.",
    )


def search_request(
    strategy: str, data: str, settings: BacktestSettings, options: dict[str, Any], *, quiet: bool
) -> SearchRequest:
    """
    Make the request of a search of a command's options; the bars are loaded last, when all else is right.

    Raises as `read_space`, `check_some_fit`, `load_strategy`, `load_data` and `SearchRequest` do.
    """
    from bt_run.run.optimize.goal import Constraint, Goal
    from bt_run.run.optimize.plan import check_some_fit
    from bt_run.run.optimize.request import SearchRequest
    from bt_run.run.optimize.space import read_space
    from strategies.loader import load_strategy

    goals = tuple(Goal.parse(text) for text in options["metric"])
    limits = [Constraint.parse(text) for text in options["require"]]
    if options["min_trades"] is not None:
        limits.append(Constraint("trades", ">=", options["min_trades"]))
    if options["max_drawdown"] is not None:
        limits.append(Constraint("max_drawdown_pct", "<=", options["max_drawdown"]))
    loaded = load_strategy(strategy)
    space = read_space(loaded, options["param"], is_stepped=options["method"] == "grid")
    check_some_fit(space, loaded.cls, seed=options["seed"] or 0)
    return SearchRequest(
        spec=strategy,
        data=load_source(data, options, quiet=quiet),
        settings=settings,
        space=space,
        goals=goals,
        constraints=tuple(limits),
        method=options["method"],
        trials=options["trials"],
        timeout_s=options.get("timeout"),
        seed=options["seed"],
        jobs=options["jobs"],
        cluster=options["cluster"] or "",
    )
