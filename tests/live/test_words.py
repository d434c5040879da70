"""What a run says of its orders."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.order_events import Filled
from brokers.orders import Order
from bt_run.run.live.words import fill_words

D = Decimal


@pytest.mark.parametrize(
    ("fee", "asset", "value", "said"),
    [
        ("0.1", "USDT", "0.1", ", fee 0.1 USDT"),
        ("0.001", "BTC", "0.1", ", fee 0.1 USDT"),
        ("0.0002", "BNB", "0", ", fee 0.0002 BNB"),
        ("0", "BNB", "0", ""),
    ],
)
def test_a_trade_names_its_fee(fee: str, asset: str, value: str, said: str) -> None:
    """In quote asset where its worth is known, else in what it was paid in."""
    order = Order("btr-1-00000001", "BTCUSDT", "BUY", "MARKET", quantity=D(1))
    fill = Filled(1, D(1), D(100), D(fee), asset, 0, is_maker=False)

    assert f"BTCUSDT: bought 1 at 100{said}" == fill_words(order, fill, "USDT", D(value))
