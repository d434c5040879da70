"""Out at once, from the journal and a scripted exchange: what is ours goes, the rest stays, nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brokers.filters import Range, SymbolFilters
from brokers.gateway import FeeRates
from brokers.order_events import Accepted, Canceled, CancelRefused, Event, Expired, Filled, Rejected, TimedOut
from brokers.orders import Order
from brokers.reconciling.views import Balance, ExchangeOrder, ExchangeTrade
from bt_run.core.errors import Disconnected, JournalError
from bt_run.journal.journal import Journal
from bt_run.journal.records import FillRecord, OrderEvent, OrderRecord
from bt_run.run.panic.books import symbols_in_play
from bt_run.run.panic.one_symbol import panic_symbol
from bt_run.run.panic.report import PanicReport

D = Decimal
T0 = 1_789_000_000_000
STEP = D("0.001")
FILTERS = SymbolFilters(
    "BTCUSDT", "TRADING", "BTC", "USDT", 8, 8, frozenset({"MARKET", "LIMIT"}), (), True, True, True, True, True,
    True, lot=Range(STEP, D(100), STEP),
)  # fmt: skip


class Exchange:
    """A gateway to an exchange in memory; `on_place` and `on_cancel` may do and answer something else."""

    def __init__(self) -> None:
        self.orders: dict[str, ExchangeOrder] = {}
        self.made: list[ExchangeTrade] = []
        self.free = D(0)
        self.price = D(100)
        self.journal: Journal | None = None
        self.placed: list[Order] = []
        self.canceled: list[str] = []
        self.on_place: Callable[[Order], tuple[Event, ...] | None] = lambda order: None
        self.on_cancel: Callable[[Order], tuple[Event, ...] | None] = lambda order: None
        self.on_ask: Callable[[str], None] = lambda what: None

    def rest(self, client_id: str, side: str = "BUY", quantity: str = "1", **given: Any) -> None:
        """Let an order rest."""
        made = {
            "type": "LIMIT",
            "status": "NEW",
            "executed": D(0),
            "time_ms": T0,
            "update_ms": T0,
            "price": D(90),
        }
        number = len(self.orders) + 1
        self.orders[client_id] = ExchangeOrder(
            client_id, "BTCUSDT", number, side, quantity=D(quantity), **(made | given)
        )

    def trade(self, client_id: str, quantity: Decimal) -> Filled:
        """Execute a part of an order."""
        told = self.orders[client_id]
        done = told.executed + quantity
        status = "FILLED" if done == told.quantity else "PARTIALLY_FILLED"
        self.orders[client_id] = replace(told, executed=done, status=status)
        number = len(self.made) + 1000
        trade = ExchangeTrade(
            "BTCUSDT", number, told.exchange_id, quantity, self.price, D(0), "USDT", T0 + number, False
        )
        self.made.append(trade)
        self.free += quantity if told.side == "BUY" else -quantity
        return trade.filled(done if status == "FILLED" else None)

    # Gateway.

    def filters(self, symbol: str) -> SymbolFilters:
        self.on_ask("filters")
        return FILTERS

    def fees(self, symbol: str) -> FeeRates:
        return FeeRates(D(0), D(0))

    def balances(self) -> dict[str, Balance]:
        self.on_ask("balances")
        return {"BTC": Balance(self.free, D(0))}

    def server_time_ms(self) -> int:
        return T0

    def place(self, order: Order) -> tuple[Event, ...]:
        assert self.journal is not None
        written = self.journal.order(order.client_id)
        assert written is not None
        assert ("SENT", "SELL") == (written.state, written.side)
        self.placed.append(order)
        answer = self.on_place(order)
        return self.execute(order) if answer is None else answer

    def execute(self, order: Order, part: Decimal | None = None) -> tuple[Event, ...]:
        """Take an order, and fill it at once."""
        self.rest(order.client_id, "SELL", str(order.quantity), type="MARKET", price=None)
        filled = self.trade(order.client_id, order.quantity if part is None else part)
        return Accepted(self.orders[order.client_id].exchange_id, T0), filled

    def execute_in_silence(self, order: Order) -> tuple[Event, ...]:
        """Take an order and fill it, and lose the answer."""
        self.execute(order)
        return (TimedOut("no answer"),)

    def place_list(self, kind: Any, orders: Any) -> Any:
        raise AssertionError

    def cancel(self, order: Order) -> tuple[Event, ...]:
        self.canceled.append(order.client_id)
        answer = self.on_cancel(order)
        if answer is not None:
            return answer
        told = self.orders[order.client_id]
        gone = [one for one in self.orders.values() if one is told or (told.list_client_id and
            one.list_client_id == told.list_client_id)]  # fmt: skip
        for one in gone:
            self.orders[one.client_id] = replace(one, status="CANCELED")
        return (Canceled(T0, told.executed),)

    def query(self, symbol: str, client_id: str) -> ExchangeOrder | None:
        self.on_ask("query")
        return self.orders.get(client_id)

    def open_orders(self, symbol: str) -> tuple[ExchangeOrder, ...]:
        self.on_ask("open_orders")
        return tuple(one for one in self.orders.values() if one.status in ("NEW", "PARTIALLY_FILLED"))

    def trades(self, symbol: str, *, since_trade_id: Any = None, exchange_id: Any = None) -> Any:
        return tuple(trade for trade in self.made if exchange_id in (None, trade.exchange_id))


class Bot:
    """A journal as a dead bot leaves it, and the exchange."""

    def __init__(self, journal: Journal, exchange: Exchange) -> None:
        self.journal = exchange.journal = journal
        self.exchange = exchange
        self.now = 0.0
        journal.begin_run(
            venue="testnet", symbol="BTCUSDT", interval="1m", strategy="sar", started_ms=T0, mode="live"
        )

    def order(self, client_id: str, state: str, side: str = "BUY", quantity: str = "1", **given: Any) -> None:
        """Write an order."""
        made: dict[str, Any] = {"type": "LIMIT", "price": D(90), "purpose": "entry"} | given
        record = OrderRecord(
            1,
            client_id,
            "BTCUSDT",
            side,
            quantity=D(quantity),
            created_ms=T0,
            updated_ms=T0,
            state=state,
            **made,
        )
        self.journal.write_order(record, OrderEvent("Test", T0))

    def holds(self, quantity: str, *, own: str = "0") -> None:
        """Let the bot have bought this much, and the user have some of his own."""
        self.exchange.rest("btr-bcd-00000001", quantity=quantity)
        fill = self.exchange.trade("btr-bcd-00000001", D(quantity))
        self.exchange.free += D(own)
        self.order("btr-bcd-00000001", "FILLED", quantity=quantity, exchange_id=1)
        self.journal.write_fill(
            FillRecord(
                1, "BTCUSDT", fill.trade_id, "btr-bcd-00000001", "BUY", D(quantity), D(100), D(0), "USDT", T0
            )
        )

    def panic(self, **options: Any) -> PanicReport:
        """Do it, in a time of its own."""

        def sleep(seconds: float) -> None:
            self.now += seconds

        return panic_symbol(
            self.journal, self.exchange, "BTCUSDT", venue="testnet", run=1, salt=7, sleep=sleep,
            steady=lambda: self.now, **options,
        )  # fmt: skip

    @property
    def sold(self) -> list[Decimal | None]:
        """What was sent to be sold."""
        return [order.quantity for order in self.exchange.placed]


@pytest.fixture
def bot(tmp_path: Path):
    with Journal(tmp_path / "bot.sqlite") as journal:
        yield Bot(journal, Exchange())


def test_nothing_to_do(bot: Bot):
    report = bot.panic()

    assert ("BTCUSDT: no orders cancelled.", "BTCUSDT: nothing was held.") == report.sentences
    assert report.is_done
    assert [] == bot.exchange.placed


def test_orders_of_ours_are_cancelled_and_the_holding_sold(bot: Bot):
    """A foreign order stays, and so do the user's own coins; all of it is in the journal."""
    bot.holds("0.5", own="3")
    bot.exchange.rest("btr-bcd-00000002")
    bot.order("btr-bcd-00000002", "OPEN", exchange_id=2)
    bot.exchange.rest("web_123")
    said: list[str] = []
    report = bot.panic(tell=said.append)

    assert ["btr-bcd-00000002"] == bot.exchange.canceled == list(report.canceled)
    assert ["web_123"] == [told.client_id for told in bot.exchange.open_orders("BTCUSDT")]
    assert [D("0.5")] == bot.sold
    assert (
        "BTCUSDT: 1 order cancelled.",
        "BTCUSDT: sold 0.5 BTC for 50.00 USDT, at 100 on average.",
    ) == report.sentences
    assert ["cancelling BUY LIMIT btr-bcd-00000002", "selling 0.5 BTC at market"] == said
    assert D(3) == bot.exchange.free
    sale = bot.journal.order(bot.exchange.placed[0].client_id)
    assert ("FILLED", "exit") == (sale.state, sale.purpose)
    assert ["Intent", "Submitted", "Accepted", "Filled"] == [
        line.kind for line in bot.journal.story(sale.client_id)
    ]
    assert "CANCELED" == bot.journal.order("btr-bcd-00000002").state
    assert D("-0.5") == bot.journal.fills()[-1].quantity * -1
    assert 0.5 > bot.now


def test_a_second_panic_does_nothing_more(bot: Bot):
    bot.holds("0.5")
    bot.panic()
    again = bot.panic()

    assert [D("0.5")] == bot.sold
    assert (D(0), True) == (again.left, again.is_done)


def test_a_list_is_cancelled_once(bot: Bot):
    bot.holds("1")
    for number, kind in ((2, "LIMIT_MAKER"), (3, "STOP_LOSS")):
        name = f"btr-bcd-0000000{number}"
        stop = {"stop_price": D(80), "price": None} if number == 3 else {}
        bot.exchange.rest(name, "SELL", type=kind, list_client_id="btr-bcd-00000009", **stop)
        bot.order(
            name, "OPEN", "SELL", type=kind, list_id="btr-bcd-00000009", exchange_id=number,
            purpose="stop_loss", **stop,
        )  # fmt: skip
    report = bot.panic()

    assert 1 == len(bot.exchange.canceled)
    assert [D(1)] == bot.sold
    assert report.is_done


def test_what_the_bot_did_not_hear_is_asked_for(bot: Bot):
    """An order was filled while the bot was dead: its trades are booked, and sold."""
    bot.exchange.rest("btr-bcd-00000001", quantity="2")
    bot.order("btr-bcd-00000001", "SENT", quantity="2")
    bot.exchange.trade("btr-bcd-00000001", D("1.5"))
    bot.exchange.trade("btr-bcd-00000001", D("0.5"))
    report = bot.panic()

    assert [D(2)] == bot.sold
    assert report.is_done
    assert "FILLED" == bot.journal.order("btr-bcd-00000001").state
    assert [D("1.5"), D("0.5"), D(2)] == [fill.quantity for fill in bot.journal.fills()]


def test_an_order_that_the_journal_has_lost_is_ours_by_its_run(bot: Bot):
    bot.holds("1")
    bot.exchange.rest("btr-bcd-00000077")
    bot.exchange.rest("btr-other-00000001")
    report = bot.panic()

    assert ("btr-bcd-00000077",) == report.canceled
    assert "CANCELED" == bot.journal.order("btr-bcd-00000077").state


def test_an_order_that_the_journal_takes_for_dead_is_cancelled_too(bot: Bot):
    bot.order("btr-bcd-00000001", "CANCELED", exchange_id=1)
    bot.exchange.rest("btr-bcd-00000001")
    report = bot.panic()

    assert ["btr-bcd-00000001"] == bot.exchange.canceled
    assert report.is_done


def test_a_sale_without_an_answer_is_asked_for_and_never_sent_again(bot: Bot):
    """It was executed after all."""
    bot.holds("1")

    bot.exchange.on_place = bot.exchange.execute_in_silence
    report = bot.panic()

    assert [D(1)] == bot.sold
    assert (D(1), D(0), True) == (report.sold, report.left, report.is_done)


def test_a_sale_that_never_arrived_is_sent_anew_when_that_is_known(bot: Bot):
    """After a minute of asking; under another id."""
    bot.holds("1")
    bot.exchange.on_place = lambda order: (TimedOut("no answer"),) if len(bot.exchange.placed) == 1 else None
    report = bot.panic()

    assert [D(1), D(1)] == bot.sold
    assert 2 == len({order.client_id for order in bot.exchange.placed})
    assert 60 <= bot.now < 70
    assert report.is_done


def test_a_sale_whose_trade_is_listed_is_not_sent_anew(bot: Bot):
    """A copy of the exchange's books may lag for long; the second sale would be of the user's own coins."""
    bot.holds("1", own="5")
    ask = bot.exchange.query
    bot.exchange.query = lambda symbol, client_id: None if bot.exchange.placed else ask(symbol, client_id)

    bot.exchange.on_place = bot.exchange.execute_in_silence
    report = bot.panic()

    assert [D(1)] == bot.sold
    assert not report.is_done
    assert any("It is not known what became of order" in line for line in report.sentences)


def test_trades_of_an_order_that_is_over_are_asked_for(bot: Bot):
    """The bot died after it had heard that a part was executed, and before it had asked for the trades."""
    bot.exchange.rest("btr-bcd-00000001")
    bot.order("btr-bcd-00000001", "OPEN", exchange_id=1)
    bot.exchange.trade("btr-bcd-00000001", D("0.4"))
    bot.exchange.cancel(Order("btr-bcd-00000001", "BTCUSDT", "BUY", "LIMIT", quantity=D(1), price=D(90)))
    bot.order("btr-bcd-00000001", "CANCELED", exchange_id=1)
    record = bot.journal.order("btr-bcd-00000001")
    bot.journal.write_order(record, OrderEvent("Canceled", T0, {"executed_quantity": D("0.4")}))
    report = bot.panic()

    assert [D("0.4")] == bot.sold
    assert report.is_done


def test_what_went_as_the_fee_of_another_symbol_is_not_sold(bot: Bot):
    """Where fees are paid in the very coins that are held, more of them than is left would be the user's."""
    bot.holds("1", own="5")
    bot.journal.write_order(
        OrderRecord(1, "btr-bcd-00000002", "ETHUSDT", "BUY", "MARKET", D(1), T0, T0, "FILLED"),
        OrderEvent("Test", T0),
    )
    bot.journal.write_fill(
        FillRecord(1, "ETHUSDT", 9, "btr-bcd-00000002", "BUY", D(1), D(50), D("0.25"), "BTC", T0 + 9)
    )
    report = bot.panic()

    assert [D("0.75")] == bot.sold
    assert (D(0), True) == (report.left, report.is_done)


def test_while_a_sale_is_in_doubt_nothing_is_sold(bot: Bot):
    """The bot's own exit has no answer on record, and the exchange does not answer: it says so in the end."""
    bot.holds("1")
    bot.order("btr-bcd-00000002", "UNKNOWN", "SELL", type="MARKET", price=None)
    report = bot.panic(patience_s=30)

    assert [] == bot.sold
    assert not report.is_done
    assert "NOT SOLD" in report.sentences[1]
    assert any("btr-bcd-00000002 may sell it: its fate is not known" in line for line in report.sentences)
    assert "NOT DONE. Run bt-run panic again" in report.sentences[-1]


def test_a_cancel_that_came_too_late_sells_what_was_bought(bot: Bot):
    bot.exchange.rest("btr-bcd-00000001")
    bot.order("btr-bcd-00000001", "OPEN", exchange_id=1)

    def fill_first(order: Order) -> tuple[Event, ...]:
        bot.exchange.trade(order.client_id, D(1))
        return (CancelRefused("-2011 unknown order"),)

    bot.exchange.on_cancel = fill_first
    report = bot.panic()

    assert [D(1)] == bot.sold
    assert report.is_done


def test_a_thin_book_is_sold_into_again_when_the_rest_is_known(bot: Bot):
    bot.holds("1")

    def half(order: Order) -> tuple[Event, ...]:
        events = bot.exchange.execute(order, order.quantity / 2)
        told = bot.exchange.orders[order.client_id]
        bot.exchange.orders[order.client_id] = replace(told, status="EXPIRED")
        return (*events, Expired("thin book", T0, order.quantity / 2))

    bot.exchange.on_place = lambda order: half(order) if len(bot.exchange.placed) == 1 else None
    report = bot.panic()

    assert [D(1), D("0.5")] == bot.sold
    assert (D(1), True) == (report.sold, report.is_done)


def test_dust_is_kept_and_is_no_failure(bot: Bot):
    bot.holds("0.0005")
    report = bot.panic()

    assert [] == bot.sold
    assert report.is_done
    assert "BTCUSDT: 0.0005 BTC is left, too little to sell." in report.sentences


@pytest.mark.parametrize(
    ("reason", "is_done"), [("Filter failure: NOTIONAL", True), ("Account has no right to trade", False)]
)
def test_what_the_exchange_refuses_is_not_tried_again(bot: Bot, reason: str, is_done: bool):
    bot.holds("1")
    bot.exchange.on_place = lambda order: (Rejected(-1013, reason),)
    report = bot.panic()

    assert [D(1)] == bot.sold
    assert is_done == report.is_done
    assert is_done or any(reason in line for line in report.sentences)


def test_more_than_the_largest_order_goes_in_pieces(bot: Bot):
    bot.holds("250")
    report = bot.panic()

    assert [D(100), D(100), D(50)] == bot.sold
    assert report.is_done


def test_coins_that_are_gone_or_locked_are_told_of(bot: Bot):
    """Somebody locked them in an order of his own: what is free is sold."""
    bot.holds("1")
    bot.exchange.free = D("0.4")
    report = bot.panic()

    assert [D("0.4")] == bot.sold
    assert not report.is_done
    assert any("books hold 0.6 BTC, free on the account are 0" in line for line in report.sentences)
    assert bot.now < 10


def test_an_exchange_that_was_reset_is_not_sold_to(bot: Bot):
    """The journal's trades are not there: the coins may be the user's own."""
    bot.holds("1", own="5")
    bot.order("btr-bcd-00000002", "OPEN", exchange_id=2)
    bot.exchange.orders.clear()
    report = bot.panic()

    assert [] == bot.sold
    assert not report.is_done
    assert "The exchange seems to have been reset, or the key is another account's." in report.problems


def test_coins_of_another_account_are_not_sold(bot: Bot):
    """The key has changed: the last trade of ours is not among its trades."""
    bot.holds("1", own="5")
    bot.exchange.made.clear()
    report = bot.panic()

    assert [] == bot.sold
    assert not report.is_done
    assert any("does not list our last trade" in line for line in report.sentences)


def test_a_question_without_an_answer_is_asked_again(bot: Bot):
    bot.holds("1")
    left = ["open_orders", "balances", "open_orders"]

    def fail(what: str) -> None:
        if left and what == left[0]:
            left.pop(0)
            raise Disconnected("The question", reason="no connection")

    bot.exchange.on_ask = fail
    report = bot.panic()

    assert ([], [D(1)], True) == (left, bot.sold, report.is_done)


def test_an_exchange_that_cannot_be_reached(bot: Bot):
    """At first: nothing was done. Later: it says what is not known."""
    bot.holds("1")

    def fail(what: str) -> None:
        raise Disconnected("The question", reason="no connection")

    bot.exchange.on_ask = fail
    with pytest.raises(Disconnected):
        bot.panic()
    bot.exchange.on_ask = lambda what: None if what == "filters" else fail(what)
    report = bot.panic(patience_s=5)

    assert not report.is_done
    assert any("no connection" in line for line in report.sentences)


def test_what_cannot_be_written_is_not_sent(bot: Bot, monkeypatch: pytest.MonkeyPatch):
    bot.holds("1")

    def full(*_: object) -> None:
        raise JournalError("The journal failed: disk is full.")

    monkeypatch.setattr(bot.journal, "write_order", full)
    with pytest.raises(JournalError):
        bot.panic()

    assert [] == bot.sold


def test_what_was_adopted_is_ours_and_what_a_fresh_start_left_is_not(bot: Bot):
    """The books of the newest run and of those that it went on from count."""
    bot.holds("1", own="2")
    opening: dict[str, Any] = {"quote_asset": "USDT", "cash": "0", "holdings": {}}
    opening["holdings"]["BTCUSDT"] = {"base_asset": "BTC", "quantity": "0.7", "cost": "70"}
    for resumes in (None, 2):
        run = bot.journal.begin_run(
            venue="testnet", symbol="BTCUSDT", interval="1m", strategy="sar", started_ms=T0, resumes=resumes
        ).run
        if resumes is None:
            bot.journal.write_state(run, "opening", opening)

    assert ["BTCUSDT"] == symbols_in_play(bot.journal, venue="testnet")
    assert [] == symbols_in_play(bot.journal, venue="mainnet")
    assert bot.panic().is_done
    assert [D("0.7")] == bot.sold
