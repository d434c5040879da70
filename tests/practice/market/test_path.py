"""The prints of a bar make exactly that bar."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from bt_run.practice.market.path import BarShape, Stop, corners, draw_path

TICK = 1_000_000


@st.composite
def shapes(draw: st.DrawFn) -> tuple[BarShape, int]:
    """Draw a bar and how many prints it gets: at least its corners, at most one a ms."""
    tick = draw(st.sampled_from((1, TICK)))
    prices = sorted(tick * draw(st.integers(1, 10**9)) for _ in range(4))
    inner = draw(st.permutations(prices[1:3]))
    if draw(st.booleans()):
        inner = [draw(st.sampled_from(prices)), draw(st.sampled_from(prices))]
    volume = draw(st.one_of(st.integers(1, 12), st.integers(1, 10**15)))
    shape = BarShape(
        start=1_000_000,
        end=1_000_000 + draw(st.sampled_from((1, 50, 1_000, 86_400_000))),
        open=inner[0],
        high=prices[3],
        low=prices[0],
        close=inner[1],
        volume=volume,
        bought=draw(st.integers(0, volume)),
        low_first=draw(st.booleans()),
    )
    return shape, len(corners(shape)) + draw(st.integers(0, 12))


def drawn(shape: BarShape, count: int, seed: int = 1) -> list[Stop]:
    return draw_path(shape, count, tick=TICK, draw=Random(seed))


@given(shapes())
@example((BarShape(0, 1000, 5, 5, 5, 5, 7, 3, True), 1))
def test_the_prints_make_the_bar(case: tuple[BarShape, int]) -> None:
    shape, count = case
    path = drawn(shape, count)
    prices = [stop.price for stop in path]

    assert len(path) == count
    assert (prices[0], max(prices), min(prices), prices[-1]) == (shape.open, shape.high, shape.low, shape.close)
    assert sum(stop.quantity for stop in path) == shape.volume
    assert min(stop.quantity for stop in path) >= (1 if shape.volume >= count else 0)


@given(shapes())
def test_takers_bought_what_the_bar_says(case: tuple[BarShape, int]) -> None:
    shape, count = case
    bought = sum(stop.quantity for stop in drawn(shape, count) if not stop.buyer_is_maker)

    if count > 1 and shape.volume >= count:
        assert bought == shape.bought
    elif count == 1:
        assert bought == (shape.volume if 2 * shape.bought > shape.volume else 0)


@given(shapes())
def test_times_begin_with_the_bar_and_stay_in_it(case: tuple[BarShape, int]) -> None:
    shape, count = case
    times = [stop.time for stop in drawn(shape, count)]

    assert times[0] == shape.start
    assert times == sorted(times)
    assert times[-1] < shape.end
    if count <= shape.end - shape.start:
        assert len(set(times)) == count


@given(shapes())
def test_the_price_goes_straight_from_corner_to_corner(case: tuple[BarShape, int]) -> None:
    shape, count = case
    prices = [stop.price for stop in drawn(shape, count)]
    turns = corners(shape)
    way = sum(abs(after - before) for before, after in pairwise(turns))
    gone = sum(abs(after - before) for before, after in pairwise(prices))

    assert gone == way  # any step back would make it longer
    if all(price % TICK == 0 for price in turns):
        assert all(price % TICK == 0 for price in prices)


def test_the_same_seed_gives_the_same_path() -> None:
    shape = BarShape(0, 60_000, 10 * TICK, 14 * TICK, 9 * TICK, 12 * TICK, 10**9, 4 * 10**8, True)

    assert drawn(shape, 8, seed=3) == drawn(shape, 8, seed=3)
    assert drawn(shape, 8, seed=3) != drawn(shape, 8, seed=4)
    assert corners(shape) == [10 * TICK, 9 * TICK, 14 * TICK, 12 * TICK]


def test_a_rising_bar_is_bought_where_it_rises() -> None:
    shape = BarShape(0, 60_000, 10 * TICK, 14 * TICK, 9 * TICK, 12 * TICK, 10**9, 4 * 10**8, True)
    path = drawn(shape, 9)
    rises = {after.buyer_is_maker for before, after in pairwise(path) if after.price < before.price}

    assert rises == {True}
