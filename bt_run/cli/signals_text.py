"""Events of the signal desk in words, at most 80 columns a line. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bt_run.reports.cells import money_cell, percent_cell, price_cell, size_cell
from bt_run.reports.numbers import amount_text
from bt_run.run.signals.events import Potential, SignalEnded, SignalSeen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brokers.filters import SymbolFilters
    from bt_run.run.signals.desk import SignalDesk
    from bt_run.run.signals.events import DeskEvent
    from bt_run.run.signals.past import PastRecord
    from bt_run.run.signals.watch import WatchOutcome

__all__ = ["clock_text", "event_lines", "standing_lines", "summary_lines", "worth_text"]

_WIDTH = 80
_INDENT = "    "


def clock_text(time_ms: int) -> str:
    """Write a time as ``2026-11-29 17:55:00``, UTC."""
    return f"{datetime.fromtimestamp(time_ms / 1000, tz=UTC):%Y-%m-%d %H:%M:%S}"


def event_lines(event: DeskEvent, filters: SymbolFilters) -> list[str]:
    """
    Write an event.

    A signal is a headline with indented lines below it: size and break-even, indicators, how it did before.
    """
    if isinstance(event, SignalSeen):
        return _signal(event, filters)
    if isinstance(event, SignalEnded):
        return [f"{_INDENT}{line}" for line in _ended(event, filters.quote_asset)]
    quote = filters.quote_asset
    moment = datetime.fromtimestamp(event.time_ms / 1000, tz=UTC)
    line = f"  {moment:%m-%d %H:%M}  {event.signal.symbol} {worth_text(event, quote)}"
    if len(line) <= _WIDTH:
        return [line]
    now, _, since = line.partition(" best ")
    return [now, f"{'':15}best {since}"]


def standing_lines(signal: SignalSeen, filters: SymbolFilters) -> list[str]:
    """Write the signal that lasts from the history."""
    first, *rest = _signal(signal, filters)
    return [f"{first} (lasts since)", *rest]


def worth_text(worth: Potential, quote: str) -> str:
    """Write what a signal is worth: ``+0.35% (+0.87 USDT) at 64,236.00, best +0.60%, worst -0.10%``."""
    return (
        f"{percent_cell(worth.now_pct)} ({_signed(worth.amount)} {quote}) at {price_cell(worth.price)}, "
        f"best {percent_cell(worth.best_pct)}, worst {percent_cell(worth.worst_pct)}"
    )


def summary_lines(outcome: WatchOutcome) -> list[str]:
    """Write what a watch saw: a line a pair, and what still lasts."""
    lines: list[str] = []
    for desk in outcome.desks:
        lines += _desk(desk)
    return lines


def _signal(signal: SignalSeen, filters: SymbolFilters) -> list[str]:
    late = "  (late)" if signal.is_late else ""
    head = f"{clock_text(signal.time_ms)}  {signal.symbol} {signal.interval}  {signal.kind.upper()} at "
    lines = [f"{head}{price_cell(signal.price)}  {signal.strategy}{late}"]
    if signal.sizing is not None:
        lines += _wrapped(_size(signal, filters))
    lines += _wrapped([f"{name} {amount_text(value)}" for name, value in signal.values.items()])
    if signal.past is not None:
        lines += [f"{_INDENT}{line}" for line in _past(signal.past)]
    return lines


def _size(signal: SignalSeen, filters: SymbolFilters) -> list[str]:
    sizing = signal.sizing
    if sizing is None or not sizing.quantity:
        return [f"the amount buys nothing at this price: below the minimum of {filters.symbol}"]
    cost, fee = money_cell(float(sizing.cost)), money_cell(float(sizing.fee))
    return [
        f"size {size_cell(float(sizing.quantity))} {filters.base_asset}",
        f"cost {cost} {filters.quote_asset} + fee {fee}",
        f"break-even {price_cell(_break_even(signal))}",
    ]


def _break_even(signal: SignalSeen) -> float:
    """Give the price that pays for both fees; the rate follows from the size."""
    sizing = signal.sizing
    rate = float(sizing.fee / sizing.cost) if sizing and sizing.cost else 0.0
    return signal.price * ((1 + rate) / (1 - rate) if signal.is_long else (1 - rate) / (1 + rate))


def _past(past: PastRecord) -> list[str]:
    if not past.cases:
        return ["before: no case in the history"]
    count = f"{past.cases} case{'' if past.cases == 1 else 's'}"
    moves = [
        f"{percent_cell(move.median_pct)} in {move.bars}" for move in past.moves if move.median_pct is not None
    ]
    lines = [f"before: {count}" + (f", median {', '.join(moves)} bars" if moves else "")]
    if past.trips:
        won = percent_cell(past.winners_pct, signed=False, digits=0)
        lines.append(
            f"        {past.trips} ended, {won} of them with a gain after fees, "
            f"median {percent_cell(past.median_trip_pct)}"
        )
    return lines


def _ended(event: SignalEnded, quote: str) -> list[str]:
    result = event.result
    since = (
        f"{event.signal.kind} of {clock_text(event.signal.time_ms)} at {price_cell(event.signal.price)} ended:"
    )
    bars = f"{result.bars} bar{'' if result.bars == 1 else 's'}"
    return [since, worth_text(result, quote), f"after {bars}, {_signed(result.net)} {quote} after fees"]


def _desk(desk: SignalDesk) -> list[str]:
    terms = desk.terms
    quote = terms.filters.quote_asset
    bars = len(desk.bars) if desk.bars is not None else 0
    count = f"{desk.signals} signal{'' if desk.signals == 1 else 's'}"
    lines = [f"{terms.symbol} {terms.interval}, {terms.strategy}: {count}, {bars:,} bars with the history"]
    if desk.ended:
        net = sum(one.result.net for one in desk.ended)
        won = sum(one.result.net > 0 for one in desk.ended)
        lines.append(
            f"{_INDENT}{len(desk.ended)} ended, {won} of them with a gain; {_signed(net)} {quote} after fees"
        )
    if desk.lasting is not None:
        lasting = desk.lasting
        lines.append(
            f"{_INDENT}{lasting.kind} since {clock_text(lasting.time_ms)} at {price_cell(lasting.price)} lasts"
        )
    return lines


def _signed(value: float) -> str:
    return f"{value:+,.2f}"


def _wrapped(parts: Sequence[str]) -> list[str]:
    """Set parts with commas between them into indented lines of 80 columns."""
    lines, line = [], ""
    for part in parts:
        longer = f"{line}, {part}" if line else part
        if line and len(_INDENT) + len(longer) > _WIDTH - 1:
            lines.append(f"{line},")
            line = part
        else:
            line = longer
    return [f"{_INDENT}{one}" for one in [*lines, line] if one]
