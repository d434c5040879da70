"""How the price goes through one bar: prints that make exactly this bar. Deterministic, in whole units."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from random import Random

__all__ = ["BarShape", "Stop", "corners", "draw_path"]


@dataclass(frozen=True, slots=True)
class BarShape:
    """
    One bar in hundred-millionths: prices, volume, and what takers bought of it, 0 <= bought <= volume.

    It lasts from `start` to `end` (ms, the end not included). `low_first` says which extreme comes first.
    """

    start: int
    end: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    bought: int
    low_first: bool


class Stop(NamedTuple):
    """One print of a path: time in ms, price and quantity in hundred-millionths."""

    time: int
    price: int
    quantity: int
    buyer_is_maker: bool


def corners(shape: BarShape) -> list[int]:
    """Give the prices where the path turns: open, one extreme, the other, close; equal neighbours once."""
    extremes = (shape.low, shape.high) if shape.low_first else (shape.high, shape.low)
    whole = (shape.open, *extremes, shape.close)
    return [shape.open, *(price for before, price in pairwise(whole) if price != before)]


def draw_path(shape: BarShape, count: int, *, tick: int, draw: Random) -> list[Stop]:
    """
    Draw `count` prints, at least one a corner, whose bar is `shape`.

    The price runs monotonously from corner to corner; where all four prices are multiples of `tick`, so are
    those between. The first print is at the bar's first ms, the others spread over it. Quantities add up to
    the volume, those bought by takers to `bought`, and each is > 0 where there is a unit for each.
    """
    prices = _prices(corners(shape), count, tick=tick, draw=draw)
    times = _times(shape, count, draw)
    buys = _choose_buys(prices, shape, draw)
    bought = shape.bought if 0 < sum(buys) < count else shape.volume * buys[0]
    taken = iter(_split(bought, sum(buys), draw))
    given = iter(_split(shape.volume - bought, count - sum(buys), draw))
    return [
        Stop(time, price, next(taken) if buy else next(given), not buy)
        for time, price, buy in zip(times, prices, buys, strict=True)
    ]


def _prices(turns: list[int], count: int, *, tick: int, draw: Random) -> list[int]:
    """Walk along the turns; the prints between them lie at random places of the way."""
    reached = [0]
    for before, price in pairwise(turns):
        reached.append(reached[-1] + abs(price - before))
    way = reached[-1]
    if way == 0:
        return turns * count
    grid = tick if all(price % tick == 0 for price in turns) else 1
    # A random float reaches every place often enough; past 2**53 it might round up to the end of the way.
    between = [int(draw.random() * way) % way for _ in range(count - len(turns))]
    places = sorted([*reached[:-1], *between])
    leg, prices = 0, []
    for place in places:
        while place >= reached[leg + 1]:
            leg += 1
        steps = (place - reached[leg]) // grid * grid
        prices.append(turns[leg] + (steps if turns[leg + 1] > turns[leg] else -steps))
    return [*prices, turns[-1]]


def _times(shape: BarShape, count: int, draw: Random) -> list[int]:
    """Give each print a slot of the bar; in a bar shorter than its prints some share the last ms."""
    slot = max(1, (shape.end - shape.start) // count)
    last = shape.end - 1
    later = [shape.start + int((number + draw.random()) * slot) for number in range(1, count)]
    return [shape.start, *(later if count <= shape.end - shape.start else [min(time, last) for time in later])]


def _choose_buys(prices: list[int], shape: BarShape, draw: Random) -> list[bool]:
    """Choose what takers bought: as many prints as their part of the volume, first where the price rose."""
    count, bought, sold = len(prices), shape.bought, shape.volume - shape.bought
    wanted = round(count * bought / shape.volume) if shape.volume else 0
    fewest = max(1 if bought else 0, count - sold)
    most = min(count - 1 if sold else count, bought)
    wanted = max(min(fewest, count), min(wanted, most))
    if count == 1:
        # One print cannot be of both sides: the larger part tells.
        wanted = int(2 * bought > shape.volume)
    if wanted in (0, count):
        return [wanted > 0] * count
    ranks, before = [], prices[0]
    for price in prices:
        ranks.append((price > before) - (price < before) + draw.random())
        before = price
    least = sorted(ranks)[count - wanted]
    return [rank >= least for rank in ranks]


def _split(total: int, parts: int, draw: Random) -> list[int]:
    """Split a whole number into parts that differ by a factor of three at most; 1 each comes first."""
    if parts <= 0:
        return []
    if total < parts:
        return [1] * total + [0] * (parts - total)
    weights = [64 + draw.getrandbits(7) for _ in range(parts)]
    whole, rest = sum(weights), total - parts
    shares = [1 + rest * weight // whole for weight in weights]
    shares[-1] += total - sum(shares)
    return shares
