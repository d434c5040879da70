"""The average price of the last minutes is the one that all prints of them give."""

from __future__ import annotations

from decimal import Decimal

from exchange_market import make_bars
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.interval import Interval
from bt_run.practice.market import Market
from bt_run.practice.rules import SymbolRules

MINUTE = 60_000
BARS = make_bars(Interval.parse("1m"), 1_767_268_800_000, 60)


def summed(market, minutes, now):
    """Give it the long way."""
    prints = [trade for trade in market.trades(10_000) if trade.time > now - minutes * MINUTE]
    volume = sum((trade.quantity for trade in prints), Decimal(0))
    if not volume:
        return market.last_price
    worth = sum((trade.price * trade.quantity for trade in prints), Decimal(0))
    return (worth / volume).quantize(Decimal("0.00000001"))


@given(
    moves=st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 50_000), st.sampled_from([0, 1, 5])), max_size=30
    ),
    gap=st.integers(0, 29),
)
def test_it_is_the_same_as_summed_up_anew(moves, gap):
    """However time goes on, with a gap in between."""
    market = Market.from_bars(BARS, Interval.parse("1m"), SymbolRules(), at=30)
    for number, (steps, later, minutes) in enumerate(moves):
        for _ in range(steps):
            if market.next_time() is not None:
                market.step()
        if number == gap:
            market.skip(market.running_end, market.running_end + 3 * MINUTE)
        upcoming = market.next_time()
        now = market.now if upcoming is None else min(upcoming - 1, market.now + later)
        now = max(now, market.now)
        assert summed(market, minutes, now) == market.average_price(minutes, now)
