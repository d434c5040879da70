"""The live books: every trade once, every fee where it is paid, every digit kept."""

from __future__ import annotations

import decimal
from decimal import Decimal

import backtrader as bt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.holdings import Holding, Ledger, book
from brokers.order_events import Filled
from bt_run.core.errors import ConfigError, Oversold

D = Decimal


def trade(trade_id: int, quantity, price, fee="0", asset="USDT") -> Filled:
    return Filled(trade_id, D(str(quantity)), D(str(price)), D(str(fee)), asset, trade_id, is_maker=False)


def books(cash="1000") -> Ledger:
    return Ledger("USDT", D(cash)).with_symbol("BTCUSDT", "BTC", "USDT")


def after(ledger: Ledger, *trades, symbol="BTCUSDT", fee_price=None) -> Ledger:
    for side, fill in trades:
        ledger = ledger.book(symbol, side, fill, fee_price)
    return ledger


def test_a_fee_in_quote_reduces_cash():
    """Bought 2 at 100 and sold at 110 with a fee of 1 each: 18 earned."""
    ledger = after(books(), ("BUY", trade(1, 2, 100, 1)), ("SELL", trade(2, 2, 110, 1)))
    held = ledger.holding("BTCUSDT")

    assert (D(1018), D(0), D(20), D(18)) == (ledger.cash, held.quantity, held.profit, held.realised)
    assert ({"USDT": D(2)}, {}) == (held.fees, ledger.outside)


def test_a_fee_in_base_reduces_what_is_held():
    """Who buys 1 at 100 with 0.001 of fee holds 0.999, paid at 100; the fee cost 0.1."""
    held = after(books(), ("BUY", trade(1, 1, 100, "0.001", "BTC"))).holding("BTCUSDT")

    assert (D("0.999"), D(100), D("99.900")) == (held.quantity, held.average_price, held.cost)
    assert (D("0.1"), D("-0.1")) == (held.fee_value, held.realised)
    with pytest.raises(Oversold, match=r"trade 2 sold 1, but the books hold 0\.999"):
        book(held, "SELL", trade(2, 1, 110))


def test_a_fee_in_bnb_comes_from_outside():
    """With its price it has a value; the strategy's cash and holding do not move."""
    ledger = after(books(), ("BUY", trade(1, 1, 100, "0.0002", "BNB")), fee_price=D(500))

    assert (D(900), D(1)) == (ledger.cash, ledger.holding("BTCUSDT").quantity)
    assert {"BNB": D("-0.0002")} == ledger.outside
    assert (D("-0.1"), ()) == (ledger.holding("BTCUSDT").realised, ledger.notes)


def test_a_fee_of_unknown_value_is_unknown_and_said():
    """Not 0, not a guess: the realised profit is None, and a sentence says why."""
    ledger = after(books(), ("BUY", trade(1, 1, 100, "0.0002", "BNB")), ("SELL", trade(2, 1, 110)))
    held = ledger.holding("BTCUSDT")

    assert (D(10), None, {"BNB": D("0.0002")}) == (held.profit, held.realised, held.unvalued)
    assert ["BTCUSDT: trade 1 cost a fee of 0.0002 BNB, whose value in USDT is not known"] == [
        note.partition(";")[0] for note in ledger.notes
    ]


def test_a_fee_in_base_that_the_holding_does_not_cover_comes_from_outside():
    """All BNB of the strategy is sold, the fee is taken from other BNB of the account."""
    ledger = Ledger("USDT", D(0)).with_symbol("BNBUSDT", "BNB", "USDT")
    ledger = after(
        ledger, ("BUY", trade(1, 1, 500)), ("SELL", trade(2, "0.9995", 500, "0.001", "BNB")), symbol="BNBUSDT"
    )

    assert (D(0), {"BNB": D("-0.0005")}) == (ledger.holding("BNBUSDT").quantity, ledger.outside)
    assert D("-0.5") == ledger.holding("BNBUSDT").realised


def test_partial_fills_move_the_books_at_once():
    """Three parts of one order are three bookings, each with its own price."""
    parts = [("BUY", trade(1, "0.05", 100)), ("BUY", trade(2, "0.05", 101)), ("BUY", trade(3, "0.1", 102))]
    seen = [after(books(), *parts[:count]).holding("BTCUSDT").quantity for count in range(4)]

    assert [D("0"), D("0.05"), D("0.10"), D("0.2")] == seen
    assert D("101.25") == after(books(), *parts).holding("BTCUSDT").average_price


def test_a_trade_is_booked_once():
    """Polled three times it is one trade; the same id of another symbol is another trade."""
    ledger = books().with_symbol("ETHUSDT", "ETH", "USDT")
    once = after(ledger, ("BUY", trade(1, "0.05", 100)))

    assert once == after(once, ("BUY", trade(1, "0.05", 100)), ("BUY", trade(1, "0.05", 100)))
    both = once.book("ETHUSDT", "BUY", trade(1, 1, 10))
    assert (D("0.05"), D(1), D("985.00")) == (
        both.holding("BTCUSDT").quantity,
        both.holding("ETHUSDT").quantity,
        both.cash,
    )


def test_more_than_is_held_cannot_be_sold():
    """Spot, long only: nothing is booked, and the error says what to do."""
    ledger = after(books(), ("BUY", trade(1, 1, 100)))

    with pytest.raises(Oversold, match="reconcile"):
        ledger.book("BTCUSDT", "SELL", trade(2, "1.00000001", 100))


def test_the_value_needs_every_price():
    """Unknown is an answer; what is not held needs no price."""
    ledger = after(books().with_symbol("ETHUSDT", "ETH", "USDT"), ("BUY", trade(1, 2, 100)))

    assert D(1020) == ledger.value({"BTCUSDT": D(110)})
    assert ledger.value({"ETHUSDT": D(10)}) is None
    assert (D(220), D(20)) == (
        ledger.holding("BTCUSDT").value(D(110)),
        ledger.holding("BTCUSDT").unrealised(D(110)),
    )


def test_one_run_keeps_its_books_in_one_asset():
    """Adding up euros and dollars would be a lie; a symbol nobody opened is a mistake."""
    with pytest.raises(ConfigError, match="BTCEUR is paid in EUR"):
        books().with_symbol("BTCEUR", "BTC", "EUR")
    with pytest.raises(ConfigError, match="no symbol 'ETHUSDT'"):
        books().book("ETHUSDT", "BUY", trade(1, 1, 1))
    assert books() == books().with_symbol("BTCUSDT", "BTC", "USDT")


def test_a_fee_in_coins_that_another_symbol_holds_comes_out_of_them():
    """Who trades BNB too may sell no more of it than is left; what that does not cover comes from outside."""
    ledger = books().with_symbol("BNBUSDT", "BNB", "USDT")
    ledger = after(ledger, ("BUY", trade(1, 1, 100)), symbol="BNBUSDT")
    ledger = after(ledger, ("BUY", trade(2, 1, 100, "0.25", "BNB")), fee_price=D(120))
    held = ledger.holding("BNBUSDT")

    assert (D("0.75"), D(75), D(5), {}) == (held.quantity, held.cost, held.profit, dict(ledger.outside))
    assert D(30) == ledger.holding("BTCUSDT").fee_value
    costs = held.cost + ledger.holding("BTCUSDT").cost
    assert ledger.cash + costs == D(1000) + held.profit - D(30)

    ledger = after(ledger, ("SELL", trade(3, 1, 100, 1, "BNB")), fee_price=D(120))
    assert (D(0), {"BNB": D("-0.25")}) == (ledger.holding("BNBUSDT").quantity, ledger.outside)


AMOUNT = st.decimals(min_value=D("0.00000001"), max_value=D(1000), places=8)
STEP = st.tuples(
    st.sampled_from(["BUY", "SELL"]),
    AMOUNT,
    AMOUNT,
    st.decimals(min_value=0, max_value=D("0.001"), places=8),
    st.sampled_from(["USDT", "BTC", "BNB"]),
)


def play(steps) -> tuple[Ledger, list[tuple[str, Filled]]]:
    """Book what can be booked; fees are shares of the quantity."""
    ledger, done = books(), []
    for number, (side, quantity, price, share, asset) in enumerate(steps):
        fill = trade(number, quantity, price, (quantity * share).quantize(D("1e-8")), asset)
        try:
            ledger = ledger.book("BTCUSDT", side, fill, D(300))
        except Oversold:
            assert side == "SELL"
            continue
        done.append((side, fill))
    return ledger, done


@given(st.lists(STEP, max_size=25))
def test_every_digit_is_accounted_for(steps):
    """Cash, base and fees are the sums of the trades; cost and profit balance them exactly."""
    ledger, done = play(steps)
    held = ledger.holding("BTCUSDT")
    outside_btc = ledger.outside.get("BTC", D(0))
    with decimal.localcontext() as context:
        context.prec = 200  # the sums here must not round either
        paid = sum((f.quantity * f.price if side == "BUY" else -f.quantity * f.price for side, f in done), D(0))
        bought = sum((f.quantity if side == "BUY" else -f.quantity for side, f in done), D(0))
        fees = {asset: sum(f.fee for _, f in done if f.fee_asset == asset) for asset in ("USDT", "BTC", "BNB")}
        worth = fees["USDT"] + sum(f.fee * f.price for _, f in done if f.fee_asset == "BTC") + fees["BNB"] * 300

        assert ledger.cash == 1000 - paid - fees["USDT"]
        assert held.quantity == bought - fees["BTC"] - outside_btc
        assert held.fee_value == worth
        assert -fees["BNB"] == ledger.outside.get("BNB", D(0))
        assert {asset: fee for asset, fee in fees.items() if fee} == held.fees
        assert held.quantity >= 0
        if not outside_btc:
            assert ledger.cash + held.cost == 1000 + held.profit - held.fee_value + fees["BNB"] * 300


@given(st.lists(STEP, max_size=12), st.data())
def test_told_again_in_any_mixture_it_is_the_same(steps, data):
    """Repeated trades, wherever they come between the others, change nothing."""
    ledger, done = play(steps)
    again = books()
    for number, (side, fill) in enumerate(done):
        again = again.book("BTCUSDT", side, fill, D(300))
        old_side, old = done[data.draw(st.integers(0, number))]
        again = again.book("BTCUSDT", old_side, old, D(300))

    assert ledger == again


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 50), st.integers(1, 200)), min_size=1, max_size=15))
def test_the_average_price_is_backtraders(steps):
    """The position of a backtest and the holding of a live run show one price."""
    held, position = Holding("BTCUSDT", "BTC", "USDT"), bt.Position()
    for number, (buys, quantity, price) in enumerate(steps):
        if not buys and quantity > held.quantity:
            continue
        held = book(held, "BUY" if buys else "SELL", trade(number, quantity, price)).holding
        position.update(quantity if buys else -quantity, price)

    assert held.quantity == position.size
    if held.quantity:
        assert position.price == pytest.approx(float(held.average_price), rel=1e-12)
    else:
        assert held.average_price is None
