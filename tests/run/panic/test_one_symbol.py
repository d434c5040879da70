"""Out at once, from the journal and a scripted exchange: what is ours goes, the rest stays, nothing twice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from panic_bot import T0, Bot

from brokers.order_events import Event, Expired, Rejected
from brokers.orders import Order
from bt_run.journal.records import FillRecord, OrderEvent, OrderRecord
from bt_run.run.panic.books import symbols_in_play

D = Decimal


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
