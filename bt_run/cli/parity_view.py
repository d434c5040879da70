"""A parity report as a terminal shows it: the verdict in a sentence, causes with their money, trades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from bt_run.reports.cells import money_cell
from bt_run.reports.fitted import Fitted
from bt_run.reports.heading import one_line, time_cell
from bt_run.run.parity.sides import LOUD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from bt_run.run.parity.check import ParityReport
    from bt_run.run.parity.sides import Difference, Trip

__all__ = ["parity_table", "summary", "title_of"]

_DAY_MS = 86_400_000
_WIDEST = 100
_SHOWN = 10


def parity_table(report: ParityReport, *, details: bool) -> Fitted:
    """Make the whole view, at most a hundred columns wide; `details` tells of every difference."""
    return Fitted(lambda width: _parts(report, details=details), _WIDEST)


def title_of(report: ParityReport) -> str:
    """Name what was compared: ``sar on BTCUSDT 1m, run 3 on testnet``."""
    story = report.story
    runs = [str(run.run) for run in story.runs]
    text = f"run {runs[0]}" if len(runs) == 1 else f"runs {', '.join(runs[:-1])} and {runs[-1]}"
    mode = "" if story.run.mode == "live" else f" ({story.run.mode})"
    params = ", ".join(f"{name}={value}" for name, value in story.run.params.items())
    label = f"{story.run.strategy}({params})" if params else story.run.strategy
    return f"{label} on {story.symbol} {story.joined.interval}, {text} on {story.run.venue}{mode}"


def summary(report: ParityReport) -> str:
    """Say all in one sentence."""
    found = report.comparison
    parts = [_signals_words(report), _trades_words(report)]
    live, backtest = _money(report, found.live_equity), _money(report, found.backtest_equity)
    equity = f"equity {live} live, {backtest} backtest"
    if found.is_equal or not found.totals:
        return "; ".join([*parts, equity])
    apart = f"{equity}, {_signed(report, found.difference)}"
    if not found.is_explained:
        return "; ".join([*parts, apart])
    reasons = [
        f"{total.cause} {_signed(report, total.amount)}"
        for total in found.totals
        if _shows(report, total.amount)
    ]
    because = f" explained by {', '.join(reasons)}" if reasons else ""
    return "; ".join([*parts, apart + because])


def _signals_words(report: ParityReport) -> str:
    checked = report.comparison.signals
    if not checked.equal and not checked.bars:
        return "no signals to compare"
    values = f", {checked.values_differ:,} indicator values differ" if checked.values_differ else ""
    noun = "signal" if checked.equal == 1 else "signals"
    return f"{checked.equal:,} {noun} equal, {len(checked.bars):,} differ{values}"


def _trades_words(report: ParityReport) -> str:
    trips = report.comparison.trips
    matched = sum(trip.is_matched for trip in trips)
    count = "1 trade" if len(trips) == 1 else f"{len(trips):,} trades"
    return f"{count}, {matched:,} matched"


def _parts(report: ParityReport, *, details: bool) -> Iterator[RenderableType]:
    found = report.comparison
    yield Text(one_line(title_of(report)), style="bold")
    yield Text(_range_words(report))
    yield Text("")
    color = "green" if found.is_equal else "yellow" if found.is_explained else "bold red"
    yield Text(f"{_verdict(report)} {summary(report)}.", style=color)
    if found.totals:
        yield Text("")
        yield _cause_table(report)
    if abs(found.widest_gap) > found.tolerance:
        bar = int(report.story.joined.bars.open_time[found.widest_bar])
        yield Text(f"Equity was furthest apart at {_time(report, bar)}: {_signed(report, found.widest_gap)}.")
    yield from _missed_words(report)
    yield from (Text(note, style="yellow") for note in report.notes)
    yield from _trade_parts(report, details=details)


def _verdict(report: ParityReport) -> str:
    found = report.comparison
    return "Equal:" if found.is_equal else "Explained:" if found.is_explained else "NOT EXPLAINED:"


def _range_words(report: ParityReport) -> str:
    story, bars = report.story, report.story.joined.bars
    first, last = (_time(report, int(bars.open_time[place])) for place in (0, -1))
    live = int(story.tradable.sum())
    warm_up = min(story.joined.first_tradable, len(bars))
    words = [f"{first} to {last} UTC", f"{live:,} bars live"]
    words += [f"{warm_up:,} to warm up"] if warm_up else []
    words += [f"{report.outage.bars:,} missed"] if report.outage.bars else []
    return " \N{MIDDLE DOT} ".join(words)


def _cause_table(report: ParityReport) -> Table:
    found = report.comparison
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Cause")
    table.add_column("Count", justify="right")
    table.add_column(report.story.quote_asset or "Amount", justify="right")
    for total in found.totals:
        style = "bold red" if total.cause in LOUD else ""
        table.add_row(total.cause.value, f"{total.count:,}", _signed(report, total.amount), style=style)
    style = "" if abs(found.residual) <= found.tolerance else "bold red"
    table.add_row("not accounted for", "", _signed(report, found.residual), style=style)
    table.add_row("live less backtest", "", _signed(report, found.difference), style="bold")
    return table


def _missed_words(report: ParityReport) -> Iterator[Text]:
    outage = report.outage
    if not outage.bars:
        return
    bars = "1 bar" if outage.bars == 1 else f"{outage.bars:,} bars"
    text = f"{bars} came too late to trade on"
    if not outage.decisions:
        yield Text(f"{text}; the strategy wanted nothing there.")
        return
    free = report.comparison.backtest_equity + outage.amount
    passed = "Both sides passed them over."
    if report.story.run.settings.get("missed_exits"):
        passed = "Both sides entered nothing there, and made up for exits at the next live bar."
    yield Text(
        f"{text}, and on {outage.decisions:,} of them the strategy wanted to. {passed} "
        f"Had they come in time, the backtest had ended at {_money(report, free)} "
        f"({_signed(report, outage.amount)}).",
        style="yellow",
    )


def _trade_parts(report: ParityReport, *, details: bool) -> Iterator[RenderableType]:
    """Show the differences of no trade, the trades that differ, and all that must not be."""
    found = report.comparison
    loose = [each for each in found.differences if each.trip < 1]
    yield from _some(report, loose, "differences outside of trades", details=details)
    trips = [trip for trip in found.trips if trip.causes]
    if details:
        for trip in trips:
            own = [each for each in found.differences if each.trip == trip.number]
            yield Text(f"\n{_trip_words(report, trip)}", style="bold")
            yield _lines(report, own)
    elif trips:
        yield Text("")
        yield _trip_table(report, _dearest(trips))
        if len(trips) > _SHOWN:
            yield Text(f"The dearest {_SHOWN} of {len(trips):,} trades that differ; --details tells of all.")
        loud = [each for each in found.differences if each.trip > 0 and each.cause in LOUD]
        yield from _some(report, loud, "differences that must not be", details=False)


def _some(
    report: ParityReport, differences: Sequence[Difference], what: str, *, details: bool
) -> Iterator[RenderableType]:
    if not differences:
        return
    yield Text("")
    yield _lines(report, differences if details else differences[:_SHOWN])
    if len(differences) > _SHOWN and not details:
        yield Text(f"The first {_SHOWN} of {len(differences):,} {what}; --details tells of all.")


def _dearest(trips: Sequence[Trip]) -> list[Trip]:
    """Choose the trades with a loud cause, then those that cost most; in order of time."""
    ranked = sorted(trips, key=lambda trip: (not LOUD & set(trip.causes), -abs(trip.difference)))
    return sorted(ranked[:_SHOWN], key=lambda trip: trip.number)


def _trip_table(report: ParityReport, trips: Sequence[Trip]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("Trade", justify="right")
    table.add_column("Decided (UTC)", no_wrap=True)
    for title in ("Live", "Backtest", "Apart"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Because of", overflow="fold")
    for trip in trips:
        table.add_row(
            f"{trip.number:,}",
            _time(report, trip.open_time),
            *_profits(report, trip),
            ", ".join(cause.value for cause in trip.causes),
            style="red" if LOUD & set(trip.causes) else "",
        )
    return table


def _profits(report: ParityReport, trip: Trip) -> tuple[str, str, str]:
    live = _signed(report, trip.live_profit) if trip.by_live else "no trade"
    backtest = _signed(report, trip.backtest_profit) if trip.by_backtest else "no trade"
    return live, backtest, _signed(report, trip.difference)


def _trip_words(report: ParityReport, trip: Trip) -> str:
    live, backtest, apart = _profits(report, trip)
    still = ", open" if trip.is_open else ""
    head = f"Trade {trip.number}, {_time(report, trip.open_time)}{still}"
    return f"{head}: {live} live, {backtest} backtest, {apart}"


def _lines(report: ParityReport, differences: Sequence[Difference]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column(justify="right", no_wrap=True)
    for each in differences:
        note = f" ({one_line(each.note)})" if each.note else ""
        words = f"{each.cause}: {each.live}, backtest {each.backtest}{note}"
        amount = _signed(report, each.amount) if _shows(report, each.amount) else ""
        style = "red" if each.cause in LOUD else ""
        table.add_row(_time(report, each.open_time), Text(words, style=style), amount)
    return table


def _time(report: ParityReport, time_ms: int) -> str:
    return time_cell(time_ms, with_clock=report.story.joined.interval.approximate_ms < _DAY_MS)


def _digits(report: ParityReport) -> int:
    return 2 if report.comparison.backtest_equity >= 100 else 8


def _money(report: ParityReport, value: float) -> str:
    return money_cell(value, digits=_digits(report))


def _signed(report: ParityReport, value: float) -> str:
    text = money_cell(value, digits=_digits(report))
    return text if text.startswith("-") or not _shows(report, value) else f"+{text}"


def _shows(report: ParityReport, value: float) -> bool:
    """Tell whether an amount is more than a nought when it is written."""
    return abs(value) >= 0.5 * 10.0 ** -_digits(report)
