"""What goes into a report, as plain data: runs, their costs, what chance does to them, where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import FloatArray
    from bt_run.core.results import RunResult

__all__ = ["Band", "CostCase", "Manifest", "ReportContents", "Robustness", "Sheet"]


@dataclass(frozen=True, slots=True)
class CostCase:
    """The same run under other costs: `factor` times commission and slippage; its metrics, or why it failed."""

    factor: float
    commission: float
    slippage: float
    metrics: Mapping[str, float | int | None]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """
    A number with what chance could have made of it: `low` to `high` at `confidence` in (0, 1).

    `kind` says how it is written: a ``change`` in percent, a ``fall`` in percent with a minus, a ``ratio``.
    `meaning` is read when it is pointed at.
    """

    label: str
    measured: float | None
    low: float | None
    high: float | None
    confidence: float
    kind: Literal["change", "fall", "ratio"] = "change"
    meaning: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A table of texts: `columns` are headings, `rows` the cells, one a column."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """
    What speaks for and against luck.

    `words` are sentences. `bands` are intervals. `paths` has shape (quantiles, steps): equity in quote currency
    at the `quantiles` of many reshuffled runs. `heat` is (rows, columns) of a metric over two parameters, NaN
    where nothing was run, with their values along the sides. `sheets` are further tables, such as windows.
    """

    words: Sequence[str] = ()
    bands: Sequence[Band] = ()
    quantiles: Sequence[float] = ()
    paths: FloatArray | None = None
    heat: FloatArray | None = None
    heat_rows: tuple[str, Sequence[str]] = ("", ())
    heat_columns: tuple[str, Sequence[str]] = ("", ())
    heat_metric: str = ""
    sheets: Sequence[Sheet] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.bands or self.sheets) or self.paths is not None or self.heat is not None


@dataclass(frozen=True, slots=True)
class Manifest:
    """
    Where the report comes from: `command` makes it again, `versions` are of the packages that reckoned.

    `written` is the clock's time as ISO 8601, None in a report that shall be the same each time.
    """

    command: str
    versions: Mapping[str, str]
    seed: int | None = None
    written: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ReportContents:
    """
    All of one report.

    One run gives every section; several, at least two, give a comparison and each run's manifest. `title` is
    the page's; `kind` the command that made it.
    """

    title: str
    kind: str
    runs: Sequence[RunResult]
    manifest: Manifest
    costs: Sequence[CostCase] = ()
    robustness: Robustness = field(default_factory=Robustness)
