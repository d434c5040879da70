"""
Two sides of one run in, their differences out. Nothing is read, run or printed here.

The amounts of all differences and the residual add up to the difference of the final equities.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.run.parity.causes import Grounds, explain
from bt_run.run.parity.money import average_price, profit_of
from bt_run.run.parity.pairs import find_episodes
from bt_run.run.parity.sides import LOUD, Cause, Trip
from bt_run.run.parity.signals import compare_signals

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bt_run.run.parity.pairs import Episode
    from bt_run.run.parity.sides import Difference, Scene, Side, SideOrder
    from bt_run.run.parity.signals import SignalCheck

__all__ = ["CauseTotal", "Comparison", "compare"]


@dataclass(frozen=True, slots=True)
class CauseTotal:
    """How often a cause came up, and what it cost altogether, in quote asset."""

    cause: Cause
    count: int
    amount: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """
    What came of a comparison.

    `live_equity` and `backtest_equity` are those of the last bar; `residual` is the part of their difference
    that no difference in the list accounts for. `widest_gap` is the largest difference of equity (quote asset,
    signed) and `widest_bar` its bar, -1 without one. `orders` counts live's orders that the strategy made,
    `orders_matched` those that the backtest made too.
    """

    signals: SignalCheck
    differences: tuple[Difference, ...]
    trips: tuple[Trip, ...]
    totals: tuple[CauseTotal, ...]
    live_equity: float
    backtest_equity: float
    residual: float
    widest_gap: float
    widest_bar: int
    orders_live: int
    orders_backtest: int
    orders_matched: int

    @property
    def difference(self) -> float:
        """How much more the live run ended with."""
        return self.live_equity - self.backtest_equity

    @property
    def tolerance(self) -> float:
        """What is rounding: half a cent of an account of ten thousand, in proportion."""
        return max(abs(self.live_equity), abs(self.backtest_equity)) * 5e-7

    @property
    def is_equal(self) -> bool:
        """Whether there is no difference at all."""
        return not self.differences and abs(self.difference) <= self.tolerance

    @property
    def is_explained(self) -> bool:
        """Whether every difference has a reason that may be, and the residual is rounding."""
        return not any(each.cause in LOUD for each in self.differences) and (
            abs(self.residual) <= self.tolerance
        )


def compare(
    live: Side,
    backtest: Side,
    scene: Scene,
    *,
    opening: float = 0.0,
    known: Sequence[Difference] = (),
    altered: frozenset[int] = frozenset(),
) -> Comparison:
    """
    Compare two sides over the same bars, of which there is at least one.

    Args:
        live: What the live run did.
        backtest: What the backtest did.
        scene: What they share.
        opening: What both held before the first bar, base asset.
        known: Differences that were found before; their amounts are in live's equity already.
        altered: Bars that were not the same when they were read again.

    Returns:
        All differences by bar, with their totals.
    """
    signals = compare_signals(live, backtest, scene)
    grounds = Grounds(live, backtest, scene, signals.bars, altered)
    episodes = find_episodes(live.orders, backtest.orders, scene, opening=opening)
    found = [*known, *signals.differences]
    trips: list[Trip] = []
    for episode in episodes:
        own = explain(episode, len(trips) + 1 if episode.is_traded else -1, grounds)
        found += own
        if episode.is_traded:
            trips.append(_trip(episode, len(trips) + 1, own, scene))
    ours, theirs = float(live.equity[-1]), float(backtest.equity[-1])
    gap, bar = _widest(live, backtest)
    pairs = [pair for episode in episodes for pair in episode.pairs]
    shown = [each for each in found if not _is_nothing(each, max(abs(ours), abs(theirs)))]
    return Comparison(
        signals,
        tuple(sorted(shown, key=lambda each: (each.bar, list(Cause).index(each.cause)))),
        tuple(trips),
        _totals(shown),
        ours,
        theirs,
        ours - theirs - sum(each.amount for each in shown),
        gap,
        bar,
        sum(order.role == "signal" for order in live.orders),
        sum(order.role == "signal" for order in backtest.orders),
        sum(pair.live is not None and pair.backtest is not None and not pair.late for pair in pairs),
    )


def _is_nothing(difference: Difference, equity: float) -> bool:
    """Tell whether a difference is the last digits of a float or of the exchange's decimals."""
    return difference.subject in ("size", "fee") and abs(difference.amount) <= 1e-10 * equity


def _trip(episode: Episode, number: int, differences: Sequence[Difference], scene: Scene) -> Trip:
    pairs = [pair for pair in episode.pairs if pair.is_traded]
    lives = [pair.live for pair in pairs if pair.live is not None and pair.live.quantity]
    others = [pair.backtest for pair in pairs if pair.backtest is not None and pair.backtest.quantity]
    first = pairs[0].known.side
    bar = max(min(pair.known.bar for pair in pairs), 0)
    last = float(scene.bars.close[-1])

    def prices(orders: Sequence[SideOrder], *, entry: bool) -> float:
        return average_price(order for order in orders if (order.side == first) == entry)

    return Trip(
        number=number,
        bar=bar,
        open_time=int(scene.bars.open_time[bar]),
        is_open=not episode.flat,
        live_entry=prices(lives, entry=True),
        live_exit=prices(lives, entry=False),
        backtest_entry=prices(others, entry=True),
        backtest_exit=prices(others, entry=False),
        live_profit=profit_of(lives, net=episode.live_net, last_close=last),
        backtest_profit=profit_of(others, net=episode.backtest_net, last_close=last),
        difference=sum(each.amount for each in differences),
        causes=tuple(sorted({each.cause for each in differences}, key=list(Cause).index)),
    )


def _totals(differences: Iterable[Difference]) -> tuple[CauseTotal, ...]:
    counts: Counter[Cause] = Counter()
    amounts: dict[Cause, float] = defaultdict(float)
    for each in differences:
        counts[each.cause] += 1
        amounts[each.cause] += each.amount
    return tuple(CauseTotal(cause, counts[cause], amounts[cause]) for cause in Cause if counts[cause])


def _widest(live: Side, backtest: Side) -> tuple[float, int]:
    gaps = live.equity - backtest.equity
    bar = int(np.argmax(np.abs(gaps)))
    return (float(gaps[bar]), bar) if gaps[bar] else (0.0, -1)
