"""What ``bt-run signals`` shows while it runs: a panel on a terminal, lines elsewhere, JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.rule import Rule
from rich.text import Text

from bt_run.cli.panel_rows import countdown, labelled
from bt_run.cli.signals_text import clock_text, event_lines, standing_lines, summary_lines, worth_text
from bt_run.core.clock import iso_utc
from bt_run.reports.cells import price_cell
from bt_run.reports.numbers import amount_text
from bt_run.run.signals.documents import SCHEMA, document_of
from bt_run.run.signals.events import Potential, SignalEnded, SignalSeen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from rich.console import RenderableType

    from bt_run.run.signals.audience import DeskView
    from bt_run.run.signals.desk import SignalDesk
    from bt_run.run.signals.events import DeskEvent
    from bt_run.run.signals.plan import WatchPlan
    from bt_run.run.signals.watch import WatchOutcome

__all__ = ["JsonDisplay", "TextDisplay", "display_of", "panel"]

_A_SECOND = 4
_VALUES = 6


def display_of(plan: WatchPlan, *, as_json: bool, quiet: bool) -> TextDisplay | JsonDisplay:
    """Choose how to show a watch."""
    return JsonDisplay(plan) if as_json else TextDisplay(plan, quiet=quiet)


class JsonDisplay:
    """One JSON object a line on stdout; sentences for people go to stderr."""

    def __init__(self, plan: WatchPlan) -> None:
        self._plan = plan

    def __enter__(self) -> Self:
        plan = self._plan
        self._put({
            "event": "begin",
            "schema": SCHEMA,
            "venue": plan.venue.name,
            "market": plan.market,
            "symbols": list(plan.symbols),
            "interval": str(plan.interval),
            "strategy": plan.strategy.name,
            "params": {**plan.strategy.defaults, **plan.strategy.params},
            "invest": f"{plan.invest.normalize():f}",
            "fee": f"{plan.fee.normalize():f}",
            "note": plan.note,
        })  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: every line is out already."""

    def opened(self, desk: SignalDesk, standing: SignalSeen | None) -> None:
        """Tell the signal that lasts from before."""
        bars = 0 if desk.bars is None else len(desk.bars)
        self._put({"event": "opened", "symbol": desk.terms.symbol, "bars": bars})
        if standing is not None:
            self._put(document_of(standing))

    def tell(self, event: DeskEvent, desk: SignalDesk) -> None:
        """Write an event."""
        self._put(document_of(event))

    def say(self, sentence: str, *, time_ms: int, is_warning: bool = False) -> None:
        """Write a sentence to stderr."""
        click.echo(f"{iso_utc(time_ms)} {sentence}", err=True)

    def show(self, views: Sequence[DeskView]) -> None:
        """Do nothing: a program reads events."""

    def summary(self, outcome: WatchOutcome) -> None:
        """Write the last line."""
        self._put({
            "event": "summary",
            "reason": outcome.reason,
            "pairs": [
                {
                    "symbol": desk.terms.symbol,
                    "signals": desk.signals,
                    "ended": len(desk.ended),
                    "net": sum(one.result.net for one in desk.ended),
                    "lasting": None if desk.lasting is None else desk.lasting.kind,
                }
                for desk in outcome.desks
            ],
        })  # fmt: skip

    def _put(self, document: dict[str, Any]) -> None:
        click.echo(json.dumps(document, ensure_ascii=False, allow_nan=False))


class TextDisplay:
    """
    Lines on stdout, and on a terminal a panel below them that renews itself.

    Without a terminal what a lasting signal is worth is a line at each bar's close.
    """

    def __init__(self, plan: WatchPlan, *, quiet: bool) -> None:
        self._plan = plan
        self._quiet = quiet
        self._console = Console(highlight=False)
        self._has_panel = sys.stdout.isatty() and not quiet
        self._live: Live | None = None
        self._views: Sequence[DeskView] = ()
        self._ended: list[SignalEnded] = []

    def __enter__(self) -> Self:
        if self._has_panel:
            self._live = Live(
                get_renderable=self._render,
                console=self._console,
                refresh_per_second=_A_SECOND,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def opened(self, desk: SignalDesk, standing: SignalSeen | None) -> None:
        """Say what there is to begin with."""
        bars = 0 if desk.bars is None else len(desk.bars)
        if not self._quiet:
            note = f" ({self._plan.note})" if self._plan.note else ""
            self._print(f"{desk.terms.symbol}: {bars:,} bars of history{note}, {desk.terms.strategy} is ready.")
        if standing is not None:
            self._lines(standing_lines(standing, desk.terms.filters), standing)

    def tell(self, event: DeskEvent, desk: SignalDesk) -> None:
        """Print a signal; what it is worth only where no panel shows it."""
        if isinstance(event, SignalEnded):
            self._ended.append(event)  # its exit comes with the next event, and is the headline
            return
        if isinstance(event, Potential) and (self._has_panel or self._quiet):
            return
        self._lines(event_lines(event, desk.terms.filters), event)
        ended, self._ended = self._ended, []
        for one in ended:
            self._lines(event_lines(one, desk.terms.filters), one)

    def say(self, sentence: str, *, time_ms: int, is_warning: bool = False) -> None:
        """Print a sentence; connections are for stderr, as stdout is for signals."""
        if self._has_panel:
            self._console.print(
                Text(f"{clock_text(time_ms)}  {sentence}", style="yellow" if is_warning else "dim")
            )
        elif is_warning or not self._quiet:
            click.echo(f"{iso_utc(time_ms)} {sentence}", err=True)

    def show(self, views: Sequence[DeskView]) -> None:
        """Take the state for the panel."""
        self._views = views

    def summary(self, outcome: WatchOutcome) -> None:
        """Print what was seen."""
        self._print(f"Ended: {outcome.reason}.")
        for line in summary_lines(outcome):
            self._print(line)

    def _lines(self, lines: Sequence[str], event: DeskEvent) -> None:
        style = _style(event)
        for place, line in enumerate(lines):
            self._print(line, style=style if not place or isinstance(event, SignalEnded) else "")

    def _print(self, line: str, *, style: str = "") -> None:
        if self._has_panel:
            self._console.print(Text(line, style=style), soft_wrap=True)
        else:
            click.echo(line)

    def _render(self) -> RenderableType:
        if not self._views:
            return Text(f"Asking {self._plan.venue.name} for the history ...", style="dim")
        return panel(self._plan, self._views)


def _style(event: DeskEvent) -> str:
    if isinstance(event, SignalSeen):
        return ("bold green" if event.buys else "bold red") if event.is_entry else "bold"
    if isinstance(event, SignalEnded):
        return "green" if event.result.net > 0 else "red"
    return ""


def panel(plan: WatchPlan, views: Sequence[DeskView]) -> RenderableType:
    """Lay out how all pairs stand; fits 80 columns."""
    note = f" · {plan.note}" if plan.note else ""
    title = Text(f"{plan.strategy.name} {plan.interval} on {plan.venue.name}{note}", style="bold cyan")
    return Group(Rule(title, align="left", style="dim"), *[row for view in views for row in _rows(view)])


def _rows(view: DeskView) -> list[RenderableType]:
    price = "-" if view.price is None else price_cell(view.price)
    phase = view.trouble or view.phase.value
    head = Text.assemble(
        (f"{view.symbol}", "bold"),
        "  ",
        (price, "bold"),
        f"  bar closes in {countdown(view.bar_left_s)}  ",
        (phase, "green" if phase == "live" else "yellow"),
        f"  {view.signals} signals",
    )
    rows: list[RenderableType] = [head]
    if view.worth is not None and view.lasting is not None:
        worth = view.worth
        words = f"{view.lasting.kind.split()[0]} {worth_text(worth, view.quote_asset)}"
        rows.append(labelled("Potential", words, style="green" if worth.net > 0 else "red"))
        after = f"after fees {worth.net:+,.2f} {view.quote_asset}, break-even {price_cell(worth.break_even)}"
        rows.append(labelled("", f"{after}, {worth.bars} bars since {price_cell(view.lasting.price)}"))
    else:
        rows.append(labelled("Potential", "no signal lasts", style="dim"))
    values = [f"{name} {amount_text(value)}" for name, value in list(view.values.items())[:_VALUES]]
    rows.append(labelled("Indicators", ", ".join(values) or "none", style="dim"))
    return rows
