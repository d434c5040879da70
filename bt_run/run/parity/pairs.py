"""
Which order of the backtest belongs to which live one, and which belong to one round trip.

Orders of the strategy are partners where they were made at the close of the same bar on the same side. What
protects a position was made when its entry filled, and live it may have been placed several times; such orders
become partners by their executions, within a round trip.

A round trip goes from both sides flat to both sides flat. So whatever follows from a difference, such as an
exit that only one side had something to do, lies in the same trip as its reason.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bt_run.run.parity.sides import Scene, SideOrder

__all__ = ["Episode", "Pair", "find_episodes"]


@dataclass(frozen=True, slots=True)
class Pair:
    """An order on both sides, or on one alone; `late` where only the trip tells that they belong together."""

    live: SideOrder | None
    backtest: SideOrder | None
    late: bool = False

    @property
    def known(self) -> SideOrder:
        """Give the order of the live side, else that of the backtest."""
        found = self.live or self.backtest
        if found is None:
            raise ValueError("A pair holds an order.")
        return found

    @property
    def is_traded(self) -> bool:
        """Whether anything was executed."""
        return any(order is not None and order.quantity > 0 for order in (self.live, self.backtest))

    @property
    def when(self) -> tuple[int, int, int]:
        """
        When it first mattered.

        A market order matters from its decision on: made at a close at which the other side still held
        something, it belongs to that trip, although a stop of the next bar ends that before the order fills.
        """
        found = (_when(order) for order in (self.live, self.backtest) if order is not None)
        return min(found)


def _when(order: SideOrder) -> tuple[int, int, int]:
    if order.kind == "market" or not order.quantity:
        return order.bar + 1, 0, order.bar
    return order.first_bar, 1, order.bar


@dataclass(frozen=True, slots=True)
class Episode:
    """
    The pairs of one round trip, in order.

    `live_net` and `backtest_net` are what each side's holding grew by from its first to its last order. `flat`
    tells whether both ended with nothing that can be sold.
    """

    pairs: tuple[Pair, ...]
    live_net: float
    backtest_net: float
    flat: bool

    @property
    def is_traded(self) -> bool:
        """Whether anything was executed in it."""
        return any(pair.is_traded for pair in self.pairs)


def find_episodes(
    live: Iterable[SideOrder], backtest: Iterable[SideOrder], scene: Scene, *, opening: float = 0.0
) -> list[Episode]:
    """Pair the orders of both sides and cut them into round trips; `opening` is what both held before."""
    pairs = sorted(_pair_by_decision(live, backtest), key=lambda pair: pair.when)
    found: list[Episode] = []
    current: list[Pair] = []
    held = [opening, opening]
    start = list(held)
    for pair in pairs:
        current.append(pair)
        held[0] += pair.live.change if pair.live else 0.0
        held[1] += pair.backtest.change if pair.backtest else 0.0
        if _is_flat(held[0], scene) and _is_flat(held[1], scene):
            found.append(_episode(current, start, held, flat=True))
            current, start = [], list(held)
    if current:
        found.append(_episode(current, start, held, flat=False))
    return found


def _episode(pairs: list[Pair], start: list[float], held: list[float], *, flat: bool) -> Episode:
    joined = tuple(_pair_by_trip(pairs))
    return Episode(joined, held[0] - start[0], held[1] - start[1], flat)


def _is_flat(size: float, scene: Scene) -> bool:
    """Below one lot step nothing can be sold; a hair is left for the rounding of floats."""
    return abs(size) < scene.lot_step * (1 - 1e-6) or abs(size) < 1e-12


def _pair_by_decision(live: Iterable[SideOrder], backtest: Iterable[SideOrder]) -> list[Pair]:
    """Pair what the strategy ordered at one bar on one side; what protects comes only if it traded."""
    waiting: dict[tuple[int, str], list[SideOrder]] = defaultdict(list)
    pairs = []
    for order in backtest:
        if order.role == "signal":
            waiting[order.bar, order.side].append(order)
        elif order.quantity > 0:
            pairs.append(Pair(None, order))
    for order in live:
        partners = waiting.get((order.bar, order.side), []) if order.role == "signal" else []
        if partners:
            pairs.append(Pair(order, partners.pop(_likest(order, partners))))
        elif order.role == "signal" or order.quantity > 0:
            pairs.append(Pair(order, None))
    return [*pairs, *(Pair(None, order) for orders in waiting.values() for order in orders)]


def _likest(order: SideOrder, partners: Sequence[SideOrder]) -> int:
    """Find the partner of the same kind; the first where there is none."""
    return next((place for place, other in enumerate(partners) if other.kind == order.kind), 0)


def _pair_by_trip(pairs: Sequence[Pair]) -> list[Pair]:
    """Pair exits that only one side made at their bar with exits of the other side, in order."""
    joined = list(pairs)
    lonely = [place for place, pair in enumerate(joined) if _is_lonely_exit(pair, pairs)]
    theirs = [place for place in lonely if joined[place].live is None]
    gone = set()
    for place in lonely:
        own = joined[place]
        if own.live is None or not theirs:
            continue
        other = theirs.pop(0)
        joined[place] = replace(own, backtest=joined[other].backtest, late=True)
        gone.add(other)
    return [pair for place, pair in enumerate(joined) if place not in gone]


def _is_lonely_exit(pair: Pair, among: Sequence[Pair]) -> bool:
    """Tell whether one side alone left here; an exit goes against the trip's first execution."""
    if not pair.is_traded or (pair.live is not None and pair.backtest is not None):
        return False
    first = next(other.known for other in among if other.is_traded)
    return pair.known.side != first.side and pair.known.role != "manual"
