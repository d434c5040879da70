"""The rules of a symbol, read from real answers; rounding that passes; violations that say what to do."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.filter_checks import Conditions, check, too_small_to_sell
from brokers.filters import SymbolFilters
from brokers.orders import Order
from bt_run.core.errors import DataError

D = Decimal

STATED = [
    {
        "filterType": "PRICE_FILTER",
        "minPrice": "0.01000000",
        "maxPrice": "1000000.00000000",
        "tickSize": "0.01000000",
    },
    {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
    {"filterType": "ICEBERG_PARTS", "limit": 100},
    {
        "filterType": "MARKET_LOT_SIZE",
        "minQty": "0.00000000",
        "maxQty": "100.00000000",
        "stepSize": "0.00000000",
    },
    {
        "filterType": "TRAILING_DELTA",
        "minTrailingAboveDelta": 10,
        "maxTrailingAboveDelta": 2000,
        "minTrailingBelowDelta": 20,
        "maxTrailingBelowDelta": 1500,
    },
    {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": "5",
        "bidMultiplierDown": "0.2",
        "askMultiplierUp": "5",
        "askMultiplierDown": "0.8",
        "avgPriceMins": 5,
    },
    {
        "filterType": "NOTIONAL",
        "minNotional": "5.00000000",
        "applyMinToMarket": True,
        "maxNotional": "9000000.00000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    },
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
    {"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20},
    {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
    {"filterType": "MAX_POSITION", "maxPosition": "10.00000000"},
    {"filterType": "T_PLUS_SELL", "endTime": 0},
]

INFO = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "baseAssetPrecision": 8,
    "quoteAsset": "USDT",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"],
    "icebergAllowed": True,
    "ocoAllowed": True,
    "otoAllowed": True,
    "opoAllowed": True,
    "quoteOrderQtyMarketAllowed": True,
    "allowTrailingStop": True,
    "isSpotTradingAllowed": True,
    "filters": STATED,
    "permissions": [],
    "permissionSets": [["SPOT", "MARGIN"]],
}

BTC = SymbolFilters.of(INFO)
NOW = Conditions(last_price=D(50_000), average_price=D(50_000))


def order(**changes) -> Order:
    asked = {"side": "BUY", "type": "LIMIT", "quantity": D("0.01"), "price": D("50000.00")} | changes
    return Order("btr-0-00000001", "BTCUSDT", **asked)


def market(**changes) -> Order:
    return order(**({"type": "MARKET", "price": None} | changes))


def test_everything_is_read():
    """Each filter of the answer lands where the checks look for it."""
    assert ("BTC", "USDT", 8, 8) == (BTC.base_asset, BTC.quote_asset, BTC.base_precision, BTC.quote_precision)
    assert (D("0.01"), D("0.00001"), D(100)) == (BTC.price.step, BTC.lot.step, BTC.market_lot.maximum)
    assert ((10, 2000), (20, 1500)) == (BTC.trailing.above, BTC.trailing.below)
    assert ["PERCENT_PRICE_BY_SIDE"] == [rule.name for rule in BTC.percent_price]
    assert [(D(5), True, False)] == [
        (r.minimum, r.minimum_to_market, r.maximum_to_market) for r in BTC.notional
    ]
    assert (200, 5, 10, None) == tuple(
        BTC.count_limit(f"MAX_NUM_{what}")
        for what in ("ORDERS", "ALGO_ORDERS", "ORDER_AMENDS", "ICEBERG_ORDERS")
    )
    assert (D(10), 100) == (BTC.max_position, BTC.iceberg_parts)
    assert (frozenset({"SPOT", "MARGIN"}),) == BTC.permission_sets
    assert ("T_PLUS_SELL",) == BTC.unknown
    assert BTC.is_opo_allowed


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"filters": [{"filterType": "LOT_SIZE", "minQty": "1", "maxQty": "2"}]}, "LOT_SIZE has no 'stepSize'"),
        (
            {"filters": [{"filterType": "LOT_SIZE", "minQty": "x", "maxQty": "2", "stepSize": "1"}]},
            "LOT_SIZE: minQty is 'x', not an amount",
        ),
        (
            {"filters": [{"filterType": "MAX_NUM_ORDERS", "maxNumOrders": "5"}]},
            "maxNumOrders is '5', not a whole",
        ),
        ({"baseAssetPrecision": None}, "baseAssetPrecision is None"),
    ],
)
def test_an_answer_that_is_not_understood_is_told(changes, problem):
    """The error names the symbol, the filter and the field."""
    with pytest.raises(DataError, match="BTCUSDT") as caught:
        SymbolFilters.of(INFO | changes)

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "now", "broken"),
    [
        ({}, NOW, []),
        ({"price": D("50000.005")}, NOW, ["PRICE_FILTER"]),
        ({"price": D("0.001"), "quantity": D(9000)}, Conditions(), ["PRICE_FILTER", "PRICE_FILTER"]),
        ({"price": D(1_000_001)}, Conditions(), ["PRICE_FILTER"]),
        ({"price": D(250_000)}, NOW, []),
        ({"price": D("250000.01")}, NOW, ["PERCENT_PRICE_BY_SIDE"]),
        ({"price": D("39999.99"), "side": "SELL"}, NOW, ["PERCENT_PRICE_BY_SIDE"]),
        ({"price": D("39999.99")}, NOW, []),
        ({"quantity": D("0.000015")}, NOW, ["LOT_SIZE", "NOTIONAL"]),
        ({"quantity": D("0.000001")}, NOW, ["LOT_SIZE", "LOT_SIZE", "NOTIONAL"]),
        ({"quantity": D("0.0123456789")}, NOW, ["LOT_SIZE", "baseAssetPrecision"]),
        ({"quantity": D(9001)}, Conditions(), ["LOT_SIZE", "NOTIONAL"]),
        ({"quantity": D("0.00009")}, NOW, ["NOTIONAL"]),
        ({"quantity": D("0.0001")}, NOW, []),
        ({"type": "TAKE_PROFIT_LIMIT", "stop_price": D(49000)}, NOW, ["orderTypes"]),
        ({"type": "STOP_LOSS", "price": None, "stop_price": D("50000.001")}, NOW, ["PRICE_FILTER"]),
        ({"type": "STOP_LOSS", "price": None, "trailing_delta": 10}, NOW, []),
        ({"type": "STOP_LOSS", "price": None, "trailing_delta": 10, "side": "SELL"}, NOW, ["TRAILING_DELTA"]),
        ({"type": "TAKE_PROFIT", "price": None, "trailing_delta": 2000, "side": "SELL"}, NOW, []),
        ({"type": "TAKE_PROFIT", "price": None, "trailing_delta": 2000}, NOW, ["TRAILING_DELTA"]),
        ({}, Conditions(base_held=D("9.99")), []),
        ({}, Conditions(base_held=D("9.98"), open_buys=D("0.011")), ["MAX_POSITION"]),
        ({"side": "SELL"}, Conditions(base_held=D(50)), []),
        ({}, Conditions(open_counts={"MAX_NUM_ORDERS": 199, "MAX_NUM_ALGO_ORDERS": 5}), []),
        ({}, Conditions(open_counts={"MAX_NUM_ORDERS": 200}), ["MAX_NUM_ORDERS"]),
        (
            {"type": "STOP_LOSS", "price": None, "stop_price": D(1)},
            Conditions(open_counts={"MAX_NUM_ALGO_ORDERS": 5}),
            ["MAX_NUM_ALGO_ORDERS"],
        ),
        (
            {"list_client_id": "btr-0-00000002"},
            Conditions(open_counts={"MAX_NUM_ORDER_LISTS": 20}),
            ["MAX_NUM_ORDER_LISTS"],
        ),
    ],
)
def test_each_rule_at_its_edge(changes, now, broken):
    """Just inside passes, just outside is named; what is not known is not guessed."""
    assert broken == [violation.filter for violation in check(BTC, order(**changes), now)]


@pytest.mark.parametrize(
    ("changes", "now", "broken"),
    [
        ({}, NOW, []),
        ({"quantity": D(101)}, NOW, ["MARKET_LOT_SIZE"]),
        ({"quantity": D("0.00009")}, NOW, ["NOTIONAL"]),
        ({"quantity": D("0.00009")}, Conditions(last_price=D(50_000)), []),
        ({"quantity": None, "quote_quantity": D("4.99")}, Conditions(), ["NOTIONAL"]),
        ({"quantity": None, "quote_quantity": D("5.000000001")}, Conditions(), ["quoteAssetPrecision"]),
        ({"quantity": None, "quote_quantity": D(99_000_000)}, Conditions(), []),
    ],
)
def test_market_orders_have_rules_of_their_own(changes, now, broken):
    """The second lot size counts for them alone; their value hangs on the average price or the quote amount."""
    assert broken == [violation.filter for violation in check(BTC, market(**changes), now)]


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"status": "BREAK"}, "status"),
        ({"isSpotTradingAllowed": False}, "isSpotTradingAllowed"),
        ({"quoteOrderQtyMarketAllowed": False}, "quoteOrderQtyMarketAllowed"),
    ],
)
def test_a_symbol_may_not_be_tradable(changes, broken):
    """Halted, not spot, or without orders by quote amount."""
    filters = SymbolFilters.of(INFO | changes)

    assert [broken] == [v.filter for v in check(filters, market(quantity=None, quote_quantity=D(50)))]


def test_trailing_stops_are_refused_where_the_symbol_has_none():
    """It is never turned into another order."""
    filters = SymbolFilters.of(INFO | {"allowTrailingStop": False})
    trailing = order(type="STOP_LOSS", price=None, trailing_delta=100)

    assert ["allowTrailingStop"] == [violation.filter for violation in check(filters, trailing)]


def test_filters_of_the_account_count_too():
    """Filters of the exchange and myFilters come beside the symbol's own."""
    others = [
        {"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000},
        {"filterType": "MAX_ASSET", "asset": "USDT", "limit": "42.00000000"},
    ]
    filters = SymbolFilters.of(INFO, others=others)
    now = Conditions(open_counts={"EXCHANGE_MAX_NUM_ORDERS": 1000})

    assert ["EXCHANGE_MAX_NUM_ORDERS", "MAX_ASSET"] == [v.filter for v in check(filters, order(), now)]


def test_percent_price_over_no_minutes_looks_at_the_last_price():
    """An avgPriceMins of 0 means the last price, by the page on filters."""
    stated = {"filterType": "PERCENT_PRICE", "multiplierUp": "1.1", "multiplierDown": "0.9", "avgPriceMins": 0}
    filters = SymbolFilters.of(INFO | {"filters": [stated]})

    assert ["PERCENT_PRICE"] == [v.filter for v in check(filters, order(price=D(60_000)), NOW)]
    assert [] == check(filters, order(price=D(60_000)), Conditions(average_price=D(50_000)))


def test_a_violation_says_what_to_do():
    """Filter, what, limit and value in one sentence, the remedy in the next; no exponents."""
    (lot, worth) = check(BTC, order(quantity=D("0.000015")), NOW)

    assert "LOT_SIZE: the quantity 0.000015 is not a multiple of 0.00001. The one below is 0.00001." == str(lot)
    assert "NOTIONAL: the value 0.75 is below the minimum 5. Order for at least 5 USDT." == str(worth)


@pytest.mark.parametrize(
    ("quantity", "price", "why"),
    [
        ("0.000009", "50000", "LOT_SIZE: the quantity 0.000009 is below the step 0.00001"),
        ("0.0000999", "50000", "NOTIONAL: the value 4.5 is below the minimum 5"),
        ("0.0001009", "50000", None),
        ("0.0000999", None, None),
        ("0", "50000", "LOT_SIZE"),
        ("500", "50000", None),
    ],
)
def test_dust(quantity, price, why):
    """Too small to sell after rounding, by quantity or by value; too much is not dust."""
    found = too_small_to_sell(BTC, D(quantity), price and D(price))

    assert (found is None) if why is None else str(found).startswith(why)


@pytest.mark.parametrize(
    ("price", "side", "rounded"),
    [
        ("100.009", "BUY", "100.00"),
        ("100.001", "SELL", "100.01"),
        ("100.01", "BUY", "100.01"),
        ("100.01", "SELL", "100.01"),
    ],
)
def test_a_price_is_never_rounded_against_the_user(price, side, rounded):
    """A buyer pays no more than he said, a seller gets no less."""
    assert D(rounded) == BTC.round_price(D(price), side)


def test_both_lot_sizes_bind_a_market_order():
    """Where the second has a step, too, quantities are multiples of both."""
    stated = [
        {"filterType": "LOT_SIZE", "minQty": "0.02", "maxQty": "10", "stepSize": "0.02"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0", "maxQty": "5", "stepSize": "0.05"},
    ]
    filters = SymbolFilters.of(INFO | {"filters": stated})

    assert (D("1.18"), D("1.1")) == (
        filters.round_quantity(D("1.19")),
        filters.round_quantity(D("1.19"), "MARKET"),
    )


def test_without_filters_the_precision_binds():
    """An answer without LOT_SIZE still has decimals at most."""
    filters = SymbolFilters.of(INFO | {"filters": []})

    assert D("0.12345678") == filters.round_quantity(D("0.123456789"))
    assert D("0.12345679") == filters.round_price(D("0.123456781"), "SELL")
    assert D("9.99999999") == filters.round_quote(D("9.999999999"))


@pytest.fixture(scope="module")
def real(shared) -> list[SymbolFilters]:
    """Give every symbol of two recorded answers; a record begins with its request."""
    found = []
    for name in ("exchangeInfo-spot-20211012", "exchangeInfo-binanceTR-20230410"):
        text = gzip.decompress((shared / "realdata" / "rest" / f"{name}.txt.gz").read_bytes()).decode()
        answer = json.loads(text[text.index('{"timezone"') :].splitlines()[0])
        found += [SymbolFilters.of(info, others=answer["exchangeFilters"]) for info in answer["symbols"]]
    return found


def test_real_answers_are_understood(real):
    """Every symbol of them, with no filter left over."""
    assert len(real) > 1_000
    assert {()} == {filters.unknown for filters in real}
    assert all(filters.lot and filters.price and filters.notional for filters in real)
    assert {"BTC", "USDT", "BNB"} <= {filters.quote_asset for filters in real}


QUANTITIES = st.decimals(min_value=D("1e-8"), max_value=D(100_000), places=10)


@given(number=st.integers(0), quantity=QUANTITIES, side=st.sampled_from(["BUY", "SELL"]), kind=st.booleans())
def test_what_is_rounded_passes(real, number, quantity, side, kind):
    """Rounding never grows a quantity, rounds nothing twice, and leaves only limits that are named."""
    filters = real[number % len(real)]
    order_type = "MARKET" if kind else "LIMIT"
    rounded = filters.round_quantity(quantity, order_type)
    price = filters.round_price(quantity, side)

    assert rounded <= quantity
    assert rounded == filters.round_quantity(rounded, order_type)
    assert price == filters.round_price(price, side)
    assert (price <= quantity) if side == "BUY" else (price >= quantity)
    if not rounded or not price:
        return
    made = Order("btr-0-1", filters.symbol, side, order_type, quantity=rounded, price=None if kind else price)
    broken = [violation.rule for violation in check(filters, made)]
    assert not [rule for rule in broken if "multiple" in rule or "decimals" in rule]
    within = all(
        (not lot.minimum or rounded >= lot.minimum) and (not lot.maximum or rounded <= lot.maximum)
        for lot in (filters.lot, filters.market_lot if kind else None)
        if lot
    )
    lots = [violation for violation in check(filters, made) if "LOT_SIZE" in violation.filter]
    assert within == (not lots)
