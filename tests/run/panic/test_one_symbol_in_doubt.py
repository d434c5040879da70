"""Out at once where answers are lost, late or strange: what is unknown is asked for, nothing is sold twice."""

from __future__ import annotations

from decimal import Decimal

import pytest
from panic_bot import T0, Bot

from brokers.order_events import CancelRefused, Event, TimedOut
from brokers.orders import Order
from bt_run.core.errors import Disconnected, JournalError
from bt_run.journal.records import OrderEvent

D = Decimal


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
