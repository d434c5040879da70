"""
What REST answers say, as our plain data. Pure.

Unknown keys are ignored. What is missing or no number raises one of `MALFORMED`; the caller knows what was
asked.
Source: binance-spot-api-docs, rest-api.md and faqs/commission_faq.md, read 2026-07-21.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brokers.amounts import ZERO, total_of
from brokers.gateway import FeeRates, MarketPrices
from brokers.order_events import Accepted, Canceled, Event, Expired, Filled, Rejected, TimedOut
from brokers.reconciling.views import ENDED, Balance, ExchangeOrder, ExchangeTrade

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from brokers.orders import Order

__all__ = [
    "MALFORMED",
    "KeyRights",
    "balances",
    "canceled",
    "end_of",
    "exchange_order",
    "exchange_trade",
    "fee_rates",
    "found_amount",
    "market_prices",
    "placed",
    "placed_list",
]

MALFORMED = (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, IndexError)
"""What reading an answer raises that is not what the documentation says."""

_TIMED = frozenset({"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})


@dataclass(frozen=True, slots=True)
class KeyRights:
    """What a key may do; None where the exchange does not say. `can_withdraw` is a danger, not a wish."""

    can_trade: bool | None
    can_withdraw: bool | None
    is_bound_to_addresses: bool | None = None


def placed(report: Mapping[str, Any], order: Order) -> tuple[Event, ...]:
    """
    Give what the answer to a new order says: Accepted and its trades, and its end where there is one.

    Raises ValueError where it is the answer to another order.
    """
    if report["clientOrderId"] != order.client_id:
        raise ValueError("the answer is of another order")
    status = report.get("status", "NEW")
    if status == "REJECTED":
        return (Rejected(None, str(report.get("expiryReason") or "rejected by the exchange")),)
    time_ms = int(report["transactTime"])
    is_unsized = order.quantity is None and order.quote_quantity is None
    quantity = found_amount(report, "origQty") if is_unsized else None
    fills = _fills(report, time_ms, is_filled=status == "FILLED")
    end = (end_of(report, status, time_ms),) if status in ENDED else ()
    return (Accepted(int(report["orderId"]), time_ms, quantity), *fills, *end)


def placed_list(answer: Mapping[str, Any], orders: Mapping[str, Order]) -> dict[str, tuple[Event, ...]]:
    """Give what the answer to a new list says of each of its orders, by client id."""
    events = {
        report["clientOrderId"]: placed(report, orders[report["clientOrderId"]])
        for report in answer.get("orderReports", ())
    }
    for named in answer["orders"]:
        accepted = Accepted(int(named["orderId"]), int(answer["transactionTime"]))
        events.setdefault(named["clientOrderId"], (accepted,))
    if events.keys() != orders.keys():
        raise ValueError("the answer is of other orders")
    return events


def canceled(answer: Mapping[str, Any], client_id: str) -> tuple[Event, ...]:
    """Give what the answer to a cancel says of an order; the answer may be that of its whole list."""
    reports = answer.get("orderReports", (answer,))
    report = next(report for report in reports if report["origClientOrderId"] == client_id)
    status = report["status"]
    if status not in ENDED:
        return (TimedOut(f"the cancel: the exchange answered, and calls the order {status}"),)
    return (end_of(report, status, int(report["transactTime"])),)


def end_of(report: Mapping[str, Any], status: str, time_ms: int) -> Canceled | Expired:
    """Give the event of an order that ended other than by its trades."""
    executed = Decimal(report["executedQty"])
    if status == "CANCELED":
        return Canceled(time_ms, executed)
    return Expired(str(report.get("expiryReason") or status), time_ms, executed)


def exchange_order(report: Mapping[str, Any]) -> ExchangeOrder:
    """Read an order of GET /api/v3/order or /openOrders."""
    return ExchangeOrder(
        client_id=report["clientOrderId"],
        symbol=report["symbol"],
        exchange_id=int(report["orderId"]),
        side=report["side"],
        type=report["type"],
        status=report["status"],
        quantity=found_amount(report, "origQty"),
        executed=Decimal(report["executedQty"]),
        time_ms=int(report["time"]),
        update_ms=int(report["updateTime"]),
        price=found_amount(report, "price"),
        stop_price=found_amount(report, "stopPrice"),
        trailing_delta=report.get("trailingDelta"),
        quote_quantity=found_amount(report, "origQuoteOrderQty"),
        time_in_force=report["timeInForce"] if report["type"] in _TIMED else None,
        reason=str(report.get("expiryReason") or ""),
    )


def exchange_trade(trade: Mapping[str, Any]) -> ExchangeTrade:
    """Read a trade of GET /api/v3/myTrades."""
    return ExchangeTrade(
        symbol=trade["symbol"],
        trade_id=int(trade["id"]),
        exchange_id=int(trade["orderId"]),
        quantity=Decimal(trade["qty"]),
        price=Decimal(trade["price"]),
        fee=Decimal(trade["commission"]),
        fee_asset=trade["commissionAsset"],
        time_ms=int(trade["time"]),
        is_maker=bool(trade["isMaker"]),
    )


def balances(account: Mapping[str, Any]) -> dict[str, Balance]:
    """Read all balances of GET /api/v3/account that are not zero."""
    found = {
        item["asset"]: Balance(Decimal(item["free"]), Decimal(item["locked"])) for item in account["balances"]
    }
    return {asset: balance for asset, balance in found.items() if balance.free or balance.locked}


def fee_rates(answer: Mapping[str, Any]) -> FeeRates:
    """
    Read GET /api/v3/account/commission: what a trade costs at most, whichever side it is on.

    The discount for paying in BNB is not taken off: it ends with the BNB. A multiplier of 0 means that there is
    none.
    """
    maker, taker = ZERO, ZERO
    for kind in ("standardCommission", "specialCommission", "taxCommission"):
        rates = answer.get(kind) or {}
        side = max(Decimal(rates.get("buyer", "0")), Decimal(rates.get("seller", "0")))
        maker = total_of((maker, Decimal(rates.get("maker", "0")), side))
        taker = total_of((taker, Decimal(rates.get("taker", "0")), side))
    told = answer.get("discount") or {}
    is_allowed = told.get("enabledForAccount") and told.get("enabledForSymbol")
    is_on = is_allowed and Decimal(told.get("discount", "0"))
    return FeeRates(maker, taker, str(told.get("discountAsset") or "") if is_on else "")


def market_prices(book: Mapping[str, Any], last: Mapping[str, Any], average: Mapping[str, Any]) -> MarketPrices:
    """
    Read GET /api/v3/ticker/bookTicker, /ticker/price and /avgPrice of one symbol.

    An empty side of the book (0) is as the last trade.
    """
    price = Decimal(last["price"])
    bid, ask = found_amount(book, "bidPrice"), found_amount(book, "askPrice")
    return MarketPrices(bid or price, ask or price, price, found_amount(average, "price"))


def found_amount(report: Mapping[str, Any], key: str) -> Decimal | None:
    """Read an amount that is 0, or not there, where it does not apply."""
    return Decimal(report.get(key) or "0") or None


def _fills(report: Mapping[str, Any], time_ms: int, *, is_filled: bool) -> tuple[Filled, ...]:
    """Read the trades that came with an answer; the last one says that they are the whole."""
    by_id: dict[int, Filled] = {}
    told: Sequence[Any] = report.get("fills") or ()
    for fill in told:
        trade_id = int(fill["tradeId"])
        by_id[trade_id] = Filled(
            trade_id,
            Decimal(fill["qty"]),
            Decimal(fill["price"]),
            Decimal(fill["commission"]),
            fill["commissionAsset"] or "",
            time_ms,
            # What trades while it is placed has taken.
            is_maker=False,
            total=Decimal(report["executedQty"]) if is_filled and fill is told[-1] else None,
        )
    return tuple(by_id.values())
