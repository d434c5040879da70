"""What the web desk works with, handed to its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bt_run.run.desk.market import HISTORY, MarketDesk

if TYPE_CHECKING:
    import asyncio

    from bt_run.core.venue import Venue
    from bt_run.run.by_hand.desk import AccountNews, HandDesk
    from bt_run.run.desk.market import Change
    from bt_run.run.desk.results import ResultFolder
    from bt_run.run.desk.rule_keeper import RuleKeeper
    from bt_run.web.access import Access
    from bt_run.web.visitor import Visitor

__all__ = ["Desk"]


@dataclass(slots=True)
class Desk:
    """
    The parts of one running desk.

    `note` is shown wherever prices are, such as ``synthetic data``. `symbols` are those to look at first,
    before all that the venue has. `journal` is the one whose bots are shown, empty for none; `results` the
    folder of stored backtests, None for none. `trading_off` says in a sentence why no orders are taken, where
    none are (see `take_orders`). `signal_secret` lets signals in, empty for none. `history`: how many closed
    bars a chart begins with. The market is there at once; its maker starts and stops it.
    """

    venue: Venue
    access: Access
    note: str = ""
    symbols: tuple[str, ...] = ()
    interval: str = "1m"
    history: int = HISTORY
    journal: str = ""
    results: ResultFolder | None = None
    trading_off: str = "This page takes no orders. Start bt-run web for that, beside a bot too."
    has_real_money: bool = False
    signal_secret: str = field(default="", repr=False)
    keeper: RuleKeeper | None = None
    visitors: set[Visitor] = field(default_factory=set)
    loop: asyncio.AbstractEventLoop | None = None
    market: MarketDesk = field(init=False)
    trading: HandDesk | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.market = MarketDesk(self.venue, self.hear, history=self.history)

    def take_orders(self, trading: HandDesk) -> None:
        """Take orders by hand from now on; who made their desk starts it after this, and stops it."""
        trading.listener = self.hear_account
        trading.is_watched = lambda: bool(self.visitors)
        self.trading = trading

    def welcome(self, visitor: Visitor) -> None:
        """Let a browser hear from now on; what is known of the account it is told at once."""
        self.visitors.add(visitor)
        if self.trading is not None:
            visitor.hear_account(self.trading.news)
            self.trading.wake()

    def hear_account(self, news: AccountNews) -> None:
        """Hand news of the account to every browser; from the thread of its desk, without waiting."""
        loop = self.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._spread_account, news)

    def _spread_account(self, news: AccountNews) -> None:
        for visitor in self.visitors:
            visitor.hear_account(news)

    def hear(self, change: Change) -> None:
        """Hand a change of the market to every browser; from the market's thread, without waiting."""
        loop = self.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._spread, change)

    def _spread(self, change: Change) -> None:
        for visitor in self.visitors:
            visitor.hear(change)
