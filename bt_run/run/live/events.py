"""What happens in a live run, passed on to whoever must know: the guard, the log, the audience, the journal."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from brokers.order_events import Rejected
from bt_run.run.live.listener import RunListener
from bt_run.run.live.log import Refusal
from bt_run.run.live.words import amount, fill_words, order_words
from feeds.live.outcomes import Turn
from feeds.live.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.holdings import Ledger
    from brokers.order_events import Event, Filled
    from brokers.orders import Order
    from bt_run.run.live.log import RunLog
    from bt_run.run.live.recorder import JournalRecorder
    from bt_run.run.live.status import Audience
    from bt_run.run.safety import Safety
    from bt_run.run.safety_rules import Breach
    from feeds.live.outcomes import Notice

__all__ = ["RunEvents"]

_NUMBERS = re.compile(r"[\d.,]+")


@dataclass(frozen=True, slots=True)
class _Word:
    time_ms: int
    sentence: str
    kind: Literal["news", "murmur", "warning"]


class RunEvents:
    """
    Tells everybody; `log`, `safety`, `recorder` and `now_ms` are set as soon as they are there.

    Args:
        audience: Who follows the run.
        filters: Of each symbol.
        listener: Who hears of each thing that happens.
    """

    def __init__(
        self,
        audience: Audience,
        filters: Mapping[str, SymbolFilters],
        *,
        listener: RunListener | None = None,
    ) -> None:
        self._audience = audience
        self.listener = listener or RunListener()
        self._filters = filters
        self.log: RunLog | None = None
        self.safety: Safety | None = None
        self.recorder: JournalRecorder | None = None
        self.now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
        self._untold: list[_Word] = []
        self._refused: dict[tuple[str, str], tuple[str, int]] = {}

    # Words wait for the end of the turn: a terminal may be slow, and an order must not wait for it.

    def say(self, sentence: str) -> None:
        """Tell what happened."""
        self._untold.append(_Word(self.now_ms(), sentence, "news"))

    def announce(self, sentence: str) -> None:
        """Tell the reason of what happened in this turn, before it."""
        self._untold.insert(0, _Word(self.now_ms(), sentence, "news"))

    def murmur(self, sentence: str) -> None:
        """Tell what a display shows in other ways; it goes into the plain log."""
        self._untold.append(_Word(self.now_ms(), sentence, "murmur"))

    def warn(self, sentence: str) -> None:
        """Tell what a person should see."""
        self._untold.append(_Word(self.now_ms(), sentence, "warning"))

    def flush(self) -> None:
        """Pass on what waits; at the end of a turn."""
        self.listener.turned()
        untold, self._untold = self._untold, []
        for word in untold:
            if word.kind == "warning":
                self._audience.warn(word.sentence, time_ms=word.time_ms)
            else:
                self._audience.say(word.sentence, time_ms=word.time_ms, is_news=word.kind == "news")
            if self.log is not None and word.kind != "murmur":
                self.log.say(word.time_ms, word.sentence)

    # Of the broker.

    def order_changed(self, order: Order, event: Event) -> None:
        """Take what happened to an order."""
        if self.safety is not None:
            self.safety.order_changed(order)
        words = order_words(order, event)
        if words:
            self.say(words)
        if isinstance(event, Rejected):
            self._refuse(order.symbol, order.side, float(order.quantity or 0), event.reason)
        self.listener.order_changed(order, event)

    def filled(self, order: Order, fill: Filled, fee: Decimal, ledger: Ledger) -> None:
        """Take a trade that was booked."""
        if self.log is not None and order.symbol in self.log.symbols:
            held = ledger.holding(order.symbol).quantity
            visible = self._filters[order.symbol].round_quantity(held, "MARKET")
            self.log.symbols[order.symbol].take_fill(order, fill, fee=fee, visible=visible)
        self.say(fill_words(order, fill, ledger.quote_asset, fee))
        self.listener.filled(order, fill, fee, ledger)

    def refused(self, symbol: str, wish: str, reason: str) -> None:
        """Take that an order never left; `wish` is such as ``SELL 0.5 Market``."""
        side, quantity, *rest = (*wish.split(), "", "")
        try:
            size = float(quantity)
        except ValueError:
            size = 0.0
        if self._is_repeated(symbol, side, reason):
            return
        self._refuse(symbol, side, size, reason)
        words = " ".join((side, amount(size) if size else quantity, *rest)).strip().lower()
        self.warn(f"{symbol}: {words} is not sent: {reason.rstrip('.')}")
        halts = () if self.safety is None else [breach.sentence for breach in self.safety.breaches]
        self.listener.refused(symbol, words, reason, self.now_ms(), is_standing=reason in halts)

    def _is_repeated(self, symbol: str, side: str, reason: str) -> bool:
        """Tell whether the bar before saw the same refused: strategies wish again while a signal lasts."""
        log = None if self.log is None else self.log.symbols.get(symbol)
        bar = 0 if log is None else len(log.times)
        why = _NUMBERS.sub("", reason)
        last = self._refused.get((symbol, side))
        self._refused[symbol, side] = (why, bar)
        return last is not None and last[0] == why and bar - last[1] <= 1

    def _refuse(self, symbol: str, side: str, size: float, reason: str) -> None:
        if self.log is not None and symbol in self.log.symbols:
            word = "buy" if side == "BUY" else "sell"
            self.log.symbols[symbol].refusals.append(
                Refusal(self.now_ms(), word, size, reason)  # type: ignore[arg-type]  # one of the two
            )

    # Of the feeds and the guard.

    def noticed(self, symbol: str, notice: Notice) -> None:
        """Take what a feed noticed."""
        words = say(notice)
        if self.recorder is not None:
            self.recorder.connection(symbol, type(notice).__name__.lower(), self.now_ms(), text=words)
        if isinstance(notice, Turn):
            self.murmur(f"{symbol}: {words}")
        else:
            self.warn(f"{symbol}: {words}")

    def breached(self, breach: Breach) -> None:
        """Take that a limit stops entries."""
        if self.recorder is not None:
            self.recorder.connection("safety", breach.rule, self.now_ms(), text=breach.sentence)
        self.warn(breach.sentence)
        self.listener.breached(breach, self.now_ms())
