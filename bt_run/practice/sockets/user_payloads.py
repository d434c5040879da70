"""What the user data stream tells of each event of the account. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bt_run.practice.events import BalancesChanged, Deposited, Executed, ListChanged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.practice.events import Event
    from bt_run.practice.orders import Balance, Order, OrderList

__all__ = [
    "account_position",
    "balance_update",
    "event_stream_terminated",
    "execution_report",
    "list_status",
    "server_shutdown",
    "user_payload",
]

_ZERO = Decimal(0)


def user_payload(event: Event) -> dict[str, Any] | None:
    """Give the payload of an event of the account; None for one that the user data stream does not tell."""
    if isinstance(event, Executed):
        return execution_report(event)
    if isinstance(event, BalancesChanged):
        return account_position(event.balances, event.time)
    if isinstance(event, Deposited):
        return balance_update(event.asset, event.amount, event.time)
    if isinstance(event, ListChanged):
        return list_status(event.order_list, event.orders, event.time)
    return None


def execution_report(event: Executed) -> dict[str, Any]:
    """
    Write an executionReport; keys in Binance's order, amounts with eight decimals.

    Conditional: `d` and `D` of trailing orders, `j` and `J` of a strategy, `W` once the order has been on the
    book, `eR` of an order that expired. Source: user-data-stream.md of binance-spot-api-docs (read
    2026-07-21). After a cancellation and an amendment `C` is the id that the order had before, `c` the new.
    """
    order, fill = event.order, event.fill
    ticket = order.ticket
    present = order.client_order_id or ticket.client_order_id
    names = _names(event, present)
    report: dict[str, Any] = {
        "e": "executionReport", "E": event.time, "s": ticket.symbol, "c": names[0], "S": ticket.side,
        "o": ticket.type, "f": ticket.time_in_force, "q": _text(order.quantity), "p": _text(ticket.price),
        "P": _text(ticket.stop_price),
    }  # fmt: skip
    if ticket.trailing_delta is not None:
        report["d"] = ticket.trailing_delta
    report |= {
        "F": _text(ticket.iceberg_quantity), "g": order.list_id, "C": names[1], "x": event.kind,
        "X": order.status, "r": event.reject_reason, "i": order.order_id,
        "l": _text(fill.quantity if fill else None), "z": _text(order.executed),
        "L": _text(fill.price if fill else None), "n": _text(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None, "T": event.time, "t": fill.trade_id if fill else -1,
        "I": event.execution_id, "w": _on_book(event), "m": bool(fill and fill.is_maker),
        "M": fill is not None, "O": order.created, "Z": _text(order.executed_quote),
        "Y": _text(fill.quote_quantity if fill else None), "Q": _text(ticket.quote_quantity),
    }  # fmt: skip
    return report | _conditional(order)


def account_position(balances: Mapping[str, Balance], time: int) -> dict[str, Any]:
    """Write an outboundAccountPosition; `time` in ms."""
    return {
        "e": "outboundAccountPosition", "E": time, "u": time,
        "B": [
            {"a": asset, "f": _text(balance.free), "l": _text(balance.locked)}
            for asset, balance in balances.items()
        ],
    }  # fmt: skip


def balance_update(asset: str, delta: Decimal, time: int) -> dict[str, Any]:
    """Write a balanceUpdate: a deposit, or with a negative `delta` a withdrawal."""
    return {"e": "balanceUpdate", "E": time, "a": asset, "d": _text(delta), "T": time}


def list_status(order_list: OrderList, orders: tuple[Order, ...], time: int) -> dict[str, Any]:
    """Write a listStatus."""
    return {
        "e": "listStatus", "E": time, "s": order_list.symbol, "g": order_list.list_id,
        "c": order_list.contingency, "l": order_list.status_type, "L": order_list.order_status, "r": "NONE",
        "C": order_list.client_list_id, "T": time,
        "O": [
            {
                "s": order.ticket.symbol, "i": order.order_id,
                "c": order.client_order_id or order.ticket.client_order_id,
            }
            for order in orders
        ],
    }  # fmt: skip


def event_stream_terminated(time: int) -> dict[str, Any]:
    """Write that a subscription is over."""
    return {"e": "eventStreamTerminated", "E": time}


def server_shutdown(time: int) -> dict[str, Any]:
    """Write that the server will close the connection soon."""
    return {"e": "serverShutdown", "E": time}


def _names(event: Executed, present: str) -> tuple[str, str]:
    """Give `c` and `C`."""
    if event.kind == "CANCELED" and event.cancel_id is not None:
        return event.cancel_id, present
    if event.kind == "REPLACED":
        return present, event.former_id or event.order.ticket.client_order_id
    return present, ""


def _on_book(event: Executed) -> bool:
    order = event.order
    resting = order.ticket.type != "MARKET" or event.kind == "NEW"
    return order.is_working and resting and order.status in ("NEW", "PARTIALLY_FILLED")


def _conditional(order: Order) -> dict[str, Any]:
    ticket = order.ticket
    more = {
        "D": order.trailing_time,
        "j": ticket.strategy_id,
        "J": ticket.strategy_type,
        "W": order.working_time if order.is_working else None,
        "V": ticket.self_trade_prevention,
        "eR": order.expiry_reason,
    }
    return {name: value for name, value in more.items() if value is not None}


def _text(value: Decimal | None) -> str:
    return f"{value if value is not None else _ZERO:.8f}"
