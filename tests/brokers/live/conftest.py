"""A market that moves bar by bar, an exchange on it that can fail, and a Cerebro that trades there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import backtrader as bt
import pytest

from brokers.amounts import floor_to
from brokers.bt_broker import BinanceBroker
from brokers.filters import SymbolFilters
from brokers.gateway import FeeRates, Inbox, OrderSeen
from brokers.order_events import Canceled, TimedOut
from brokers.paper import PaperAccount, PaperGateway, Quote
from brokers.reconciling.views import ExchangeTrade

D = Decimal
MINUTE = 60_000
START = 1_767_268_800_000  # 2026-01-01T12:00:00Z
SYMBOL = "BTCUSDT"

INFO = {
    "symbol": SYMBOL,
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "orderTypes": [
        "LIMIT",
        "LIMIT_MAKER",
        "MARKET",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    ],
    "ocoAllowed": True,
    "otoAllowed": True,
    "opoAllowed": True,
    "quoteOrderQtyMarketAllowed": True,
    "allowTrailingStop": True,
    "isSpotTradingAllowed": True,
    "permissionSets": [["SPOT"]],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
        {
            "filterType": "NOTIONAL",
            "minNotional": "5",
            "applyMinToMarket": True,
            "maxNotional": "9000000",
            "applyMaxToMarket": False,
            "avgPriceMins": 5,
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": 10,
            "maxTrailingAboveDelta": 2000,
            "minTrailingBelowDelta": 10,
            "maxTrailingBelowDelta": 2000,
        },
    ],
}


class Exchange(PaperGateway):
    """
    A paper exchange that fails when told.

    `faults` are taken one a request: ``lost`` (it never arrived), ``kept`` (it was done, the answer was lost),
    ``streamed`` (the same, but the stream told), None (all is well). With `echo` the stream repeats answers.
    """

    def __init__(self, *, base: str = "0", cash: str = "10000", fee: str = "0", **info: Any) -> None:
        self.price = D(100)
        self.now_ms = START
        self.asked: list[tuple[str, ...]] = []
        self.faults: deque[str | None] = deque()
        self.echo = False
        self.split: tuple[str, ...] = ()
        rules = SymbolFilters.of(INFO | info)
        super().__init__(
            filters={SYMBOL: rules},
            quotes=lambda _: Quote(self.price, self.price, self.price),
            fees=FeeRates(D(fee), D(fee)),
            account=PaperAccount({"BTC": D(base), "USDT": D(cash)}),
            inbox=Inbox(),
            clock_ms=lambda: self.now_ms,
        )

    @property
    def inbox(self) -> Inbox:
        return self._inbox

    def move(self, price: float) -> None:
        """Let the market trade at a price."""
        self.price = D(str(price))
        self.on_trade(SYMBOL, self.price)

    def place(self, order: Any) -> Any:
        self.asked.append(("place", order.side, order.type, str(order.quantity or order.quote_quantity)))
        return self._failing(lambda: {order.client_id: super(Exchange, self).place(order)}, [order])[
            order.client_id
        ]

    def place_list(self, kind: Any, orders: Any) -> Any:
        self.asked.append((kind, *(f"{o.side} {o.type} {o.quantity}" for o in orders)))
        return self._failing(lambda: dict(super(Exchange, self).place_list(kind, orders)), orders)

    def cancel(self, order: Any) -> Any:
        self.asked.append(("cancel", order.side, order.type))
        return self._failing(lambda: {order.client_id: super(Exchange, self).cancel(order)}, [order])[
            order.client_id
        ]

    def _failing(self, act: Callable[[], dict[str, Any]], orders: Any) -> dict[str, Any]:
        fault = self.faults.popleft() if self.faults else None
        lost = {order.client_id: (TimedOut("no answer"),) for order in orders}
        if fault == "lost":
            return lost
        answers = act()
        if fault == "streamed" or self.echo:
            for order in orders:
                for event in answers[order.client_id]:
                    self.inbox.put(OrderSeen(order.symbol, order.client_id, 0, event))
        return lost if fault in ("kept", "streamed") else answers

    def _fill(self, taken: Any, price: Any, *, is_maker: bool) -> None:
        """Fill in parts where told, as a book does."""
        if not self.split or taken.order.quantity is None:
            super()._fill(taken, price, is_maker=is_maker)
            return
        whole = taken.order
        for part in self.split:
            taken.order = replace(whole, quantity=D(part))
            before = taken.executed
            super()._fill(taken, price, is_maker=is_maker)
            taken.executed += before
            taken.order = whole
        last = self._answering.get(whole.client_id)
        if last is not None:
            last[:] = [replace(e, total=None) if hasattr(e, "total") else e for e in last]

    def trade_part(self, client_id: str, quantity: str, price: str, *, silent: bool = False) -> None:
        """Execute a part of a resting order."""
        taken, amount = self.account.orders[client_id], D(quantity)
        self._answering = {}
        self._release_mates(taken)
        taken.executed += amount
        taken.status = "FILLED" if taken.executed == taken.order.quantity else "PARTIALLY_FILLED"
        sign = 1 if taken.order.side == "BUY" else -1
        self._add("BTC", sign * amount)
        self._add("USDT", -sign * amount * D(price))
        trade = ExchangeTrade(
            SYMBOL, self._next_id(), taken.exchange_id, amount, D(price), D(0), "USDT", self.now_ms, True
        )
        self.account.trades.append(trade)
        if not silent:
            self.inbox.put(OrderSeen(SYMBOL, client_id, taken.exchange_id, trade.filled()))

    def trade_late(self, client_id: str, quantity: str, price: str) -> None:
        """Tell of a part that was executed just before the order was cancelled."""
        status = self.account.orders[client_id].status
        self.trade_part(client_id, quantity, price)
        self.account.orders[client_id].status = status

    def open_legs(self) -> dict[str, Decimal]:
        """Give the quantities of the sales that work, by type."""
        taken = self.account.orders.values()
        return {o.order.type: o.order.quantity for o in taken if o.works and o.order.side == "SELL"}

    def kill(self, client_id: str) -> None:
        """Cancel an order from outside, such as on the web site."""
        taken = self.account.orders[client_id]
        self._answering = {}
        self._end(taken, Canceled(self.now_ms, taken.executed), "CANCELED")


class Bars(bt.feed.DataBase):
    """Bars that move the market as they come."""

    symbol = SYMBOL
    params = (("closes", ()), ("exchange", None), ("live_from", 0), ("timeframe", bt.TimeFrame.Minutes))

    def start(self) -> None:
        super().start()
        self._row = 0
        self._idle = False

    @property
    def last_is_live(self) -> bool:
        return self._row > self.p.live_from

    def islive(self) -> bool:
        return True

    def _load(self) -> bool | None:
        self._idle = not self._idle
        if self._idle:
            return None  # a turn without a bar comes before each, as the bell makes one
        if self._row >= len(self.p.closes):
            return False
        close, exchange = self.p.closes[self._row], self.p.exchange
        opened = START + self._row * MINUTE
        self.lines.datetime[0] = 719_163 + opened / 86_400_000
        for line in ("open", "high", "low", "close"):
            getattr(self.lines, line)[0] = close
        self.lines.volume[0] = 1.0
        self._row += 1
        exchange.now_ms = opened + MINUTE
        exchange.move(close)
        return True


class Scripted(bt.Strategy):
    """Do at each bar (1, 2, ...) what the script says, and write down all that it is told."""

    params = (("script", {}), ("exchange", None))

    def __init__(self) -> None:
        self.told: list[tuple[int, str, float]] = []
        self.reasons: dict[int, str] = {}
        self.trades: list[Any] = []
        self.values: list[float] = []
        self.sizes: list[float] = []
        self.kept: dict[str, Any] = {}
        self.orders: dict[int, Any] = {}

    def notify_order(self, order: Any) -> None:
        self.told.append((order.ref, order.getstatusname(), round(order.executed.size, 8)))
        self.orders[order.ref] = order
        if order.info.get("reason"):
            self.reasons[order.ref] = order.info["reason"]

    def notify_trade(self, trade: Any) -> None:
        self.trades.append(trade)

    def next(self) -> None:
        self.values.append(self.broker.getvalue())
        self.sizes.append(self.position.size)
        act = self.p.script.get(len(self))
        if act is not None:
            act(self)

    def statuses(self, order: Any) -> list[str]:
        """Give the statuses that were told of an order."""
        return [status for ref, status, _ in self.told if ref == order.ref]

    @property
    def closed(self) -> list[Any]:
        """Give the trades that have ended."""
        return [trade for trade in self.trades if trade.isclosed]


class Run:
    """One run, and what can be asked of it afterwards."""

    def __init__(
        self, exchange: Exchange, closes: Any, script: Any, *, live_from: int = 0, **options: Any
    ) -> None:
        self.exchange = exchange
        prepare = options.pop("prepare", lambda broker: None)
        self.broker = BinanceBroker(
            gateway=exchange,
            inbox=exchange.inbox,
            clock=lambda: (exchange.now_ms - START) / 1000,
            **options,
        )
        prepare(self.broker)
        cerebro = bt.Cerebro(stdstats=False, preload=False, runonce=False)
        cerebro.setbroker(self.broker)
        cerebro.adddata(Bars(closes=tuple(closes), exchange=exchange, live_from=live_from), name=SYMBOL)
        cerebro.addstrategy(Scripted, script=script, exchange=exchange)
        self.strategy = cerebro.run()[0]
        self.check()

    @property
    def kept(self) -> Any:
        return self.strategy.kept

    def check(self) -> None:
        """Hold what must hold after every run: books, positions and trades agree, nothing is below 0."""
        ledger, broker = self.broker.ledger, self.broker
        fills = {(o.symbol, f.trade_id): (o.side, f) for o in broker.orders.values() for f in o.fills}
        assert set(fills) <= set(ledger.booked)
        shown = floor_to(ledger.holding(SYMBOL).quantity, D("0.001"))
        if broker.getposition(self.strategy.data).size == 0:
            assert shown * 110 < 6  # too little to be sold
            shown = D(0)
        position = broker.getposition(self.strategy.data)
        assert position.size == float(shown)
        open_size = sum(trade.size for trade in self.strategy._trades[self.strategy.data][0] if trade.isopen)
        assert open_size == pytest.approx(position.size, abs=1e-12)
        for order in self.exchange.account.totals.values():
            assert order >= 0

    def orders(self, **wanted: Any) -> list[Any]:
        """Give the exchange's orders with these attributes."""
        return [o for o in self.broker.orders.values() if all(getattr(o, k) == v for k, v in wanted.items())]


class Silent:
    """A listener of a desk that hears of everything and does nothing."""

    def trade_booked(self, *_: Any) -> None:
        """Take a trade."""

    def order_changed(self, *_: Any) -> None:
        """Take a change."""

    def order_adopted(self, *_: Any) -> None:
        """Take an order."""


@pytest.fixture
def silent() -> Silent:
    """Give a listener of a desk."""
    return Silent()


@pytest.fixture
def exchange() -> Exchange:
    """Give an exchange without fees and with 10,000 USDT."""
    return Exchange()


@pytest.fixture(scope="session")
def make_exchange() -> type[Exchange]:
    """Give what makes exchanges."""
    return Exchange


@pytest.fixture(scope="session")
def run() -> type[Run]:
    """Give what runs a script over closes."""
    return Run


@pytest.fixture(scope="session")
def make_bars() -> type[Bars]:
    """Give what makes feeds."""
    return Bars
