"""Answers of the exchange to requests, for gateways that talk with a script."""

from __future__ import annotations

from typing import Any

__all__ = ["ACCOUNT", "CANCEL", "NO_BALANCES", "PAGE", "PLACE", "TIME", "accepted", "ended"]

PLACE, CANCEL, ACCOUNT = "POST /api/v3/order", "DELETE /api/v3/order", "GET /api/v3/account"
TIME = "GET /api/v3/time"
NO_BALANCES = {"body": {"balances": []}}
PAGE = "<html><head><title>504 Gateway Time-out</title></head></html>"


def accepted(order: Any, **more: Any) -> dict[str, Any]:
    """Take an order."""
    body = {"symbol": "BTCUSDT", "orderId": 7, "clientOrderId": order.client_id, "transactTime": 5, **more}
    return {"body": {"status": "NEW", "executedQty": "0", "fills": [], **body}}


def ended(order: Any, status: str = "CANCELED") -> dict[str, Any]:
    """Say that an order is over, half filled."""
    body = {"origClientOrderId": order.client_id, "status": status, "executedQty": "0.5", "transactTime": 6}
    return {"body": body}
