"""
What the account's stream says, as our plain data. Pure.

Unknown keys are ignored. Source: binance-spot-api-docs, user-data-stream.md (read 2026-07-21); the traps are
noted where they are met.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brokers.gateway import BalancesSeen, OrderSeen
from brokers.order_events import Accepted, Canceled, Expired, Filled, Rejected
from brokers.reconciling.views import ENDED, Balance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from brokers.gateway import AccountEvent
    from brokers.order_events import Event

__all__ = ["KNOWN_EVENTS", "Decoded", "account_event", "own_client_id"]

KNOWN_EVENTS = frozenset(
    {
        "executionReport",
        "outboundAccountPosition",
        "balanceUpdate",
        "externalLockUpdate",
        "listStatus",
        "eventStreamTerminated",
        "serverShutdown",
    }
)
"""Types of events that are understood, or known to tell nothing of orders and balances."""

_NO_ID = ("", "null", None)
_PREVENTED = "EXPIRED_IN_MATCH"


@dataclass(frozen=True, slots=True)
class Decoded:
    """
    What one event says.

    `event` is what the thread that trades shall know, None for nothing. `doubt` is why the account should be
    checked over REST, because the event tells that something changed but not all of it.
    """

    event: AccountEvent | None = None
    doubt: str = ""


def account_event(payload: Mapping[str, Any]) -> Decoded:
    """
    Read the event inside a message of the account's stream; raises one of `codec.MALFORMED`.

    Types that are not in `KNOWN_EVENTS` say nothing; the caller tells of them.
    """
    match payload["e"]:
        case "executionReport":
            return _execution(payload)
        case "outboundAccountPosition":
            held = {item["a"]: Balance(Decimal(item["f"]), Decimal(item["l"])) for item in payload["B"]}
            return Decoded(BalancesSeen(held, int(payload["u"])))
        case "balanceUpdate" | "externalLockUpdate":
            return Decoded(doubt=f"{payload['a']} came, went or was locked without an order")
        case "listStatus" if payload.get("L") == "REJECT":
            return Decoded(doubt=f"the order list {payload.get('C')} was rejected")
        case _:
            return Decoded()


def own_client_id(report: Mapping[str, Any]) -> str:
    """
    Give the order's own client id.

    In the report of a cancellation `c` is the cancel's id and `C` the order's; after an amendment `C` is the id
    that the order had. In all others `C` is empty.
    """
    original = report.get("C")
    return str(report["c"] if original in _NO_ID else original)


def _execution(report: Mapping[str, Any]) -> Decoded:
    client_id, kind = own_client_id(report), report["x"]
    if kind == "REPLACED":
        return Decoded(doubt=f"order {client_id} was made smaller by another hand")
    event = _event_of(report, kind)
    if event is None:
        return Decoded(doubt=f"order {client_id}: {kind}, status {report['X']}")
    seen = OrderSeen(str(report["s"]), client_id, int(report["i"]), event, int(report["I"]))
    return Decoded(seen)


def _event_of(report: Mapping[str, Any], kind: str) -> Event | None:
    time_ms, status = int(report["T"]), report["X"]
    event: Event | None = None
    if kind == "NEW":
        event = Accepted(int(report["i"]), time_ms, Decimal(report["q"]) or None)
    elif kind == "TRADE":
        event = _trade(report, time_ms, is_last=status == "FILLED")
    elif kind == "REJECTED":
        event = Rejected(None, str(report["r"]))
    elif kind == "CANCELED":
        event = Canceled(time_ms, Decimal(report["z"]))
    elif kind == "EXPIRED" or (kind == "TRADE_PREVENTION" and status in ENDED):
        # A prevented match with an order of our own may also leave the rest working; then it says nothing.
        event = Expired(_why_expired(report), time_ms, Decimal(report["z"]))
    return event


def _trade(report: Mapping[str, Any], time_ms: int, *, is_last: bool) -> Filled:
    return Filled(
        int(report["t"]),
        Decimal(report["l"]),
        Decimal(report["L"]),
        Decimal(report["n"] or "0"),
        report["N"] or "",
        time_ms,
        is_maker=bool(report["m"]),
        total=Decimal(report["z"]) if is_last else None,
    )


def _why_expired(report: Mapping[str, Any]) -> str:
    """Give `eR` (since 2026-03-26), the reject reason, or the status."""
    reason = report.get("eR") or report.get("r")
    if reason in (None, "", "NONE"):
        reason = "self-trade prevention" if report["X"] == _PREVENTED else report["X"]
    return str(reason)
