"""
The guard of a live run: asked before each entry, and told of equity, market data and stop-losses.

A breached limit stops entries alone. Exits, protective orders and cancels never come here. What it must not
forget goes into the journal before anything follows from it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from brokers.amounts import times
from bt_run.run.safety_limits import SafetyFacts, SafetyLimits
from bt_run.run.safety_rules import DAY_MS, MINUTE_MS, Breach, Seen, after_mark, refusals, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from brokers.guard import EntryRequest
    from brokers.orders import Order

__all__ = ["Safety"]

_PEAK_STEP = Decimal("1.001")
"""A peak is written down when it is a thousandth above the last one written: a rising market would else wait
for the disk at every price."""


class Safety:
    """
    Implements `brokers.guard.Guard`; for the thread that trades.

    All times are ms of one clock, the one by which requests are stamped.

    Args:
        limits: What to hold.
        facts: What the run that this one goes on from left behind.
        keep: Writes the facts down (`SafetyFacts.document`), and waits for the disk.
        alert: Told of each breach once, not at every bar, and again when it had ended in between.
        sent_ms: When entries were sent before the restart.
    """

    def __init__(
        self,
        limits: SafetyLimits | None = None,
        *,
        facts: SafetyFacts | None = None,
        keep: Callable[[Mapping[str, Any]], object] = lambda document: None,
        alert: Callable[[Breach], object] = lambda breach: None,
        sent_ms: Iterable[int] = (),
    ) -> None:
        self.limits = limits or SafetyLimits()
        self._facts = facts or SafetyFacts()
        self._keep = keep
        self._alert = alert
        self._told: set[tuple[str, str]] = set()
        self._seen: dict[str, Seen] = {}
        self._sent = deque(sorted(sent_ms))
        self._peak_kept = self._facts.peak
        if facts is not None:
            keep(facts.document())

    @property
    def facts(self) -> SafetyFacts:
        """What is known now."""
        return self._facts

    @property
    def breaches(self) -> tuple[Breach, ...]:
        """What stops every entry now, for a display; the limits of single orders are not among them."""
        return tuple(standing(self._facts))

    # What it is told.

    def saw(
        self,
        symbol: str,
        time_ms: int,
        *,
        last: Decimal | None = None,
        bid: Decimal | None = None,
        ask: Decimal | None = None,
    ) -> None:
        """Take that something was heard of a symbol; a price that is not given stays as it was."""
        known = self._seen.get(symbol)
        if known is None:
            self._seen[symbol] = Seen(time_ms, last, bid, ask)
            return
        self._seen[symbol] = Seen(
            max(time_ms, known.time_ms),
            known.last if last is None else last,
            known.bid if bid is None else bid,
            known.ask if ask is None else ask,
        )

    def mark(self, equity: Decimal, time_ms: int) -> None:
        """Take the equity, cash and holdings at the price now: at each bar, and before each entry."""
        before = self._facts
        facts = self._of_day(time_ms // DAY_MS, equity)
        if facts.peak is None or equity > facts.peak:
            facts = replace(facts, peak=equity)
        reached = tuple(after_mark(self.limits, facts, equity))
        for breach in reached:
            is_loss = breach.rule == "max-daily-loss"
            facts = replace(
                facts, day_lost=facts.day_lost or is_loss, drawn_down=facts.drawn_down or not is_loss
            )
        is_news = facts is not before and replace(facts, peak=before.peak) != before
        if is_news or self._peak_is_news(facts.peak):
            self._write(facts)
        else:
            self._facts = facts
        for breach in reached:
            self._tell(breach)

    def order_changed(self, order: Order) -> None:
        """Take a change of an order: a stop-loss that has sold starts the symbol's cool-down."""
        if order.purpose == "stop_loss" and order.fills:
            self.stopped_out(order.symbol, max(fill.time_ms for fill in order.fills))

    def stopped_out(self, symbol: str, time_ms: int) -> None:
        """Take that a stop-loss sold at `time_ms`."""
        if self.limits.cooldown_s is None:
            return
        until = time_ms + round(self.limits.cooldown_s * 1000)
        if until > self._facts.cooldown_until.get(symbol, 0):
            waits = {**self._facts.cooldown_until, symbol: until}
            self._write(replace(self._facts, cooldown_until=MappingProxyType(waits)))

    # What it is asked, and ordered.

    def judge(self, request: EntryRequest) -> str | None:
        """Give why this entry must not be; None lets it pass, and counts it."""
        self.mark(request.equity, request.time_ms)
        while self._sent and self._sent[0] <= request.time_ms - MINUTE_MS:
            self._sent.popleft()
        seen = self._seen.get(request.symbol)
        found = list(refusals(self.limits, self._facts, request, seen=seen, sent_ms=self._sent))
        mine = {told for told in self._told if told[1] in ("", request.symbol)}
        self._told -= mine - {(breach.rule, breach.symbol) for breach in found}
        if not found:
            self._sent.append(request.time_ms)
            return None
        for breach in found:
            self._tell(breach)
        return found[0].sentence

    def pause(self, why: str = "by bt-run pause") -> None:
        """Allow no entry until `resume`."""
        self._write(replace(self._facts, paused=why))

    def resume(self) -> None:
        """Forget what stops entries; losses count from the next equity on."""
        self._told.clear()
        self._write(self._facts.resumed())

    def rebase(self) -> None:
        """Count losses from the next equity on, because money was added or taken away; a stop stays a stop."""
        self._write(replace(self._facts, day=None, day_start=None, peak=None))

    # How.

    def _of_day(self, day: int, equity: Decimal) -> SafetyFacts:
        facts = self._facts
        if facts.day is not None and day <= facts.day:
            return facts
        is_lost = facts.day_lost and facts.day is None
        return replace(facts, day=day, day_start=equity, day_lost=is_lost)

    def _peak_is_news(self, peak: Decimal | None) -> bool:
        if peak is None or peak == self._peak_kept:
            return False
        return self._peak_kept is None or peak >= times(self._peak_kept, _PEAK_STEP)

    def _write(self, facts: SafetyFacts) -> None:
        self._keep(facts.document())
        self._facts = facts
        self._peak_kept = facts.peak

    def _tell(self, breach: Breach) -> None:
        key = (breach.rule, breach.symbol)
        if key not in self._told:
            self._told.add(key)
            self._alert(breach)
