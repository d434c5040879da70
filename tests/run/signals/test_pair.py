"""Pairs that exist give rules that size an order; those that do not are met with the nearest names."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

import pytest

from brokers.filters import SymbolFilters
from bt_run.core.errors import ConfigError
from bt_run.run.signals.pair import fetch_pairs, futures_rules
from bt_run.run.signals.sizing import least_amount, size_for


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_a_pair_that_does_not_exist_is_met_with_the_nearest(exchange, market):
    """Spot answers with an error, futures with a list of all."""
    exchange.list_symbol("BTCUSDT", "ETHUSDT", market=market)
    with pytest.raises(ConfigError, match=rf"loopback has no {market} pair BTCUDST. Did you mean BTCUSDT"):
        fetch_pairs(exchange.venue, ["BTCUDST"], market=market)


def test_rules_of_every_real_future_size_an_order(shared):
    """USD-M writes its filters otherwise than spot; a least amount buys, and no more is spent than invested."""
    path = shared / "realdata" / "rest" / "exchangeInfo-futures-20210721.txt.gz"
    line = gzip.decompress(path.read_bytes()).decode().splitlines()[0]
    contracts = json.loads(line.partition(": ")[2])["symbols"]

    assert len(contracts) > 100
    for contract in contracts:
        rules = SymbolFilters.of(futures_rules(contract))
        least = least_amount(price=7.5, filters=rules, fee=Decimal("0.0004"))
        sizing = size_for(least, price=7.5, filters=rules, fee=Decimal("0.0004"))
        assert rules.notional
        assert 0 < sizing.cost + sizing.fee <= least
