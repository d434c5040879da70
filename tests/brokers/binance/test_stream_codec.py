"""The account's events become ours: ids, trades, ends, and what only says that something changed."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from brokers.binance.codec import MALFORMED
from brokers.binance.stream_codec import KNOWN_EVENTS, Decoded, account_event, own_client_id
from brokers.gateway import BalancesSeen, OrderSeen
from brokers.order_events import Accepted, Canceled, Expired, Filled, Rejected
from brokers.orders import Order, State, Submitted, apply
from brokers.reconciling.views import Balance

D = Decimal

# The documentation's example: the reports of one market order on a thin book.
NEW = json.loads(
    '{"e":"executionReport","E":1719467634107,"s":"LTCBNB","c":"8LGC97RRgNPVQk979VIhjt","S":"BUY","o":"MARKET",'
    '"f":"GTC","q":"6.00000000","p":"0.00000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW",'
    '"X":"NEW","r":"NONE","i":32,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,'
    '"T":1719467634105,"t":-1,"I":62,"w":true,"m":false,"M":false,"O":1719467634105,"Z":"0.00000000",'
    '"Y":"0.00000000","Q":"0.00000000","W":1719467634105,"V":"NONE"}'
)
TRADE = {"x": "TRADE", "X": "PARTIALLY_FILLED", "l": "2.0", "L": "1.0", "n": "0.001", "N": "BNB"}
REPORTS = [
    NEW,
    NEW | TRADE | {"z": "2.00000000", "t": 7, "I": 63},
    NEW | TRADE | {"z": "4.00000000", "t": 8, "I": 65},
    NEW | {"x": "EXPIRED", "X": "EXPIRED", "z": "4.0", "I": 67, "eR": "INSUFFICIENT_LIQUIDITY"},
]
AT = 1719467634105
SILENT = ("listStatus", "serverShutdown", "eventStreamTerminated")


def event_of(report):
    return account_event(report).event.event


def test_the_documentation_s_sequence_ends_the_order_with_its_trades():
    """Accepted, two trades, expired; each with its execution id."""
    seen = [account_event(report).event for report in REPORTS]
    order = apply(Order("8LGC97RRgNPVQk979VIhjt", "LTCBNB", "BUY", "MARKET", quantity=D(6)), Submitted())
    for one in seen:
        order = apply(order, one.event)

    assert OrderSeen("LTCBNB", "8LGC97RRgNPVQk979VIhjt", 32, Accepted(32, AT, D(6)), 62) == seen[0]
    assert Filled(7, D(2), D(1), D("0.001"), "BNB", AT, is_maker=False) == seen[1].event
    assert [62, 63, 65, 67] == [one.execution_id for one in seen]
    assert (State.EXPIRED, D(4), "INSUFFICIENT_LIQUIDITY") == (order.state, order.executed, order.reason)


def test_the_last_trade_says_what_the_whole_is():
    """Only with the status FILLED."""
    assert D(4) == event_of(REPORTS[2] | {"X": "FILLED"}).total
    assert event_of(REPORTS[2]).total is None


def test_a_cancel_has_an_id_of_its_own():
    """The order's is then in `C`; elsewhere `C` is empty, and was "null" once."""
    canceled = NEW | {"c": "cancelMyOrder1", "C": "mine", "x": "CANCELED", "X": "CANCELED", "z": "1.5", "I": 70}

    assert ("mine", Canceled(AT, D("1.5"))) == (
        account_event(canceled).event.client_id,
        event_of(canceled),
    )
    for empty in ("", "null", None):
        assert "mine" == own_client_id({"c": "mine", "C": empty})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"eR": "OCO_TRIGGER"}, "OCO_TRIGGER"),
        ({"r": "WOULD_MATCH_IMMEDIATELY"}, "WOULD_MATCH_IMMEDIATELY"),
        ({}, "EXPIRED"),
        ({"X": "EXPIRED_IN_MATCH"}, "self-trade prevention"),
        ({"x": "TRADE_PREVENTION", "X": "EXPIRED_IN_MATCH"}, "self-trade prevention"),
    ],
)
def test_an_expired_order_says_why(change, reason):
    """As far as the exchange does."""
    assert Expired(reason, AT, D(0)) == event_of(NEW | {"x": "EXPIRED", "X": "EXPIRED"} | change)


def test_a_rejected_order_says_why():
    """The stream has no code."""
    report = NEW | {"x": "REJECTED", "X": "REJECTED", "r": "INSUFFICIENT_BALANCES"}

    assert Rejected(None, "INSUFFICIENT_BALANCES") == event_of(report)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": "REPLACED", "C": "mine"}, "mine was made smaller by another hand"),
        ({"x": "TRADE_PREVENTION", "X": "PARTIALLY_FILLED"}, "TRADE_PREVENTION, status PARTIALLY_FILLED"),
        ({"x": "SOMETHING_OF_2027"}, "SOMETHING_OF_2027"),
    ],
)
def test_what_says_only_that_something_changed_asks_for_a_check(change, words):
    """Rather than a guess."""
    told = account_event(NEW | change)

    assert told.event is None
    assert words in told.doubt


def test_balances_come_with_their_time():
    """`u` is when they were so."""
    payload = {
        "e": "outboundAccountPosition", "E": 9, "u": 8, "B": [{"a": "ETH", "f": "10000.000000", "l": "0.5"}],
    }  # fmt: skip

    assert BalancesSeen({"ETH": Balance(D(10000), D("0.5"))}, 8) == account_event(payload).event


def test_deposits_and_rejected_lists_ask_for_a_check():
    """They tell a difference, or nothing of the orders."""
    assert "BTC came" in account_event({"e": "balanceUpdate", "a": "BTC", "d": "100", "T": 1}).doubt
    assert "NEO came" in account_event({"e": "externalLockUpdate", "a": "NEO", "d": "10", "T": 1}).doubt
    assert "was rejected" in account_event({"e": "listStatus", "L": "REJECT", "C": "x"}).doubt
    assert Decoded() == account_event({"e": "listStatus", "L": "EXECUTING", "C": "x"})
    assert Decoded() == account_event({"e": "newEventOf2027"})


@pytest.mark.parametrize("field", ["s", "c", "x", "X", "i", "T", "I", "q"])
def test_what_is_missing_is_malformed(field):
    """The stream then asks for a check."""
    with pytest.raises(MALFORMED):
        account_event({key: value for key, value in NEW.items() if key != field})


def test_recorded_frames_are_understood(shared):
    """Frames of the real exchange, 2020 to 2025: every order ends as the recording says."""
    frames = []
    for path in sorted((shared / "realdata/frames/userdata").glob("*.jsonl")):
        if "usdm" in path.name or "futures" in path.name:
            continue
        for line in path.read_text().splitlines():
            payload = json.loads(line).get("payload")
            payload = payload.get("data", payload) if isinstance(payload, dict) else {}
            payload = payload.get("event", payload) if isinstance(payload, dict) else {}
            if isinstance(payload, dict) and payload.get("e") in KNOWN_EVENTS:
                frames.append(payload)
    reports = [frame for frame in frames if frame["e"] == "executionReport"]

    for frame in frames:
        told = account_event(frame)
        assert told.event is not None or told.doubt or frame["e"] in SILENT, frame
    assert len(reports) >= 10
    assert {"NEW", "TRADE", "CANCELED"} <= {report["x"] for report in reports}
    for report in reports:
        seen = account_event(report).event
        if report["x"] == "TRADE":
            assert D(report["l"]) == seen.event.quantity
            assert (report["X"] == "FILLED") == (seen.event.total is not None)
        if report["x"] == "CANCELED":
            assert seen.client_id == report["C"] != report["c"]
