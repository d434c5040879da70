"""Balances that are not ours, balances that lack, and exchanges that began anew."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.holdings import Ledger
from brokers.order_events import Accepted, Expired, Filled, Submitted, TimedOut
from brokers.orders import Order, State, apply
from brokers.reconcile import applied, reconcile
from brokers.reconciling.account import ForeignHolding, Shortfall, compare_balances, fell_below
from brokers.reconciling.views import Balance, Belief, ExchangeOrder, ExchangeTrade, ExchangeView, Missing

D = Decimal
DAY_MS = 86_400_000


def order(number=1, exchange_id=5_000, *, traded="0", side="BUY") -> Order:
    made = Order(f"btr-0b-{number:08d}", "BTCUSDT", side, "LIMIT", quantity=D(1), price=D(100), purpose="entry")
    made = apply(apply(made, Submitted()), Accepted(exchange_id, DAY_MS))
    if D(traded):
        fill = Filled(exchange_id, D(traded), D(100), D(0), "USDT", DAY_MS + number, is_maker=False)
        made = apply(made, fill)
    return made


def belief(*orders: Order, symbols=("BTCUSDT",)) -> Belief:
    ledger = Ledger("USDT", D(1_000))
    for symbol in symbols:
        ledger = ledger.with_symbol(symbol, symbol.removesuffix("USDT"), "USDT")
    for made in orders:
        for fill in made.fills:
            ledger = ledger.book(made.symbol, made.side, fill)
    return Belief({made.client_id: made for made in orders}, ledger, frozenset({"0b"}))


def gone(*orders: Order, asked_s=90.0) -> tuple[Missing, ...]:
    return tuple(Missing(made.client_id, asked_s) for made in orders)


def balances(**amounts) -> dict[str, Balance]:
    return {asset: Balance(D(amount), D(0)) for asset, amount in amounts.items()}


def later(exchange_id: int, time_ms=2 * DAY_MS, client_id="web_1") -> ExchangeOrder:
    return ExchangeOrder(
        client_id, "BTCUSDT", exchange_id, "BUY", "LIMIT", "NEW", D(1), D(0), time_ms, time_ms, price=D(90)
    )


@pytest.mark.parametrize(
    ("there", "foreign", "short"),
    [
        ({"BTC": "0.4", "USDT": "960"}, [], []),
        ({"BTC": "0.4", "USDT": "99999"}, [], []),
        ({"BTC": "1", "USDT": "960", "DOGE": "7"}, [("BTC", "0.6"), ("DOGE", "7")], []),
        ({"BTC": "0.3", "USDT": "960"}, [], [("BTC", "0.4", "0.3")]),
        ({"USDT": "959.99"}, [], [("BTC", "0.4", "0"), ("USDT", "960", "959.99")]),
    ],
)
def test_balances_against_the_books(there, foreign, short):
    """What is more is not ours, what is less is missing; more cash than the strategy's is no news."""
    ledger = belief(order(traded="0.4")).ledger

    found = compare_balances(ledger, balances(**there))

    assert tuple(ForeignHolding(asset, D(amount)) for asset, amount in foreign) == found[0]
    assert tuple(Shortfall(asset, D(ours), D(theirs)) for asset, ours, theirs in short) == found[1]


def test_locked_amounts_are_there_too():
    """A stop locks what it will sell; it is still held."""
    ledger = belief(order(traded="0.4")).ledger

    assert ((), ()) == compare_balances(
        ledger, {"BTC": Balance(D(0), D("0.4")), "USDT": Balance(D(900), D(60))}
    )


def test_balances_wait_until_nothing_is_left_to_ask():
    """A missed sale would look like a theft: first its trades, then the balances."""
    believed = belief(order(traded="0.4"))
    view = ExchangeView(balances=balances(USDT="960"))

    assert () == reconcile(believed, view).shortfalls

    settled = ExchangeView(
        open_orders=(later(5_000, DAY_MS, "btr-0b-00000001"),), balances=balances(USDT="960")
    )
    result = reconcile(believed, settled)
    assert (Shortfall("BTC", D("0.4"), D(0)),) == result.shortfalls
    assert not result.is_settled
    assert (
        "The account holds 0 BTC, the books say 0.4: something else has sold or withdrawn it."
        in result.sentences
    )


def test_the_report_counts_other_assets_and_names_ours():
    """A testnet account holds four hundred assets; the report stays short."""
    there = balances(BTC="2", USDT="1000", DOGE="1", ETH="1", XRP="1")

    result = reconcile(belief(), ExchangeView(balances=there))

    assert result.is_settled
    assert (
        "2 BTC on the account are not this strategy's; they are left alone.",
        "3 other asset(s) on the account are not this strategy's; they are left alone.",
    ) == result.sentences


def test_all_accepted_orders_gone_is_a_wipe():
    """Both orders are unknown for long: said, with what the caller may apply, and nothing applied by itself."""
    orders = (order(1, 5_000), order(2, 5_001, traded="0.4"))
    believed = belief(*orders)

    result = reconcile(
        believed, ExchangeView(missing=gone(*orders), balances=balances(BTC="0.1", USDT="10000"))
    )

    assert result.changes_nothing
    assert not result.is_settled
    assert () == result.contradictions
    assert (
        "The exchange knows none of the 2 open order(s) any more that it had accepted.",
        "The account holds 0.1 BTC, the books say 0.4.",
    ) == result.wipe.reasons
    assert [made.client_id for made in orders] == [client_id for client_id, _ in result.wipe.events]
    after = believed
    for client_id, event in result.wipe.events:
        assert isinstance(event, Expired)
        assert State.EXPIRED == apply(after.orders[client_id], event).state
    assert result.sentences[0].startswith(
        "The exchange seems to have been reset, or the key is another account's."
    )


@pytest.mark.parametrize(
    "view",
    [
        ExchangeView(missing=gone(order(1))),
        ExchangeView(missing=gone(order(1), order(2, 5_001), asked_s=30)),
        ExchangeView(missing=gone(order(1)), open_orders=(later(5_001, DAY_MS, "btr-0b-00000002"),)),
        ExchangeView(missing=(Missing("btr-0b-00000001", 90), Missing("btr-0b-00000002", 90, -2026))),
        ExchangeView(missing=gone(order(1), order(2)), queried=(later(5_001, DAY_MS, "btr-0b-00000002"),)),
    ],
)
def test_one_order_gone_is_no_wipe(view):
    """As long as one is known, or was not asked for long, or is archived."""
    assert reconcile(belief(order(1), order(2, 5_001)), view).wipe is None


def test_one_of_two_gone_is_a_contradiction():
    """The exchange had accepted it, and knows its sister: nobody may guess."""
    view = ExchangeView(missing=gone(order(1)), open_orders=(later(5_001, DAY_MS, "btr-0b-00000002"),))

    result = reconcile(belief(order(1), order(2, 5_001)), view)

    (sentence,) = result.contradictions
    assert sentence == (
        "Order btr-0b-00000001 is OPEN in the journal, but the exchange does not know it any more (-2013), "
        "though it had accepted it."
    )


@pytest.mark.parametrize(
    ("told", "is_wipe"),
    [
        (later(12), True),
        (later(5_001), False),
        (later(12, DAY_MS - 5), False),
        (later(12, DAY_MS + 1_000), False),
    ],
)
def test_ids_that_began_anew_are_a_wipe(told, is_wipe):
    """A later order with a lower id; within a minute the order of times proves nothing."""
    result = reconcile(belief(order(traded="1")), ExchangeView(open_orders=(told,)))

    assert is_wipe == (result.wipe is not None)
    if is_wipe:
        assert (
            "BTCUSDT: a later order has the id 12, below 5000 that the journal knows.",
        ) == result.wipe.reasons
        assert () == result.wipe.events


@pytest.mark.parametrize(
    ("exchange_id", "created_ms", "is_wipe"),
    [
        (12, 2 * DAY_MS, True),
        (5_001, 2 * DAY_MS, False),
        (12, DAY_MS + 60_000, False),
        (12, 0, False),
    ],
)
def test_an_order_of_ours_with_an_id_below_an_older_one_is_a_wipe(exchange_id, created_ms, is_wipe):
    """It was sent after the reset, before anybody noticed; the journal alone proves it."""
    after = replace(order(2, exchange_id, traded="1"), created_ms=created_ms)
    result = reconcile(belief(order(1), after), ExchangeView())

    assert is_wipe == (result.wipe is not None)
    assert is_wipe == fell_below(order(1), exchange_id, created_ms)
    if is_wipe:
        assert result.wipe.reasons[0].startswith("BTCUSDT: a later order has the id 12, below 5000")


def trade(number: int) -> ExchangeTrade:
    return ExchangeTrade("BTCUSDT", number, number, D(1), D(100), D(0), "USDT", DAY_MS + 1, is_maker=False)


def test_booked_trades_that_nobody_knows():
    """All of them gone is a wipe, one of two is a contradiction; outside the list nothing is proven."""
    believed = belief(order(1, 5_000, traded="1"), order(2, 5_001, traded="1"))
    complete = {"BTCUSDT": (DAY_MS, 2 * DAY_MS)}

    none = reconcile(believed, ExchangeView(complete_ms=complete))
    assert ("The exchange knows none of the 2 trade(s) any more that the books hold.",) == none.wipe.reasons

    one = reconcile(believed, ExchangeView(complete_ms=complete, trades=(trade(5_000),)))
    assert one.wipe is None
    assert ["The books hold 1 trade(s) that the exchange does not list; it lists 1 others of ours."] == list(
        one.contradictions
    )

    both = ExchangeView(complete_ms=complete, trades=(trade(5_000), trade(5_001)))
    assert reconcile(believed, both).is_settled
    assert reconcile(believed, ExchangeView(complete_ms={"BTCUSDT": (DAY_MS + 3, 2 * DAY_MS)})).is_settled


def test_a_hidden_order_is_no_wipe_where_a_trade_of_ours_is_listed():
    """Copies of the exchange lag; a trade with the same id and other amounts is of another life, though."""
    waiting = order(1, 5_000)
    believed = belief(waiting, order(2, 5_001, traded="1"))
    listed = ExchangeView(missing=gone(waiting), trades=(trade(5_001),))
    other = replace(trade(5_001), quantity=D(2))

    result = reconcile(believed, listed)

    assert result.wipe is None
    assert "btr-0b-00000001 is OPEN in the journal" in result.contradictions[0]
    assert reconcile(believed, replace(listed, trades=(other,))).wipe is not None


def test_what_never_arrived_is_no_sign_of_a_wipe():
    """An order without an answer may be gone for good reasons of its own."""
    unknown = Order("btr-0b-00000009", "BTCUSDT", "BUY", "MARKET", quantity=D(1))
    unknown = apply(apply(unknown, Submitted()), TimedOut("502"))
    believed = belief(unknown)

    result = reconcile(believed, ExchangeView(missing=gone(unknown)))

    assert result.wipe is None
    assert State.REJECTED == applied(believed, result).orders[unknown.client_id].state
