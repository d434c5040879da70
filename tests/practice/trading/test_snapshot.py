"""A saved state that does not fit is refused."""

from __future__ import annotations

import json

import pytest

from bt_run.core.errors import ConfigError
from bt_run.practice.rules import SymbolRules


def test_a_state_of_another_version_is_refused(rig):
    state = rig.trading.snapshot() | {"version": 0}
    with pytest.raises(ConfigError, match="of version 0, not 1"):
        rig.trading.restore(state)


def test_a_state_with_an_unknown_symbol_is_refused(make_rig):
    state = make_rig(None, SymbolRules(), SymbolRules("ETHUSDT", "ETH")).trading.snapshot()
    with pytest.raises(ConfigError, match="ETHUSDT, which is not replayed"):
        make_rig().trading.restore(state)


def test_a_negative_start_is_refused(make_rig):
    with pytest.raises(ConfigError, match="balance of BTC is -1"):
        make_rig({"BTC": -1})


def test_answers_to_placed_lists_survive(rig, make_rig):
    placed = rig.oco(
        "SELL",
        rig.ticket("SELL", "LIMIT_MAKER", price=110),
        rig.ticket("SELL", "STOP_LOSS", stop_price=90),
    )
    other = make_rig()
    other.trading.restore(json.loads(json.dumps(rig.trading.snapshot())))
    first, second = rig.trading, other.trading
    assert first.placed_orders(placed.list_id) == second.placed_orders(placed.list_id)
