"""The exchange's state as JSON: what people look at, and the truth that tests compare with. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run import __version__
from bt_run.core.clock import iso_utc
from bt_run.practice.api.order_payloads import own_trade, queried
from bt_run.practice.faults import written
from bt_run.practice.identity import NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.practice.exchange import Exchange
    from bt_run.practice.faults import Active, FaultBoard
    from bt_run.practice.orders import Balance
    from bt_run.practice.pacer import Pacer
    from bt_run.practice.sockets import Sockets

__all__ = ["clock_of", "faults_of", "state_of", "status_of"]


def clock_of(exchange: Exchange, pacer: Pacer | None) -> dict[str, Any]:
    """Tell where the clock stands, and what holds it."""
    told: dict[str, Any] = {"now": exchange.now, "time": iso_utc(exchange.now)}
    if pacer is None:
        return told
    return told | {
        "speed": pacer.speed,
        "paused": pacer.paused,
        "held_by": list(pacer.holders),
        "ended": pacer.ended.is_set(),
        "failure": None if pacer.failure is None else str(pacer.failure),
    }


def faults_of(board: FaultBoard | None) -> dict[str, Any]:
    """Tell the faults that are active, and how many of each kind have fired."""
    if board is None:
        return {"active": [], "fired": {}}
    return {"active": [_active(found) for found in board.active], "fired": dict(board.counts)}


def status_of(
    exchange: Exchange,
    pacer: Pacer | None,
    board: FaultBoard | None,
    sockets: Sockets | None,
    *,
    started: int,
    notes: Mapping[str, str],
) -> dict[str, Any]:
    """
    Tell all about the exchange at a glance.

    `started` is the exchange's time at the start, ms; `notes` say by symbol what is to be said of its prices.
    """
    trading = exchange.trading
    symbols = {
        symbol: {
            "interval": str(market.interval),
            "note": notes.get(symbol, ""),
            "last_price": f"{market.last_price:f}",
            "orders": len(trading.history(symbol)[0]),
            "trades": len(trading.history(symbol)[1]),
        }
        for symbol, market in exchange.markets.items()
    }
    return {
        "exchange": NAME,
        "version": __version__,
        **clock_of(exchange, pacer),
        "started": started,
        "symbols": symbols,
        "open_orders": len(trading.open_orders()),
        "execution_id": trading.execution_id,
        "connections": 0 if sockets is None else len(sockets.connections),
        "user_streams": 0 if sockets is None else len(sockets.users.subscriptions),
        "faults": faults_of(board),
        "balances": balances_of(trading.balances()),
    }


def state_of(exchange: Exchange, pacer: Pacer | None) -> dict[str, Any]:
    """
    Tell the whole truth about the account: every order as GET order does, every trade as GET myTrades does.

    `execution_id` is the last execution report's (Binance's `I`).
    """
    trading = exchange.trading
    histories = [trading.history(symbol) for symbol in exchange.markets]
    return {
        "exchange": NAME,
        **clock_of(exchange, pacer),
        "execution_id": trading.execution_id,
        "balances": balances_of(trading.balances()),
        "orders": [queried(order) for orders, _ in histories for order in orders],
        "fills": [own_trade(fill) for _, fills in histories for fill in fills],
    }


def balances_of(balances: Mapping[str, Balance]) -> dict[str, dict[str, str]]:
    """Write balances, free and locked, as decimal text."""
    return {
        asset: {"free": f"{found.free:f}", "locked": f"{found.locked:f}"} for asset, found in balances.items()
    }


def _active(found: Active) -> dict[str, Any]:
    return {"id": found.id, "seen": found.seen, "fired": found.fired, **written(found.fault)}
