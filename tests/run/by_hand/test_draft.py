"""From a wish to orders: rounded never against who ordered, and every reason against them is told."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.amounts import text_of
from brokers.filters import SymbolFilters
from brokers.gateway import FeeRates, MarketPrices
from brokers.reconciling.views import Balance
from bt_run.core.errors import ConfigError
from bt_run.run.by_hand.draft import Market, draft_of
from bt_run.run.by_hand.limits import HandLimits
from bt_run.run.by_hand.wish import Wish, wish_of

D = Decimal
FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
    {
        "filterType": "NOTIONAL", "minNotional": "5", "applyMinToMarket": True, "maxNotional": "9000000",
        "applyMaxToMarket": False, "avgPriceMins": 5,
    },
]  # fmt: skip
INFO = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quoteAssetPrecision": 8,
    "orderTypes": [],
    "ocoAllowed": True,
    "filters": FILTERS,
}
NO_LIMITS = HandLimits(None, None, None)
AMOUNTS = st.decimals("0.001", "10", places=8)
PRICES = st.decimals("40000", "60000", places=6)


def market(*, usdt="1000000", btc="100", **info):
    """Give a market at 50,000 and an account."""
    balances = {"USDT": Balance(D(usdt), D(0)), "BTC": Balance(D(btc), D(0))}
    prices = MarketPrices(D("49999.99"), D("50000.01"), D(50_000), D(50_000))
    return Market(SymbolFilters.of(INFO | info), prices, balances, FeeRates(D("0.0005"), D("0.001")), {})


def draft(wish, *, limits=NO_LIMITS, **more):
    return draft_of(wish, market(**more), limits, venue="practice", key="k", now_ms=1)


@given(quantity=AMOUNTS, price=PRICES, side=st.sampled_from(["BUY", "SELL"]))
def test_nothing_is_rounded_against_who_ordered(quantity, price, side):
    """Never more than was asked for; a purchase never dearer, a sale never cheaper; on lot and tick."""
    (order,) = draft(Wish("BTCUSDT", side, "limit", quantity=quantity, price=price)).orders

    assert 0 <= quantity - order.quantity < D("0.00001")
    assert 0 == order.quantity % D("0.00001") == order.price % D("0.01")
    assert order.price <= price if side == "BUY" else order.price >= price
    assert abs(order.price - price) < D("0.01")


@given(quote=st.decimals("10", "100000", places=8), price=PRICES)
def test_an_amount_of_quote_asset_is_never_exceeded(quote, price):
    """A limit order for 100 USDT costs 100 USDT at most."""
    found = draft(Wish("BTCUSDT", "BUY", "limit", quote_quantity=quote, price=price))

    assert found.worth <= quote
    assert quote - found.worth < D("0.00001") * price + D("0.000001")


@given(percent=st.decimals("1", "100", places=2), side=st.sampled_from(["BUY", "SELL"]))
def test_a_percentage_never_needs_more_than_there_is(percent, side):
    """Of the quote asset to buy, of the base asset to sell; so nothing is lacking."""
    found = draft(Wish("BTCUSDT", side, "market", percent=percent))
    (order,) = found.orders
    part = (order.quote_quantity or order.quantity) / (D(1_000_000) if side == "BUY" else D(100))

    assert () == found.problems
    assert 0 <= percent / 100 - part < D("0.0000002")


KINDS = {
    "market": ({}, [("MARKET", None)]),
    "limit": ({"price": "49000"}, [("LIMIT", "49000")]),
    "limit, post-only": ({"price": "49000", "post_only": True}, [("LIMIT_MAKER", "49000")]),
    "stop_loss": ({"stop_price": "51000"}, [("STOP_LOSS", None)]),
    "stop_loss, limit": ({"stop_price": "51000", "price": "51100"}, [("STOP_LOSS_LIMIT", "51100")]),
    "take_profit": ({"stop_price": "49000"}, [("TAKE_PROFIT", None)]),
    "take_profit, limit": ({"stop_price": "49000", "price": "49100"}, [("TAKE_PROFIT_LIMIT", "49100")]),
    "oco": ({"price": "49000", "stop_price": "51000"}, [("STOP_LOSS", None), ("LIMIT_MAKER", "49000")]),
    "oco, sale": (
        {"side": "SELL", "price": "51000", "stop_price": "49000", "stop_limit_price": "48900"},
        [("LIMIT_MAKER", "51000"), ("STOP_LOSS_LIMIT", "48900")],
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_is_the_exchanges_order_of_that_name(name):
    """Above before below in an OCO; its two share one list."""
    change, expected = KINDS[name]
    kind = name.partition(",")[0]
    wish = {"symbol": "BTCUSDT", "side": "BUY", "kind": kind, "quantity": "0.01", **change}
    found = draft(wish_of(wish))

    assert () == found.problems
    assert expected == [(order.type, order.price and text_of(order.price)) for order in found.orders]
    assert len(found.orders) == len({order.client_id for order in found.orders})
    assert {len(found.orders) > 1} == {bool(order.list_client_id) for order in found.orders}


@pytest.mark.parametrize(
    ("wish", "more", "words"),
    [
        ({"kind": "market", "quantity": "0.000001"}, {}, "round down to nothing"),
        ({"kind": "market", "quantity": "0.00001"}, {}, "NOTIONAL"),
        ({"kind": "market", "quantity": "1"}, {"usdt": "100"}, "It needs 50000.01 USDT; 100 are free."),
        ({"kind": "market", "side": "SELL", "quantity": "1"}, {"btc": "0.5"}, "It needs 1 BTC; 0.5 are free."),
        ({"kind": "limit", "quantity": "1", "price": "50000.01", "post_only": True}, {}, "would trade at once"),
        ({"kind": "stop_loss", "quantity": "1", "stop_price": "49000"}, {}, "set it off at once"),
        ({"kind": "take_profit", "quantity": "1", "stop_price": "51000"}, {}, "set it off at once"),
        ({"kind": "oco", "quantity": "1", "price": "49000", "stop_price": "48000"}, {}, "both sides"),
        (
            {"kind": "oco", "quantity": "1", "price": "49000", "stop_price": "51000"},
            {"ocoAllowed": False},
            "no OCO",
        ),
        ({"kind": "market", "quantity": "1"}, {"status": "HALT"}, "HALT"),
    ],
)  # fmt: skip
def test_what_would_be_refused_is_told_before(wish, more, words):
    """Each with a sentence."""
    found = draft(wish_of({"symbol": "BTCUSDT", "side": "BUY", **wish}), **more)

    assert any(words in problem for problem in found.problems), found.problems


@pytest.mark.parametrize(
    ("side", "price", "words"),
    [
        ("BUY", "52500.01", "above the last trade"),
        ("BUY", "52500", ""),
        ("BUY", "1000", ""),
        ("SELL", "47499.99", "below the last trade"),
        ("SELL", "47500", ""),
        ("SELL", "99000", ""),
    ],
)
def test_a_price_far_on_the_wrong_side_is_refused(side, price, words):
    """Five percent of the last trade; the other side loses nothing."""
    wish = Wish("BTCUSDT", side, "limit", quantity=D("0.01"), price=D(price))
    problems = draft(wish, limits=HandLimits()).problems

    assert bool(words) == bool(problems)
    assert all(words in problem for problem in problems)


def test_an_order_worth_too_much_is_refused():
    """By its own price, or the market's."""
    wish = Wish("BTCUSDT", "BUY", "market", quantity=D("0.2"))

    assert () == draft(wish, limits=HandLimits(D("10000.01"), None)).problems
    (problem,) = draft(wish, limits=HandLimits(D(10_000), None)).problems
    assert "worth 10000.002 USDT; the limit is 10000" in problem


def test_any_amount_has_an_answer():
    """The largest that the interface takes; and the smallest."""
    huge, tiny = D("9" * 20 + "." + "9" * 18), D("1e-18")

    assert draft(Wish("BTCUSDT", "BUY", "limit", quantity=huge, price=huge)).problems
    assert draft(Wish("BTCUSDT", "SELL", "limit", quote_quantity=huge, price=tiny)).problems
    assert draft(Wish("BTCUSDT", "BUY", "market", quote_quantity=tiny)).problems
    (problem,) = draft(Wish("BTCUSDT", "BUY", "limit", quote_quantity=D(100), price=tiny)).problems
    assert "rounds down to 0" in problem


def test_wishes_are_counted_by_the_minute():
    """The one that is a minute old counts no more."""
    limits = HandLimits(max_orders_per_minute=2)

    assert "" == limits.too_many([0, 1], now_ms=60_000)
    assert "2 orders" in limits.too_many([1, 2], now_ms=60_000)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "one way"),
        ({"quantity": "1", "percent": "5"}, "one way"),
        ({"quantity": "0"}, "above 0"),
        ({"quantity": "NaN"}, "above 0"),
        ({"percent": "100.01"}, "more than there is"),
        ({"quantity": "1", "kind": "limit"}, "needs a price"),
        ({"quantity": "1", "kind": "oco", "price": "1"}, "needs a stop price"),
        ({"quantity": "1", "price": "1"}, "takes no price"),
        (
            {"quantity": "1", "kind": "limit", "price": "1", "post_only": True, "time_in_force": "IOC"},
            "in force",
        ),
    ],
)
def test_a_wish_that_makes_no_order_is_refused(change, words):
    """Before anybody is asked."""
    with pytest.raises(ConfigError, match=words):
        wish_of({"symbol": "BTCUSDT", "side": "BUY", "kind": "market", **change})


def test_a_wish_is_its_document():
    """Written down and read back, it is the same."""
    wish = Wish("BTCUSDT", "SELL", "oco", percent=D("12.50"), price=D("51000.10"), stop_price=D(49_000))

    assert wish == wish_of(wish.document())
    assert "12.5" == wish.document()["percent"]
