"""What is told of orders, outages and days."""

from __future__ import annotations

from decimal import Decimal

import pytest

from brokers.order_events import Accepted, Canceled, Filled, Rejected, Submitted
from brokers.orders import Order, apply
from bt_run.alerts.happening import Picture
from bt_run.run.alerting.daily import DAY_MS, Day
from bt_run.run.alerting.outages import Outages
from bt_run.run.alerting.telling import error_told, order_told, signal_told

T0 = 1_789_000_020_000


def order(*events: object, side: str = "BUY", purpose: str = "entry") -> Order:
    """Make an order of 2 to which this has happened."""
    made = Order("btr-1", "BTCUSDT", side, "MARKET", quantity=Decimal(2), purpose=purpose, created_ms=T0)
    for event in (Submitted(), Accepted(1, T0), *events):
        made = apply(made, event)
    return made


def fill(quantity: str, trade_id: int = 1, price: str = "64000.10") -> Filled:
    """Make a trade."""
    return Filled(trade_id, Decimal(quantity), Decimal(price), Decimal(0), "USDT", T0, False)


@pytest.mark.parametrize(
    ("side", "purpose", "kind", "title"),
    [
        ("BUY", "entry", "entry", "BTCUSDT: bought 2 at 64,000.1"),
        ("SELL", "exit", "exit", "BTCUSDT: sold 2 at 64,000.1"),
        ("SELL", "take_profit", "exit", "Take-profit: BTCUSDT: sold 2 at 64,000.1"),
        ("SELL", "stop_loss", "stop", "Stop hit: BTCUSDT: sold 2 at 64,000.1"),
    ],
)
def test_an_order_that_is_done_is_told(side: str, purpose: str, kind: str, title: str):
    """What it did, at which price, and what a sale earned."""
    last = fill("2")
    told = order_told(order(last, side=side, purpose=purpose), last, scope="1", earned=Decimal("-3.5"))

    assert (kind, title) == (told.kind, told.title)
    assert ("earned -3.5 after fees" in told.text) == (side == "SELL")
    assert "2026-09-10 00:27 UTC" in told.text


def test_a_part_is_told_when_the_order_ends():
    """Not before; with what did not trade."""
    part = fill("0.5")
    canceled = Canceled("by us", T0)
    half = order(part)

    assert order_told(half, part, scope="1") is None
    told = order_told(apply(half, canceled), canceled, scope="1")
    assert "BTCUSDT: bought 0.5 at 64,000.1" == told.title
    assert "1.5 of it did not trade" in told.text


def test_an_order_that_ends_without_a_trade_is_no_news():
    """But a refusal is."""
    canceled = Canceled("by us", T0)
    assert order_told(order(canceled), canceled, scope="1") is None

    rejected = Rejected(-2010, "Account has insufficient balance.")
    made = apply(Order("btr-1", "BTCUSDT", "BUY", "MARKET", quantity=Decimal(2), created_ms=T0), Submitted())
    told = order_told(apply(made, rejected), rejected, scope="1")
    assert ("rejected", "buy 2: Account has insufficient balance.") == (told.kind, told.text)


def test_a_signal_is_told_with_what_was_seen():
    """Values that are not known are left out; of two runs it is two messages."""
    given = {"symbol": "BTCUSDT", "interval": "5m", "words": "long entry", "time_ms": T0, "price": 64000.1}
    told = signal_told(scope="1", values={"RSI": 28.31234567, "SMA": float("nan")}, **given)

    assert "BTCUSDT 5m: long entry" == told.title
    assert "at 64,000.1, 2026-09-10 00:27 UTC\nRSI 28.3123" == told.text
    assert told.key != signal_told(scope="2", values={}, **given).key


def test_an_error_is_told_in_a_line():
    """One without words by its name."""
    assert "no more" == error_told(ValueError("no more\nof it"), "B", time_ms=T0, scope="1").text
    assert "KeyboardInterrupt" == error_told(KeyboardInterrupt(), "B", time_ms=T0, scope="1").text


def test_an_outage_is_told_when_it_lasts():
    """Once; and that it is over, but only where it was told."""
    outages, kinds = Outages(60_000), []
    for second, up in [(0, True), (10, False), (69, False), (70, False), (80, False), (200, True), (201, True)]:
        outages, news = outages.look({"account": up}, T0 + 1000 * second, scope="1")
        kinds += [(second, told.title) for told in news]

    assert [(70, "account: disconnected for 60 s"), (200, "account: connected again after 3 min")] == kinds


def test_a_short_outage_is_no_news():
    """Neither its beginning nor its end."""
    outages, told = Outages(60_000), []
    for second, up in [(0, False), (59, False), (60, True), (70, False), (120, True)]:
        outages, news = outages.look({"account": up}, T0 + 1000 * second, scope="1")
        told += news

    assert [] == told


def test_a_day_is_summed_up_when_it_is_over():
    """From its first value to its last, with orders and fees."""
    day, told = Day().with_bar(DAY_MS + 60_000, Decimal(1000), scope="1", what="rsi on BTCUSDT")
    assert told is None
    day = day.with_trade(is_buy=True).with_fee(Decimal("1.5"))
    day, told = day.with_bar(2 * DAY_MS, Decimal(1010), scope="1", what="rsi on BTCUSDT")
    assert told is None
    day, told = day.with_bar(2 * DAY_MS + 60_000, Decimal(1020), scope="1", what="rsi on BTCUSDT")

    assert "rsi on BTCUSDT: 1970-01-02" == told.title
    assert "Equity 1,010.00 (+10.00, +1.00%)\nBought 1, sold 0, fees 1.5" == told.text
    assert ["Equity 1,020.00 USDT (+10.00, +0.99%)", "Bought 0, sold 0, fees 0 USDT"] == day.lines("USDT")


def test_a_picture_is_kept_whole():
    """As a document of the journal and back."""
    picture = Picture("t", "1m", ((T0, 1.0, 2.0, 0.5, 1.5, 9.0),), (), "below")

    assert picture == Picture.of(picture.document())
    assert Picture.of({}) is None
