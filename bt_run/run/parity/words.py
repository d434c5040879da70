"""How a difference is told: what each side did, in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bt_run.run.parity.sides import SideOrder

__all__ = ["price_text", "refusal_note", "said", "said_fee", "said_size"]


def said(order: SideOrder) -> str:
    """Write what became of an order: ``bought 0.5 at 60,000.10``, ``refused``, ``not filled``."""
    verb = "bought" if order.side == "buy" else "sold"
    if order.quantity:
        role = "" if order.role == "signal" else f" by {order.role.replace('_', '-')}"
        return f"{verb} {order.quantity:.8g} at {price_text(order.price)}{role}"
    if order.refusal:
        return f"{order.side} refused"
    return f"{order.side} {order.state or 'not filled'}"


def said_size(order: SideOrder) -> str:
    """Write the quantity alone."""
    return f"{'bought' if order.side == 'buy' else 'sold'} {order.quantity:.8g}"


def said_fee(order: SideOrder) -> str:
    """Write the fee in the assets in which it was paid."""
    parts = [f"{amount:.8g} {asset}" for asset, amount in order.other_fees.items()]
    if order.base_fee:
        parts.insert(0, f"{order.base_fee:.8g} base")
    if order.fee or not parts:
        parts.insert(0, f"{order.fee:.8g} quote")
    return " + ".join(parts)


def refusal_note(live: SideOrder, backtest: SideOrder) -> str:
    """Say who refused, and why."""
    if live.refusal:
        return live.refusal
    return f"the backtest refused it: {backtest.refusal}"


def price_text(price: float) -> str:
    """Write a price with two decimals from 100 on, with eight significant digits below."""
    return f"{price:,.2f}" if abs(price) >= 100 else f"{price:.8g}"
