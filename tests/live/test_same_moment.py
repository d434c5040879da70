"""A start compares its last trades with the exchange's list, also where several happened in one millisecond."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from brokers.holdings import Ledger
from brokers.order_events import Accepted, Filled, Submitted
from brokers.orders import Order, apply
from brokers.reconciling.views import Balance, ExchangeTrade
from bt_run.core.errors import ConfigError
from bt_run.run.live.recovery import recover

D = Decimal
AT_MS = 1_767_370_980_000
HOUR_MS = 3_600_000


@dataclass
class Exchange:
    """What a start asks: trades by id, and the account."""

    trades_there: list[ExchangeTrade]
    held: Decimal = D(3)
    asked_from: list[int] = field(default_factory=list)

    def server_time_ms(self) -> int:
        """Half an hour after the trades."""
        return AT_MS + HOUR_MS // 2

    def open_orders(self, symbol: str) -> tuple[()]:
        """Give none."""
        return ()

    def trades(self, symbol: str, *, since_trade_id: int) -> tuple[ExchangeTrade, ...]:
        """Give them from an id on, as GET /api/v3/myTrades does."""
        self.asked_from.append(since_trade_id)
        return tuple(trade for trade in self.trades_there if trade.trade_id >= since_trade_id)

    def balances(self) -> dict[str, Balance]:
        """Give coins and cash."""
        return {"BTC": Balance(self.held, D(0)), "USDT": Balance(D(10_000), D(0))}


def trade(trade_id: int, order_id: int, time_ms: int = AT_MS) -> ExchangeTrade:
    """A trade of one coin."""
    return ExchangeTrade("BTCUSDT", trade_id, order_id, D(1), D(100), D(0), "USDT", time_ms, is_maker=False)


def journal_of(*trades: ExchangeTrade) -> Any:
    """Give what a journal has after these purchases, each by the order of its number."""
    orders: dict[str, Order] = {}
    ledger = Ledger("USDT", D(10_000)).with_symbol("BTCUSDT", "BTC", "USDT")
    for told in trades:
        name = f"btr-0b-{told.exchange_id:08d}"
        if name not in orders:
            made = Order(name, "BTCUSDT", "BUY", "MARKET", quantity=D(9), created_ms=told.time_ms - 5)
            orders[name] = apply(apply(made, Submitted()), Accepted(told.exchange_id, told.time_ms))
        fill = Filled(told.trade_id, D(1), D(100), D(0), "USDT", told.time_ms, is_maker=False)
        orders[name] = apply(orders[name], fill)
        ledger = ledger.book("BTCUSDT", "BUY", fill)
    for name, order in orders.items():
        whole = Filled(
            order.fills[-1].trade_id, D(1), D(100), D(0), "USDT", order.fills[-1].time_ms, False, order.executed
        )
        orders[name] = apply(order, whole)
    return SimpleNamespace(orders=orders, ledger=ledger, tags=frozenset({"0b"}), unheard=())


class Recorder:
    """Keeps nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *told: None


def start(past: Any, exchange: Exchange) -> Any:
    return recover(
        past,
        exchange,  # type: ignore[arg-type]
        Recorder(),  # type: ignore[arg-type]
        symbols=["BTCUSDT"],
        steps={"BTCUSDT": D("0.00001")},
        sleep=lambda seconds: None,
    )


@pytest.mark.parametrize("owners", [(7, 7, 7), (7, 8, 9)], ids=["one order", "three orders"])
def test_trades_of_one_moment_are_all_looked_for(owners: tuple[int, ...]) -> None:
    """A market order takes several levels of the book in one millisecond; the list begins with the first."""
    trades = [trade(number, owner) for number, owner in zip((20, 21, 22), owners, strict=True)]
    exchange = Exchange(trades)
    recovered = start(journal_of(*trades), exchange)
    assert not recovered.is_wiped
    assert recovered.sentences == ()
    assert set(exchange.asked_from) == {20}


def test_a_trade_of_that_moment_that_is_not_listed_is_a_contradiction() -> None:
    trades = [trade(20, 7), trade(21, 7), trade(22, 7)]
    with pytest.raises(ConfigError, match="The books hold 1 trade"):
        start(journal_of(*trades), Exchange(trades[1:]))


def test_older_trades_are_not_looked_for() -> None:
    """They were when they were new, and a list of all would be long."""
    trades = [trade(19, 6, AT_MS - 1_000), trade(20, 7), trade(21, 7)]
    exchange = Exchange(trades[1:])
    assert not start(journal_of(*trades), exchange).is_wiped
    assert set(exchange.asked_from) == {20}
