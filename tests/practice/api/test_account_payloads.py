"""What is told of commissions: a client that reckons with them must come to what is taken."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bt_run.practice.api.account_payloads import commission, order_commission
from bt_run.practice.rules import Fees


@pytest.mark.parametrize(("pay_in", "in_bnb"), [("received", False), ("quote", False), ("BNB", True)])
def test_the_discount_is_a_factor_that_changes_nothing(pay_in, in_bnb):
    """Binance multiplies by it what is paid in BNB (commission_faq.md): 0 would be free of charge."""
    fees = Fees(Decimal("0.001"), Decimal("0.002"), pay_in)
    for told in (commission("BTCUSDT", fees), order_commission(fees)):
        discount = told["discount"]
        assert "1.00000000" == discount["discount"]
        assert "BNB" == discount["discountAsset"]
        assert in_bnb is discount["enabledForAccount"]
        assert discount["enabledForSymbol"]
