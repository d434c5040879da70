"""Answers to commands, from a snapshot of the run. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from brokers.amounts import minus, plus, ratio, times
from bt_run.run.live.words import amount

if TYPE_CHECKING:
    from bt_run.run.live.status import LiveSnapshot, OpenOrder, SymbolView

__all__ = ["orders_text", "position_text", "profit_text", "status_text"]

_HUNDRED = Decimal(100)


def status_text(told: LiveSnapshot) -> str:
    """Say how the run stands."""
    symbols = " ".join(view.symbol for view in told.symbols)
    minutes = max(0, told.now_ms - told.started_ms) // 60_000
    lines = [f"{told.strategy} on {symbols}, {told.venue} ({told.mode})"]
    lines.append(f"Running for {minutes // 60} h {minutes % 60:02} min, {told.bars} bars, {told.fills} trades")
    lines.append(f"Equity {told.equity:,.2f} {told.quote_asset} ({_change(told)})")
    for view in told.symbols:
        feed = "connected" if view.feed.connected else "DISCONNECTED"
        lines.append(f"{view.symbol}: {amount(view.price)}, {view.feed.phase.value}, {feed}")
    if not told.account_up:
        lines.append(f"Account: DISCONNECTED {told.trouble}".strip())
    lines += [f"No entries: {why}" for why in told.halts]
    return "\n".join(lines)


def position_text(told: LiveSnapshot) -> str:
    """Say what is held."""
    held = [_held(view, told.quote_asset) for view in told.symbols if view.held]
    return "\n".join([*(held or ["Nothing is held."]), f"Cash {told.cash:,.2f} {told.quote_asset}"])


def orders_text(told: LiveSnapshot) -> str:
    """List the open orders."""
    return "\n".join(map(_order, told.orders)) or "No open orders."


def profit_text(told: LiveSnapshot) -> str:
    """Say what was earned."""
    lines = [f"Equity {told.equity:,.2f} {told.quote_asset}, since the start {_change(told)}"]
    for view in told.symbols:
        realised = "not known" if view.realised is None else f"{view.realised:+,.2f}"
        unrealised = "not known" if view.unrealised is None else f"{view.unrealised:+,.2f}"
        lines.append(f"{view.symbol}: realised {realised}, open {unrealised}")
    return "\n".join(lines)


def _change(told: LiveSnapshot) -> str:
    change = minus(told.equity, told.start_equity)
    percent = ratio(times(change, _HUNDRED), told.start_equity) if told.start_equity else Decimal(0)
    return f"{plus(change, Decimal(0)):+,.2f}, {percent:+.2f}%"


def _held(view: SymbolView, quote_asset: str) -> str:
    text = f"{amount(view.held)} {view.base_asset} at {amount(view.average)}, now {amount(view.price)}"
    return text if view.unrealised is None else f"{text}: {view.unrealised:+,.2f} {quote_asset}"


def _order(order: OpenOrder) -> str:
    parts = [f"{order.symbol}: {order.side.lower()} {amount(order.quantity)}"]
    parts.append(order.purpose.replace("_", "-") if order.purpose else order.type.lower())
    if order.price is not None:
        parts.append(f"limit {amount(order.price)}")
    if order.trigger is not None:
        parts.append(f"trigger {amount(order.trigger)}")
    if order.trailing is not None:
        parts.append(f"trailing {order.trailing / 100:g}%")
    return ", ".join(parts)
