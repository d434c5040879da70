"""What ``bt-run live`` shows while it runs: a panel that renews itself on a terminal, lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from rich.console import Console, Group
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bt_run.cli.panel_rows import LABEL_WIDTH, countdown, labelled
from bt_run.reports.cells import duration_cell, money_cell, percent_cell, price_cell, size_cell

if TYPE_CHECKING:
    from decimal import Decimal
    from types import TracebackType
    from typing import Self

    from rich.console import RenderableType

    from bt_run.run.live.plan import LivePlan
    from bt_run.run.live.status import LiveSnapshot, OpenOrder, SymbolView

__all__ = ["LiveDisplay", "panel", "state_line"]

_A_SECOND = 2
_LINE_S = 60.0
_ORDERS = 4
_WORDS = 3
_WATCHED = ("feeds", "brokers", "bt_run")
_TOLD_OTHERWISE = ("feeds.bt_live", "brokers.live", "bt_run.practice")
_LAG_MS = 3_000


class LiveDisplay:
    """
    Follows a run (`bt_run.run.live.status.Audience`) while it is entered.

    Everything goes to stderr, so that stdout is the result's alone. On a terminal news go above the panel;
    elsewhere every line has its time, and once a minute one says how the run stands.
    """

    def __init__(self, plan: LivePlan, *, quiet: bool) -> None:
        self._plan = plan
        self._quiet = quiet
        self._console = Console(stderr=True, highlight=False)
        self._has_panel = sys.stderr.isatty() and not quiet
        self._live: Live | None = None
        self._snapshot: LiveSnapshot | None = None
        self._lined_at = time.monotonic()
        self._handler = _Warnings(self)
        self._loggers = [logging.getLogger(name) for name in _WATCHED]

    def __enter__(self) -> Self:
        for logger in self._loggers:
            logger.addHandler(self._handler)
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
        for logger in self._loggers:
            logger.removeHandler(self._handler)

    # As an audience.

    def say(self, sentence: str, *, time_ms: int, is_news: bool = False) -> None:
        """Print a line; what the panel shows anyway is not printed above it."""
        if not self._quiet and (is_news or not self._has_panel):
            self._print(sentence, time_ms)

    def warn(self, sentence: str, *, time_ms: int) -> None:
        """Print a line that a person should see."""
        self._print(sentence, time_ms, style="yellow")

    def show(self, snapshot: LiveSnapshot) -> None:
        """Take the state."""
        self._snapshot = snapshot
        now = time.monotonic()
        if not self._has_panel and not self._quiet and now - self._lined_at >= _LINE_S:
            self._lined_at = now
            self._print(state_line(snapshot), snapshot.now_ms)

    # How.

    def _print(self, sentence: str, time_ms: int, *, style: str = "") -> None:
        moment = datetime.fromtimestamp(time_ms / 1000, tz=UTC)
        if self._has_panel:
            stamp = f"{moment:%Y-%m-%d %H:%M}" if self._plan.is_practice else f"{moment:%H:%M:%S}"
            self._console.print(Text.assemble((f"{stamp} ", "dim"), (sentence, style)), soft_wrap=True)
        else:
            click.echo(f"{moment:%Y-%m-%dT%H:%M:%SZ} {sentence}", err=True)

    def _render(self) -> RenderableType:
        if self._snapshot is None:
            return Text(f"Starting {self._plan.strategy.name} on {self._plan.venue.name} ...", style="dim")
        return panel(self._snapshot, now_ms=time.time_ns() // 1_000_000)


class _Warnings(logging.Handler):
    """Hands warnings of the log to a display, but for those that the run tells itself."""

    def __init__(self, display: LiveDisplay) -> None:
        super().__init__(logging.WARNING)
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        if not record.name.startswith(_TOLD_OTHERWISE):
            self._display.warn(self.format(record), time_ms=round(record.created * 1000))


def state_line(told: LiveSnapshot) -> str:
    """Say in one line how a run stands."""
    parts = [f"equity {_money(told.equity)} {told.quote_asset}"]
    for view in told.symbols:
        price = _price(view.price)
        held = f", held {size_cell(float(view.held))}" if view.held else ""
        parts.append(f"{view.symbol} {price}{held}, {view.feed.phase.value}")
    parts.append(f"{len(told.orders)} open {'order' if len(told.orders) == 1 else 'orders'}")
    parts += [f"no entries: {reason}" for reason in told.halts[:1]]
    parts += [told.trouble] if told.trouble else []
    return " | ".join(parts)


def panel(told: LiveSnapshot, *, now_ms: int) -> RenderableType:
    """Lay out the state of a run; fits 80 columns."""
    up_s = (now_ms - told.started_ms) / 1000
    mode = {"live": "", "paper": " · on paper", "signals": " · signals only"}[told.mode]
    title = Text(f"{told.strategy} on {told.venue}{mode} · up {duration_cell(up_s)}", style="bold cyan")
    rows: list[RenderableType] = [Rule(title, align="left", style="dim")]
    rows += [_symbol(view, told.quote_asset, since_ms=now_ms - told.now_ms) for view in told.symbols]
    rows.append(_account(told))
    rows += [_order(order) for order in told.orders[:_ORDERS]]
    if len(told.orders) > _ORDERS:
        rows.append(labelled("", f"and {len(told.orders) - _ORDERS} more orders"))
    rows += [labelled("No entries", reason, style="yellow") for reason in told.halts]
    if told.trouble or not told.account_up:
        rows.append(labelled("Account", told.trouble or "not connected", style="yellow"))
    rows += [
        labelled("Last" if place == 0 else "", f"{_clock(time_ms)} {words}", style="dim")
        for place, (time_ms, words) in enumerate(reversed(told.words[-_WORDS:]))
    ]
    return Group(*rows)


def _symbol(view: SymbolView, quote: str, *, since_ms: int) -> RenderableType:
    feed = view.feed
    left_s = max(0.0, feed.bar_left_s - since_ms / 1000)
    head = Text.assemble(
        (f"{view.symbol} {feed.interval}", "bold"),
        "  ",
        (_price(view.price), "bold"),
        f"  bar closes in {countdown(left_s)}  ",
        _connection(view),
    )
    held = f"{size_cell(float(view.held))} {view.base_asset}" if view.held else "none"
    if view.held and view.average is not None:
        held += f" at {_price(view.average)}"
    row = _pairs()
    row.add_row("Position", held, "Unrealised", _signed(view.unrealised if view.held else None, quote))
    if view.signal is None:
        return Group(head, row)
    time_ms, words = view.signal
    return Group(head, row, labelled("Signal", f"{_clock(time_ms)} {words}"))


def _connection(view: SymbolView) -> Text:
    feed = view.feed
    words = feed.phase.value
    style = "green" if words == "live" else "yellow"
    if feed.lag_ms is not None and 0 <= feed.lag_ms < _LAG_MS:
        words += f", {feed.lag_ms} ms behind"
    if feed.reconnects:
        words += f", {feed.reconnects} reconnects"
    if feed.trouble:
        words, style = f"{words}: {feed.trouble}", "yellow"
    return Text(words, style=style)


def _account(told: LiveSnapshot) -> RenderableType:
    gain = told.equity - told.start_equity
    share = float(gain / told.start_equity * 100) if told.start_equity else None
    realised: Decimal | None = None
    if all(view.realised is not None for view in told.symbols):
        realised = sum((view.realised for view in told.symbols if view.realised is not None), start=gain - gain)
    row = _pairs()
    equity = Text.assemble((f"{_money(told.equity)} {told.quote_asset}", "bold"), f" ({percent_cell(share)})")
    row.add_row("Equity", equity, "Realised", _signed(realised, told.quote_asset))
    row.add_row(
        "Cash", f"{_money(told.cash)} {told.quote_asset}", "Seen", f"{told.bars} bars, {told.fills} fills"
    )
    return row


def _order(order: OpenOrder) -> RenderableType:
    kind = order.purpose if order.purpose in ("stop_loss", "take_profit") else order.type
    parts = [order.side.lower(), kind.lower().replace("_", "-")]
    if order.quantity is not None:
        parts.append(size_cell(float(order.quantity)))
    if order.trailing is not None:
        parts.append(f"trailing {order.trailing / 100:g}%")
    at = order.trigger if order.trigger is not None else order.price
    if at is not None:
        parts.append(f"at {_price(at)}")
    if order.state not in ("OPEN", "PARTIAL"):
        parts.append(f"({order.state.lower()})")
    return labelled("Order", f"{order.symbol} {' '.join(parts)}")


def _pairs() -> Table:
    row = Table.grid(padding=(0, 1), expand=False)
    row.add_column(width=LABEL_WIDTH, no_wrap=True)
    row.add_column(width=34, no_wrap=True)
    row.add_column(width=LABEL_WIDTH, no_wrap=True)
    row.add_column(width=22, no_wrap=True)
    return row


def _signed(value: Decimal | None, quote: str) -> Text:
    if value is None:
        return Text("-")
    style = "" if not value else "green" if value > 0 else "red"
    return Text(f"{float(value):+,.2f} {quote}", style=style)


def _money(value: Decimal) -> str:
    return money_cell(float(value), digits=2)


def _price(value: Decimal | None) -> str:
    return "-" if value is None else price_cell(float(value))


def _clock(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, tz=UTC):%m-%d %H:%M:%S}"
