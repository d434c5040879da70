"""One pair on the wire: what its channel delivers becomes bars and prices for its desk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bt_run.run.remarks import Remarks
from bt_run.run.signals.audience import DeskView
from bt_run.run.signals.sizing import check_invest
from feeds.live.outcomes import Absence, Correction, Delivery, Failure, Forming, Phase, Turn
from feeds.live.tail import Tail
from feeds.live.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bt_run.core.market import Bars
    from bt_run.run.signals.audience import SignalAudience
    from bt_run.run.signals.desk import SignalDesk
    from bt_run.run.signals.events import Potential
    from feeds.live.channel import Channel
    from feeds.live.status import LiveStatus

__all__ = ["DeskLine"]


class DeskLine:
    """
    Changed in the desk's thread only.

    Args:
        channel: Where bars come from; with states of the open bar.
        desk: Gets them.
        audiences: Told of everything.
        now_ms: Gives the exchange's time.
        enrich: Adds to bars what else is known about them, such as order flow.
    """

    def __init__(
        self,
        channel: Channel,
        desk: SignalDesk,
        audiences: Sequence[SignalAudience],
        *,
        now_ms: Callable[[], int],
        enrich: Callable[[Bars], Bars] = lambda bars: bars,
    ) -> None:
        self.channel = channel
        self.desk = desk
        self.phase = Phase.WARMUP
        self.last_open: int | None = None
        self.price: float | None = None
        self.worth: Potential | None = None
        self._audiences = audiences
        self._now_ms = now_ms
        self._enrich = enrich
        self._tail = Tail()
        self._checked = False
        self._remarks = Remarks()
        self.is_open = False

    def turn(self) -> bool:
        """Take what waits; tells whether there was anything. Raises what the feed or the strategy raised."""
        queue, took = self.channel.queue, False
        while queue:
            took = True
            item = queue.popleft()
            if isinstance(item, Delivery):
                self._deliver(item)
            elif isinstance(item, Forming):
                self._form(item)
            elif isinstance(item, Failure):
                raise item.error
            elif isinstance(item, Turn | Absence | Correction):
                self._note(item)
        return took

    def view(self, status: LiveStatus) -> DeskView:
        """Give how it stands."""
        desk = self.desk
        bars = len(desk.bars) if desk.bars is not None else 0
        return DeskView(
            symbol=desk.terms.symbol,
            interval=desk.terms.interval,
            quote_asset=desk.terms.filters.quote_asset,
            phase=self.phase,
            now_ms=status.now_ms,
            bar_left_s=status.bar_left_s,
            price=self.price,
            worth=self.worth if desk.lasting else None,
            lasting=desk.lasting,
            signals=desk.signals,
            bars=bars,
            values=desk.reading.values_at(bars - 1) if desk.reading and bars else {},
            trouble=status.trouble,
        )

    # What comes.

    def _deliver(self, item: Delivery) -> None:
        if not self.is_open and item.live:
            self._open()
        self._tail.extend(item.rows)
        self.last_open = int(item.rows[-1][0])
        self._see(float(item.rows[-1][4]))
        if not self.is_open:
            return  # history, until the feed has caught up
        for event in self.desk.close_bars(self._bars(), newest=int(item.live)):
            for audience in self._audiences:
                audience.tell(event, self.desk)
        self._say_remark()
        if self.desk.lasting is None:
            self.worth = None

    def _form(self, item: Forming) -> None:
        _, _, high, low, close = item.row[:5]
        self._see(close)
        self.worth = self.desk.see_price(item.event_ms, close, high=high, low=low)

    def _note(self, item: Turn | Absence | Correction) -> None:
        if isinstance(item, Turn):
            self.phase = item.phase
            if not self.is_open and item.phase in (Phase.LIVE, Phase.BEHIND):
                self._open()
        is_warning = not isinstance(item, Turn) or item.phase is Phase.OFFLINE
        for audience in self._audiences:
            audience.say(
                f"{self.desk.terms.symbol}: {say(item)}", time_ms=self._now_ms(), is_warning=is_warning
            )

    def _open(self) -> None:
        self.is_open = True
        standing = self.desk.open(self._bars())
        for audience in self._audiences:
            audience.opened(self.desk, standing)
        self._say_remark()

    def _say_remark(self) -> None:
        symbol = self.desk.terms.symbol
        if not self._remarks.is_open(symbol):
            return
        remark = self._remarks.news(symbol, self.desk.remark)
        if remark:
            for audience in self._audiences:
                audience.say(remark, time_ms=self._now_ms(), is_warning=True)

    def _see(self, price: float) -> None:
        self.price = price
        if not self._checked:
            self._checked = True
            terms = self.desk.terms
            check_invest(terms.invest, price=price, filters=terms.filters, fee=terms.fee)

    def _bars(self) -> Bars:
        """Give the closed bars: a forming one at the tail's end is no bar yet."""
        return self._enrich(self._tail.bars())
