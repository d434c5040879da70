"""The rules of safety, pure: what is known and what is wished go in, sentences that forbid it come out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.amounts import ZERO, minus, plus, ratio, times
from bt_run.core.clock import iso_utc
from bt_run.reports.cells import duration_cell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from brokers.guard import EntryRequest
    from bt_run.run.safety_limits import SafetyFacts, SafetyLimits

__all__ = ["DAY_MS", "MINUTE_MS", "Breach", "Seen", "after_mark", "exposure", "refusals", "standing"]

DAY_MS = 86_400_000
MINUTE_MS = 60_000

_PRICED = frozenset({"LIMIT", "LIMIT_MAKER"})
_HUNDRED = Decimal(100)
_RESUME = "bt-run resume allows them again, and counts from the equity of that moment."


@dataclass(frozen=True, slots=True)
class Breach:
    """
    A rule that forbids an entry: its name, as the option that sets it, and a sentence with numbers.

    `symbol` is empty where the rule stops the entries of all symbols.
    """

    rule: str
    sentence: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the market last told of a symbol; `time_ms` is when anything was heard, prices in quote asset."""

    time_ms: int
    last: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None


def refusals(
    limits: SafetyLimits,
    facts: SafetyFacts,
    request: EntryRequest,
    *,
    seen: Seen | None,
    sent_ms: Sequence[int],
) -> Iterator[Breach]:
    """
    Give every rule that this entry breaks, the gravest first.

    `sent_ms` are the times of the entries of the last minute. All times are of one clock.
    """
    yield from standing(facts)
    yield from _cooldown(facts, request)
    yield from _stale(limits, request, seen)
    yield from _rate(limits, sent_ms)
    yield from _sizes(limits, request)
    yield from _price(limits, request, seen)


def standing(facts: SafetyFacts) -> Iterator[Breach]:
    """Give what stops every entry, whatever it is."""
    if facts.paused:
        yield Breach(
            "paused", f"Entries are paused: {facts.paused.rstrip('.')}. bt-run resume allows them again."
        )
    if facts.drawn_down:
        peak = "" if facts.peak is None else f" of {_amount(facts.peak)}"
        yield Breach(
            "max-drawdown", f"The drawdown from the peak{peak} reached its limit. No entries; {_RESUME}"
        )
    if facts.day_lost:
        since = "" if facts.day_start is None else f" from {_amount(facts.day_start)} on"
        yield Breach(
            "max-daily-loss",
            f"The loss of this day{since} reached its limit. No entries until 00:00 UTC; {_RESUME}",
        )


def after_mark(limits: SafetyLimits, facts: SafetyFacts, equity: Decimal) -> Iterator[Breach]:
    """Give the limits of loss that this equity reaches."""
    peak, start = facts.peak, facts.day_start
    if limits.max_drawdown_pct is not None and peak is not None and peak > 0 and not facts.drawn_down:
        down = _percent(minus(peak, equity), peak)
        if down >= limits.max_drawdown_pct:
            yield Breach(
                "max-drawdown",
                f"Drawdown: equity {_amount(equity)} is {down:.2f} % below its peak of {_amount(peak)}, the "
                f"limit is {_plain(limits.max_drawdown_pct)} %. No entries; {_RESUME}",
            )
    if limits.max_daily_loss is not None and start is not None and not facts.day_lost:
        lost, most = minus(start, equity), limits.max_daily_loss.of(start)
        if lost > 0 and lost >= most:
            yield Breach(
                "max-daily-loss",
                f"Daily loss: equity fell from {_amount(start)} to {_amount(equity)}, by {_amount(lost)}; the "
                f"limit is {limits.max_daily_loss}. No entries until 00:00 UTC; {_RESUME}",
            )


def exposure(request: EntryRequest) -> Decimal:
    """Give what is held and what open purchases may still cost, of all symbols, in quote asset."""
    return max(times(request.held, request.price), minus(request.equity, request.cash), ZERO)


def _cooldown(facts: SafetyFacts, request: EntryRequest) -> Iterator[Breach]:
    until = facts.cooldown_until.get(request.symbol, 0)
    if request.time_ms < until:
        yield Breach(
            "cooldown",
            f"{request.symbol} cools down after a stop-loss: no entries until {iso_utc(until // 1000 * 1000)}, "
            f"for {duration_cell((until - request.time_ms) / 1000)} more.",
            request.symbol,
        )


def _stale(limits: SafetyLimits, request: EntryRequest, seen: Seen | None) -> Iterator[Breach]:
    if limits.stale_after_s is None or seen is None:
        return
    silent_s = (request.time_ms - seen.time_ms) / 1000
    if silent_s > limits.stale_after_s:
        yield Breach(
            "stale-after",
            f"Nothing was heard of {request.symbol} for {silent_s:.1f} seconds, the limit is "
            f"{limits.stale_after_s:g}. Entries wait for the data; see the connection's state.",
            request.symbol,
        )


def _rate(limits: SafetyLimits, sent_ms: Sequence[int]) -> Iterator[Breach]:
    most = limits.max_orders_per_minute
    if most is not None and len(sent_ms) >= most:
        yield Breach(
            "max-orders-per-minute",
            f"{len(sent_ms)} entries in the last minute are as many as allowed ({most}). "
            f"The next one may go when the oldest is a minute old; look whether the strategy repeats itself.",
        )


def _sizes(limits: SafetyLimits, request: EntryRequest) -> Iterator[Breach]:
    if limits.max_order is not None and request.worth > limits.max_order:
        yield Breach(
            "max-order",
            f"This order of {_amount(request.worth)} is above the limit of {_amount(limits.max_order)} "
            f"an order. Make the stake smaller, or --max-order larger.",
            request.symbol,
        )
    if limits.max_position is not None:
        held = exposure(request)
        after = plus(held, request.worth)
        if after > limits.max_position:
            yield Breach(
                "max-position",
                f"This order of {_amount(request.worth)} would bring the position from {_amount(held)} to "
                f"{_amount(after)}, above the limit of {_amount(limits.max_position)}. "
                f"Make the stake smaller, or --max-position larger.",
                request.symbol,
            )


def _price(limits: SafetyLimits, request: EntryRequest, seen: Seen | None) -> Iterator[Breach]:
    most = limits.max_price_deviation_pct
    if most is None or seen is None:
        return
    price: Decimal | None
    reference: Decimal | None
    if request.type == "MARKET":
        price, reference = seen.ask, request.price
        what = "The best ask"
        against = "the price at which this market order was decided on"
    elif request.type in _PRICED:
        price, reference = request.price, seen.last if seen.last is not None else seen.ask
        what, against = "The limit price", "the last price"
    else:  # A trigger may lie anywhere: that is what it is for.
        return
    if price is None or reference is None or not reference > 0:
        return
    above = _percent(minus(price, reference), reference)
    if above > most:
        yield Breach(
            "max-price-deviation",
            f"{what} of {request.symbol}, {_plain(price)}, is {above:.2f} % above {against}, "
            f"{_plain(reference)}; the limit is {_plain(most)} %. Wait until the market is calm.",
            request.symbol,
        )


def _percent(part: Decimal, whole: Decimal) -> Decimal:
    return ratio(times(part, _HUNDRED), whole)


def _amount(value: Decimal) -> str:
    return f"{value:,.2f}"


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
