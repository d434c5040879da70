"""The account in Binance's words: balances, commissions. Fields: rest-api.md (2026-07)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.practice.api.order_payloads import amount
from bt_run.practice.identity import USER_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.practice.orders import Balance
    from bt_run.practice.rules import Fees

__all__ = ["account", "commission", "order_commission"]

_BASIS_POINTS = 10_000
_NOTHING = {"maker": amount(None), "taker": amount(None)}
_NO_DISCOUNT = "1.00000000"
"""What is paid in BNB is multiplied by this (commission_faq.md, 2026-07): `Fees` are what is taken."""


def account(
    balances: Mapping[str, Balance], fees: Fees, *, updated: int, omit_zeros: bool = False
) -> dict[str, Any]:
    """Give GET /api/v3/account; the commissions are those of the first symbol."""
    rates = {"maker": amount(fees.maker), "taker": amount(fees.taker)}
    return {
        "makerCommission": round(fees.maker * _BASIS_POINTS),
        "takerCommission": round(fees.taker * _BASIS_POINTS),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": rates | {"buyer": amount(None), "seller": amount(None)},
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": updated,
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": amount(held.free), "locked": amount(held.locked)}
            for asset, held in balances.items()
            if held.total or not omit_zeros
        ],
        "permissions": ["SPOT"],
        "uid": USER_ID,
    }


def commission(symbol: str, fees: Fees) -> dict[str, Any]:
    """Give GET /api/v3/account/commission."""
    sides = {"buyer": amount(None), "seller": amount(None)}
    rates = {"maker": amount(fees.maker), "taker": amount(fees.taker)}
    return {
        "symbol": symbol,
        "standardCommission": rates | sides,
        "specialCommission": _NOTHING | sides,
        "taxCommission": _NOTHING | sides,
        "discount": _discount(fees),
    }


def order_commission(fees: Fees) -> dict[str, Any]:
    """Give what POST order/test answers with `computeCommissionRates`."""
    return {
        "standardCommissionForOrder": {"maker": amount(fees.maker), "taker": amount(fees.taker)},
        "specialCommissionForOrder": dict(_NOTHING),
        "taxCommissionForOrder": dict(_NOTHING),
        "discount": _discount(fees),
    }


def _discount(fees: Fees) -> dict[str, Any]:
    return {
        "enabledForAccount": fees.pay_in == "BNB",
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": _NO_DISCOUNT,
    }
