"""How much an amount buys, and what is too little."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.filters import SymbolFilters
from bt_run.core.errors import ConfigError
from bt_run.run.signals.sizing import break_even, check_invest, least_amount, size_for

D = Decimal
FEE = D("0.001")


def test_an_amount_buys_whole_lots_and_pays_its_fee(filters):
    """250 USDT at 60,000 buy 0.00416, because 0.00417 would need 250.45."""
    sizing = size_for(D(250), price=60_000.0, filters=filters, fee=FEE)

    assert D("0.00416") == sizing.quantity
    assert D("249.6") == sizing.cost
    assert D("0.2496") == sizing.fee


def test_too_small_an_amount_is_refused_with_the_minimum(filters):
    """The least is the notional in whole lots, with the fee."""
    with pytest.raises(ConfigError, match=r"4 USDT is below the minimum of BTCUSDT.*below 5\.41 USDT, fee"):
        check_invest(D(4), price=60_000.0, filters=filters, fee=FEE)
    check_invest(D("5.41"), price=60_000.0, filters=filters, fee=FEE)


@given(
    st.decimals(min_value=1, max_value=1_000_000, places=2),
    st.floats(min_value=0.01, max_value=200_000.0),
    st.sampled_from([D(0), D("0.001"), D("0.02")]),
)
def test_no_more_is_spent_than_invested_and_the_minimum_is_the_minimum(filters, amount, price, fee):
    """Cost and fee stay within the amount; the least amount buys, and a tenth less buys nothing."""
    price = float(f"{price:.2f}") or 0.01
    sizing = size_for(amount, price=price, filters=filters, fee=fee)
    least = least_amount(price=price, filters=filters, fee=fee)

    assert sizing.cost + sizing.fee <= amount
    assert sizing.quantity % filters.lot.step == 0
    assert size_for(least, price=price, filters=filters, fee=fee).quantity > 0
    assert size_for(least * D("0.9"), price=price, filters=filters, fee=fee).quantity == 0


@pytest.mark.parametrize("is_long", [True, False])
def test_a_round_trip_to_the_break_even_ends_at_nothing(is_long):
    """The fees of both sides are what the price moved."""
    price = 100.0
    end = break_even(price, is_long=is_long, fee=FEE)
    gain = (end - price) * (1 if is_long else -1) - 0.001 * (price + end)

    assert abs(gain) < 1e-12
    assert (end > price) == is_long


def test_a_symbol_without_a_notional_needs_one_lot():
    """Where only LOT_SIZE speaks, one step is the least."""
    info = {
        "symbol": "XY", "baseAsset": "X", "quoteAsset": "Y", "baseAssetPrecision": 8, "quoteAssetPrecision": 8,
        "filters": [{"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "9", "stepSize": "0.1"}],
    }  # fmt: skip
    rules = SymbolFilters.of(info)

    assert D("0.2002") == least_amount(price=2.0, filters=rules, fee=FEE)
    assert D(9) == size_for(D(10_000), price=2.0, filters=rules, fee=FEE).quantity
