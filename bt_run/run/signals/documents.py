"""Events of the signal desk as JSON documents for programs: one object a line, ``schema`` in the first one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bt_run.core.clock import iso_utc
from bt_run.run.signals.events import Potential, SignalEnded, SignalSeen

if TYPE_CHECKING:
    from decimal import Decimal

    from bt_run.run.signals.events import DeskEvent
    from bt_run.run.signals.past import PastRecord
    from bt_run.run.signals.sizing import Sizing

__all__ = ["SCHEMA", "document_of"]

SCHEMA = "bt-run/signals/1"


def document_of(event: DeskEvent) -> dict[str, Any]:
    """Turn an event into a document; prices and amounts are numbers in quote asset, unknown ones null."""
    if isinstance(event, SignalSeen):
        return _signal(event)
    if isinstance(event, SignalEnded):
        return {"event": "ended", "entry": _signal(event.signal), "result": _potential(event.result)}
    return {"event": "potential", **_potential(event)}


def _signal(signal: SignalSeen) -> dict[str, Any]:
    return {
        "event": "signal",
        "symbol": signal.symbol,
        "interval": signal.interval,
        "strategy": signal.strategy,
        "kind": signal.kind,
        "side": "buy" if signal.buys else "sell",
        "time": iso_utc(signal.time_ms),
        "bar": iso_utc(signal.open_time),
        "price": signal.price,
        "indicators": {name: _number(value) for name, value in signal.values.items()},
        "size": None if signal.sizing is None else _sizing(signal.sizing),
        "past": None if signal.past is None else _past(signal.past),
        "is_late": signal.is_late,
        "is_history": signal.is_history,
    }


def _potential(worth: Potential) -> dict[str, Any]:
    return {
        "symbol": worth.signal.symbol,
        "kind": worth.signal.kind,
        "since": iso_utc(worth.signal.time_ms),
        "time": iso_utc(worth.time_ms),
        "price": worth.price,
        "bars": worth.bars,
        "now_pct": worth.now_pct,
        "best_pct": worth.best_pct,
        "worst_pct": worth.worst_pct,
        "amount": worth.amount,
        "net": worth.net,
        "break_even": worth.break_even,
    }


def _sizing(sizing: Sizing) -> dict[str, Any]:
    return {"quantity": _text(sizing.quantity), "cost": _text(sizing.cost), "fee": _text(sizing.fee)}


def _past(past: PastRecord) -> dict[str, Any]:
    return {
        "cases": past.cases,
        "trips": past.trips,
        "winners_pct": past.winners_pct,
        "median_trip_pct": past.median_trip_pct,
        "moves": [
            {
                "bars": move.bars,
                "cases": move.cases,
                "gained": move.gained,
                "median_pct": move.median_pct,
                "best_pct": move.best_pct,
                "worst_pct": move.worst_pct,
            }
            for move in past.moves
        ],
    }


def _text(amount: Decimal) -> str:
    """Decimals stay exact: they are written as text."""
    return f"{amount.normalize():f}"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
