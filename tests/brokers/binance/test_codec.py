"""REST answers become events and views, the odd ones too."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from brokers.binance import codec
from brokers.gateway import FeeRates, MarketPrices
from brokers.order_events import Accepted, Canceled, Expired, Filled, Rejected
from brokers.orders import Order, State, Submitted, apply

D = Decimal


def order(**given):
    given.setdefault("quantity", D(6))
    return Order("8LGC97RRgNPVQk979VIhjt", "LTCBNB", "BUY", "MARKET", **given)


# The documentation's example: a market order on a thin book.
THIN = json.loads(
    '{"symbol":"LTCBNB","orderId":32,"orderListId":-1,"clientOrderId":"8LGC97RRgNPVQk979VIhjt",'
    '"transactTime":1719467634105,"price":"0.00000000","origQty":"6.00000000","executedQty":"4.00000000",'
    '"origQuoteOrderQty":"0.000000","cummulativeQuoteQty":"4.00000000","status":"EXPIRED","timeInForce":"GTC",'
    '"type":"MARKET","side":"BUY","workingTime":1719467634105,"fills":[{"price":"1.00000000","qty":"2.00000000",'
    '"commission":"0.00100000","commissionAsset":"BNB","tradeId":7},{"price":"1.00000000","qty":"2.00000000",'
    '"commission":"0.00100000","commissionAsset":"BNB","tradeId":8}],"selfTradePreventionMode":"NONE",'
    '"expiryReason":"INSUFFICIENT_LIQUIDITY"}'
)
AT = 1719467634105


def test_the_documentation_s_thin_market_order():
    """Accepted, two trades, expired with its reason."""
    trades = [Filled(number, D(2), D(1), D("0.001"), "BNB", AT, is_maker=False) for number in (7, 8)]

    expected = (Accepted(32, AT), *trades, Expired("INSUFFICIENT_LIQUIDITY", AT, D(4)))
    assert expected == codec.placed(THIN, order())


def test_an_answer_in_short_is_an_acceptance():
    """ACK holds nothing more; the rest comes with the stream."""
    ack = {"symbol": "LTCBNB", "orderId": 28, "clientOrderId": order().client_id, "transactTime": 5}

    assert (Accepted(28, 5),) == codec.placed(ack, order())


def test_the_exchange_s_quantity_is_taken_where_we_gave_none():
    """The second leg of an OPO list; never over ours."""
    leg = Order("8LGC97RRgNPVQk979VIhjt", "LTCBNB", "SELL", "LIMIT", price=D(1), list_client_id="list")
    answer = THIN | {"status": "NEW", "fills": []}

    assert D(6) == codec.placed(answer, leg)[0].quantity
    assert codec.placed(answer, order(quantity=None, quote_quantity=D(9)))[0].quantity is None


def test_a_repeated_trade_counts_once_and_trades_that_lack_keep_the_order_open():
    """The whole is what the exchange says, not what came with the answer."""
    fills = [THIN["fills"][0], THIN["fills"][0]]
    answer = THIN | {"status": "FILLED", "executedQty": "6.00000000", "fills": fills}
    result = apply(order(), Submitted())
    for event in codec.placed(answer, order()):
        result = apply(result, event)

    assert State.PARTIAL is result.state
    assert (D(2), D(6)) == (result.executed, result.whole)


@pytest.mark.parametrize("status", ["REJECTED", "EXPIRED_IN_MATCH", "CANCELED"])
def test_other_ends_are_ends(status):
    """Whatever the answer to a new order says."""
    answer = THIN | {"status": status, "fills": [], "executedQty": "0", "expiryReason": None}
    last = codec.placed(answer, order())[-1]

    expected = {
        "REJECTED": Rejected(None, "rejected by the exchange"),
        "EXPIRED_IN_MATCH": Expired("EXPIRED_IN_MATCH", AT, D(0)),
        "CANCELED": Canceled(AT, D(0)),
    }
    assert expected[status] == last


@pytest.mark.parametrize("field", ["orderId", "transactTime", "clientOrderId", "executedQty"])
def test_what_is_missing_is_malformed(field):
    """And so an unknown outcome, never a guess."""
    answer = {key: value for key, value in THIN.items() if key != field}

    with pytest.raises(codec.MALFORMED):
        codec.placed(answer, order())


def test_a_list_s_answer_must_name_all_orders_and_no_other():
    """Legs without a report of their own are accepted by their number."""
    one, two = (Order(name, "LTCBTC", "SELL", "LIMIT", D(5), price=D(3)) for name in ("one", "two"))
    named = [{"orderId": 10, "clientOrderId": "one"}, {"orderId": 11, "clientOrderId": "two"}]
    answer = {"transactionTime": 9, "orders": named}

    told = codec.placed_list(answer, {"one": one, "two": two})

    assert {"one": (Accepted(10, 9),), "two": (Accepted(11, 9),)} == told
    with pytest.raises(ValueError, match="other orders"):
        codec.placed_list(answer, {"one": one})


def test_the_documentation_s_cancel():
    """`clientOrderId` is the cancel's own there."""
    answer = {
        "symbol": "LTCBTC", "origClientOrderId": "myOrder1", "orderId": 4, "clientOrderId": "cancelMyOrder1",
        "transactTime": 1684804350068, "executedQty": "0.50000000", "status": "CANCELED",
    }  # fmt: skip

    assert (Canceled(1684804350068, D("0.5")),) == codec.canceled(answer, "myOrder1")
    assert (Canceled(1684804350068, D("0.5")),) == codec.canceled({"orderReports": [answer]}, "myOrder1")
    with pytest.raises(StopIteration):
        codec.canceled(answer, "cancelMyOrder1")


def test_the_documentation_s_commission():
    """Standard, special and tax, on the dearer side; the discount is not taken off."""

    def rates_of(*rates):
        return dict(zip(("maker", "taker", "buyer", "seller"), rates, strict=True))

    discount = {"enabledForAccount": True, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75"}
    answer = {
        "symbol": "BTCUSDT",
        "standardCommission": rates_of("0.00000010", "0.00000020", "0.00000030", "0.00000040"),
        "specialCommission": rates_of("0.01000000", "0.02000000", "0.03000000", "0.04000000"),
        "taxCommission": rates_of("0.00000112", "0.00000114", "0.00000118", "0.00000116"),
        "discount": discount,
    }

    rates = codec.fee_rates(answer)

    assert FeeRates(D("0.0500028"), D("0.06000292"), "BNB") == rates
    assert "" == codec.fee_rates(answer | {"discount": {"enabledForAccount": False}}).discount_asset


def test_a_query_s_zeros_mean_that_it_does_not_apply():
    """Prices of a market order, quantities by quote."""
    told = codec.exchange_order(
        {
            "symbol": "LTCBTC", "orderId": 1, "clientOrderId": "myOrder1", "price": "0.0", "origQty": "1.0",
            "executedQty": "0.0", "status": "NEW", "timeInForce": "GTC", "type": "MARKET", "side": "BUY",
            "stopPrice": "0.0", "icebergQty": "0.0", "time": 1499827319559, "updateTime": 1499827319560,
            "origQuoteOrderQty": "0.000000", "aFieldOf2027": {},
        }
    )  # fmt: skip

    assert (None, None, None, None) == (told.price, told.stop_price, told.quote_quantity, told.time_in_force)
    assert (D(1), D(0), 1499827319559, 1499827319560) == (
        told.quantity,
        told.executed,
        told.time_ms,
        told.update_ms,
    )


def test_an_empty_side_of_the_book_is_as_the_last_trade():
    """Binance tells 0 there, which is no price."""
    book = {"symbol": "BTCUSDT", "bidPrice": "0.00", "bidQty": "0", "askPrice": "64000.10", "askQty": "1"}
    found = codec.market_prices(book, {"price": "64000.00"}, {"mins": 5, "price": "63990.5"})
    thin = codec.market_prices({**book, "askPrice": "0"}, {"price": "64000.00"}, {"mins": 5, "price": "0"})

    assert MarketPrices(*map(Decimal, ("64000.00", "64000.10", "64000.00", "63990.5"))) == found
    assert (Decimal(64000), None) == (thin.ask, thin.average)
