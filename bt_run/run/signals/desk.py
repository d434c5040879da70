"""The signal desk: bars and prices in, signals and what they are worth out. Pure: no sockets, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.run.signals.events import Potential, SignalEnded, SignalSeen
from bt_run.run.signals.past import past_of
from bt_run.run.signals.sizing import break_even, size_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from bt_run.core.market import Bars
    from bt_run.run.signals.decisions import Decision
    from bt_run.run.signals.events import DeskEvent
    from bt_run.run.signals.reader import Reading, StrategyReader

__all__ = ["DeskTerms", "SignalDesk"]


@dataclass(frozen=True, slots=True)
class DeskTerms:
    """
    For whom the desk reckons: `invest` > 0 in quote asset an entry, `fee` of the traded value on both sides.

    `end_of` gives the end of a bar from its open time, both ms since 1970 UTC.
    """

    symbol: str
    interval: str
    strategy: str
    invest: Decimal
    fee: Decimal
    filters: SymbolFilters
    end_of: Callable[[int], int]


@dataclass(slots=True)
class _Standing:
    """An entry that lasts, with the extremes of the price since."""

    signal: SignalSeen
    highest: float
    lowest: float

    def meet(self, high: float, low: float) -> None:
        self.highest, self.lowest = max(self.highest, high), min(self.lowest, low)


class SignalDesk:
    """
    One symbol under one strategy.

    First `open` with the history, then `close_bars` whenever bars have closed and `see_price` between them. The
    signals are those of a backtest over the same bars from the first one on: what it orders at the close of a
    bar is told at the close of that bar.

    Args:
        terms: For whom.
        reader: Of the strategy; nothing was read yet.
    """

    def __init__(self, terms: DeskTerms, reader: StrategyReader) -> None:
        self.terms = terms
        self._reader = reader
        self._decisions: list[Decision] = []
        self._standing: _Standing | None = None
        self._seen = 0
        self.bars: Bars | None = None
        self.reading: Reading | None = None
        self.signals = 0
        self.ended: list[SignalEnded] = []

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """All that was decided so far, on the history too, oldest first."""
        return tuple(self._decisions)

    @property
    def remark(self) -> str | None:
        """What the strategy says of the bars that it has; None where nothing."""
        return None if self.bars is None else self._reader.remark(self.bars)

    @property
    def lasting(self) -> SignalSeen | None:
        """The entry that has no exit yet; None where nothing would be held."""
        return self._standing.signal if self._standing else None

    def open(self, bars: Bars) -> SignalSeen | None:
        """Begin with closed bars, 0 or more; gives the entry that lasts from before, None where none does."""
        for _ in self._take(bars, is_history=True, newest=0):
            continue
        self.ended.clear()
        return self.lasting

    def close_bars(self, bars: Bars, *, newest: int = 1) -> list[DeskEvent]:
        """
        Take all bars so far, of which some at the end are new.

        Args:
            bars: From the first one of the history on.
            newest: How many at the end have just closed; signals on new bars before them are late.

        Returns:
            The events in the order in which they happened: at each bar the end of the signal that lasted, a new
            one, or what the lasting one is worth at the close.

        Raises:
            StrategyError: the strategy raised.
        """
        return list(self._take(bars, is_history=False, newest=newest))

    def see_price(self, time_ms: int, price: float, *, high: float, low: float) -> Potential | None:
        """
        Take the state of the bar that is still open; gives what the lasting signal is worth now.

        Args:
            time_ms: Of the price.
            price: The last one, > 0.
            high: The highest and
            low: the lowest of the open bar so far.
        """
        if self._standing is None or self.bars is None:
            return None
        self._standing.meet(high, low)
        return self._worth(self._standing, time_ms, price, position=len(self.bars) - 1)

    # How.

    def _take(self, bars: Bars, *, is_history: bool, newest: int) -> list[DeskEvent]:
        reading = self._reader.read(bars)
        self.bars, self.reading = bars, reading
        by_bar: dict[int, list[Decision]] = {}
        for decision in reading.decisions:
            by_bar.setdefault(decision.position, []).append(decision)
        events: list[DeskEvent] = []
        for position in range(self._seen, len(bars)):
            is_late = not is_history and position < len(bars) - newest
            events += self._close(
                bars, position, by_bar.get(position, ()), is_history=is_history, is_late=is_late
            )
        self._seen = len(bars)
        return events

    def _close(
        self,
        bars: Bars,
        position: int,
        decided: list[Decision] | tuple[()],
        *,
        is_history: bool,
        is_late: bool,
    ) -> list[DeskEvent]:
        events: list[DeskEvent] = []
        if self._standing is not None:
            self._standing.meet(float(bars.high[position]), float(bars.low[position]))
        for decision in decided:
            self._decisions.append(decision)
            signal = self._signal(bars, decision, is_history=is_history, is_late=is_late)
            if self._standing is not None and not decision.is_entry:
                ended = SignalEnded(
                    self._standing.signal, self._worth(self._standing, signal.time_ms, signal.price, position)
                )
                self._standing = None
                self.ended.append(ended)
                events.append(ended)
            if decision.is_entry:
                self._standing = _Standing(signal, signal.price, signal.price)
            self.signals += not is_history
            events.append(signal)
        if self._standing is not None and not decided:
            time_ms = self.terms.end_of(int(bars.open_time[position]))
            events.append(self._worth(self._standing, time_ms, float(bars.close[position]), position))
        return events

    def _signal(self, bars: Bars, decision: Decision, *, is_history: bool, is_late: bool) -> SignalSeen:
        terms, position = self.terms, decision.position
        open_time, price = int(bars.open_time[position]), float(bars.close[position])
        sizing = past = None
        if decision.is_entry:
            sizing = size_for(terms.invest, price=price, filters=terms.filters, fee=terms.fee)
            known = bars[: position + 1]
            past = past_of(decision.kind, self._decisions[:-1], known, fee=float(terms.fee))
        return SignalSeen(
            symbol=terms.symbol,
            interval=terms.interval,
            strategy=terms.strategy,
            kind=decision.kind,
            position=position,
            open_time=open_time,
            time_ms=terms.end_of(open_time),
            price=price,
            values=self.reading.values_at(position) if self.reading else {},
            sizing=sizing,
            past=past,
            is_late=is_late,
            is_history=is_history,
        )

    def _worth(self, standing: _Standing, time_ms: int, price: float, position: int) -> Potential:
        signal, fee = standing.signal, float(self.terms.fee)
        sign = 1.0 if signal.is_long else -1.0
        best, worst = standing.highest, standing.lowest
        if not signal.is_long:
            best, worst = worst, best
        quantity = float(signal.sizing.quantity) if signal.sizing else 0.0
        amount = sign * (price - signal.price) * quantity

        def percent(at: float) -> float:
            return sign * (at / signal.price - 1.0) * 100.0

        return Potential(
            signal=signal,
            time_ms=time_ms,
            price=price,
            bars=position - signal.position,
            now_pct=percent(price),
            best_pct=percent(best),
            worst_pct=percent(worst),
            amount=amount,
            net=amount - fee * (price + signal.price) * quantity,
            break_even=break_even(signal.price, is_long=signal.is_long, fee=self.terms.fee),
        )
