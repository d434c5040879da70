"""A start asks for orders that the exchange denies, and does not believe it where the account contradicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from brokers.holdings import Ledger
from brokers.order_events import Accepted, Event, Filled, NeverArrived, Submitted, TimedOut
from brokers.orders import Order, State, apply
from brokers.reconciling.views import Balance, ExchangeOrder, ExchangeTrade
from bt_run.run.live.recovery import recover

D = Decimal
AT_MS = 1_767_370_980_000
LOST, LATER = "btr-0b-00000001", "btr-0b-00000002"
DENIED, BY_NAME, BY_NUMBER = "nobody", "its name", "its number"


@dataclass
class Exchange:
    """It executed both orders, the first one before the second; `knows` says who finds the first."""

    knows: str
    asked: list[Any] = field(default_factory=list)

    def server_time_ms(self) -> int:
        """Half an hour later."""
        return AT_MS + 1_800_000

    def open_orders(self, symbol: str) -> tuple[()]:
        """Give none."""
        return ()

    def query(self, symbol: str, client_id: str) -> ExchangeOrder | None:
        """Give the first order where it is known by name."""
        self.asked.append(client_id)
        return told() if self.knows == BY_NAME else None

    def query_number(self, symbol: str, exchange_id: int) -> ExchangeOrder | None:
        """Give the first order where it is known by number."""
        self.asked.append(exchange_id)
        return told() if self.knows == BY_NUMBER else None

    def trades(self, symbol: str, *, since_trade_id: int = 0, start_ms: int = 0, exchange_id: int = 0) -> Any:
        """Give both, or those that are asked for."""
        both = (trade(20, 7, AT_MS), trade(21, 8, AT_MS + 5_000))
        asked = [made for made in both if made.trade_id >= since_trade_id and made.time_ms >= start_ms]
        return tuple(made for made in asked if exchange_id in (0, made.exchange_id))

    def balances(self) -> dict[str, Balance]:
        """Give more than the books say: the money is not the bot's alone."""
        return {"BTC": Balance(D(9), D(0)), "USDT": Balance(D(90_000), D(0))}


class Recorder:
    """Keeps the events."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, type[Event]]] = []

    def changed(self, order: Order, event: Event) -> None:
        """Keep it."""
        self.changes.append((order.client_id, type(event)))

    def __getattr__(self, name: str) -> Any:
        return lambda *told: None


def told() -> ExchangeOrder:
    return ExchangeOrder(LOST, "BTCUSDT", 7, "BUY", "MARKET", "FILLED", D(1), D(1), AT_MS, AT_MS)


def trade(trade_id: int, exchange_id: int, time_ms: int) -> ExchangeTrade:
    return ExchangeTrade("BTCUSDT", trade_id, exchange_id, D(1), D(100), D(0), "USDT", time_ms, is_maker=False)


def past(*ends: Event) -> Any:
    """Give a journal that has the second order's trade, and of the first one no answer."""
    lost, later = (
        apply(Order(name, "BTCUSDT", "BUY", "MARKET", quantity=D(1), created_ms=AT_MS + wait), Submitted())
        for name, wait in ((LOST, -5), (LATER, 4_995))
    )
    for end in ends:
        lost = apply(lost, end)
    fill = Filled(21, D(1), D(100), D(0), "USDT", AT_MS + 5_000, is_maker=False, total=D(1))
    later = apply(apply(later, Accepted(8, AT_MS + 5_000)), fill)
    ledger = Ledger("USDT", D(10_000)).with_symbol("BTCUSDT", "BTC", "USDT").book("BTCUSDT", "BUY", fill)
    return SimpleNamespace(orders={LOST: lost, LATER: later}, ledger=ledger, tags=frozenset({"0b"}), unheard=())


def start(past: Any, exchange: Exchange) -> tuple[Any, Recorder]:
    recorder = Recorder()
    begun = recover(
        past,
        exchange,  # type: ignore[arg-type]
        recorder,  # type: ignore[arg-type]
        symbols=["BTCUSDT"],
        steps={"BTCUSDT": D("0.00001")},
        sleep=lambda seconds: None,
    )
    return begun, recorder


def state_of(begun: Any) -> State:
    return next(order.state for order in begun.orders if order.client_id == LOST)


def test_a_trade_from_before_the_last_one_of_the_books_speaks_against_an_absence() -> None:
    """The list from the books' last trade on does not hold it; that since the order was made does."""
    begun, _ = start(past(), Exchange(DENIED))
    assert state_of(begun) is State.UNKNOWN
    assert begun.ledger.holding("BTCUSDT").quantity == 1
    assert any("not known whether it was executed" in sentence for sentence in begun.sentences)


@pytest.mark.parametrize("knows", [BY_NAME, BY_NUMBER])
def test_it_is_found_by_its_name_or_by_the_number_of_its_trade(knows: str) -> None:
    begun, _ = start(past(), Exchange(knows))
    assert state_of(begun) is State.FILLED
    assert begun.ledger.holding("BTCUSDT").quantity == 2


def test_an_order_that_was_given_up_is_asked_for_once_more() -> None:
    """By its name, whenever it was; what it bought is booked."""
    given_up = past(TimedOut("no answer"), NeverArrived("60 s"))
    begun, recorder = start(given_up, Exchange(BY_NAME))
    assert recorder.changes == [(LOST, Accepted), (LOST, Filled)]
    assert begun.ledger.holding("BTCUSDT").quantity == 2


def test_one_that_is_still_denied_stays_given_up() -> None:
    given_up = past(TimedOut("no answer"), NeverArrived("60 s"))
    exchange = Exchange(DENIED)
    begun, recorder = start(given_up, exchange)
    assert recorder.changes == []
    assert state_of(begun) is State.REJECTED
    assert exchange.asked == [LOST]
