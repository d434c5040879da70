"""User events: the documented examples, and frames recorded from Binance, as the schema."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from bt_run.practice.events import BalancesChanged, BarClosed, Deposited, Executed, Kline, ListChanged, Wiped
from bt_run.practice.orders import Balance, Fill, Order, OrderList, Ticket
from bt_run.practice.sockets.time_unit import microseconds_text
from bt_run.practice.sockets.user_payloads import event_stream_terminated, server_shutdown, user_payload

D = Decimal

# The four reports of one MARKET order and a cancellation, as the docs show them.
NEW = json.loads(
    '{"e":"executionReport","E":1719467634107,"s":"LTCBNB","c":"8LGC97RRgNPVQk979VIhjt","S":"BUY","o":"MARKET",'
    '"f":"GTC","q":"6.00000000","p":"0.00000000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW",'
    '"X":"NEW","r":"NONE","i":32,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,'
    '"T":1719467634105,"t":-1,"I":62,"w":true,"m":false,"M":false,"O":1719467634105,"Z":"0.00000000",'
    '"Y":"0.00000000","Q":"0.00000000","W":1719467634105,"V":"NONE"}'
)
FIRST = {
    "x": "TRADE", "X": "PARTIALLY_FILLED", "l": "2.00000000", "z": "2.00000000", "L": "1.00000000",
    "n": "0.00100000", "N": "BNB", "t": 7, "I": 63, "w": False, "M": True, "Z": "2.00000000", "Y": "2.00000000",
}  # fmt: skip
EXPIRED = {
    "x": "EXPIRED", "X": "EXPIRED", "l": "0.00000000", "z": "4.00000000", "L": "0.00000000", "n": "0",
    "N": None, "t": -1, "I": 67, "w": False, "M": False, "Z": "4.00000000", "Y": "0.00000000",
    "eR": "INSUFFICIENT_LIQUIDITY",
}  # fmt: skip
CANCELED = json.loads(
    '{"e":"executionReport","E":1499405658700,"s":"ETHBTC","c":"cancelMyOrder1","S":"BUY","o":"LIMIT","f":"GTC",'
    '"q":"1.00000000","p":"0.10264410","P":"0.00000000","F":"0.00000000","g":-1,"C":"mUvoqJxFIILMdfAW5iGSOW",'
    '"x":"CANCELED","X":"CANCELED","r":"NONE","i":4293153,"l":"0.00000000","z":"0.00000000","L":"0.00000000",'
    '"n":"0","N":null,"T":1499405658699,"t":-1,"I":8641985,"w":false,"m":false,"M":false,"O":1499405658657,'
    '"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000","V":"NONE"}'
)
TIME = 1719467634105


def ticket(**changes):
    basis = {
        "symbol": "LTCBNB", "side": "BUY", "type": "MARKET", "client_order_id": "8LGC97RRgNPVQk979VIhjt",
        "quantity": D(6), "self_trade_prevention": "NONE",
    }  # fmt: skip
    return Ticket(**{**basis, **changes})


def order(asked=None, **changes):
    basis = {"order_id": 32, "status": "NEW", "created": TIME, "updated": TIME, "quantity": D(6)}
    return Order(asked or ticket(), **{**basis, "working_time": TIME, **changes})


def fill(number, quantity="2"):
    amount = D(quantity)
    return Fill(
        number, "LTCBNB", 32, -1, D(1), amount, amount, D("0.001"), "BNB", TIME, is_buyer=True, is_maker=False
    )


def documented(changes=None):
    """Give the docs' report at our event time, which is the transaction's."""
    return {**NEW, "E": TIME, **(changes or {})}


def test_the_documented_reports_of_a_market_order():
    part = order(status="PARTIALLY_FILLED", executed=D(2), executed_quote=D(2), fills=(fill(7),))
    over = order(
        status="EXPIRED",
        executed=D(4),
        executed_quote=D(4),
        fills=(fill(7), fill(8)),
        expiry_reason="INSUFFICIENT_LIQUIDITY",
    )
    events = [
        (Executed(62, "NEW", order(), TIME), documented()),
        (Executed(63, "TRADE", part, TIME, fill(7)), documented(FIRST)),
        (Executed(67, "EXPIRED", over, TIME), documented(EXPIRED)),
    ]
    for event, expected in events:
        payload = user_payload(event)
        assert payload == expected
        assert list(payload) == list(expected)


def test_the_documented_report_of_a_cancellation():
    asked = ticket(symbol="ETHBTC", type="LIMIT", price=D("0.1026441"), quantity=D(1))
    asked = replace(asked, client_order_id="mUvoqJxFIILMdfAW5iGSOW")
    cancelled = order(
        asked, order_id=4293153, status="CANCELED", created=1499405658657, quantity=D(1), working_time=-1
    )
    event = Executed(8641985, "CANCELED", cancelled, 1499405658699, cancel_id="cancelMyOrder1")
    assert user_payload(event) == {**CANCELED, "E": 1499405658699}


def test_what_is_only_there_where_it_means_something():
    plain = user_payload(Executed(1, "NEW", order(), TIME))
    assert not {"d", "D", "j", "J", "eR"} & plain.keys()
    stop = ticket(type="STOP_LOSS", trailing_delta=100, strategy_id=5, strategy_type=1_000_001)
    waiting = user_payload(Executed(1, "NEW", order(stop, working_time=-1, trailing_time=TIME + 1), TIME))
    assert "W" not in waiting
    assert waiting["w"] is False
    assert {name: waiting[name] for name in "dDjJ"} == {"d": 100, "D": TIME + 1, "j": 5, "J": 1_000_001}
    assert list(waiting).index("d") == list(waiting).index("P") + 1


def test_a_resting_order_that_is_filled_in_part_stays_on_the_book():
    asked = ticket(type="LIMIT", price=D(1))
    part = order(asked, status="PARTIALLY_FILLED", executed=D(2), fills=(fill(7),))
    assert user_payload(Executed(5, "TRADE", part, TIME, fill(7)))["w"] is True


def test_an_amendment_tells_the_id_before_it():
    amended = order(ticket(type="LIMIT", price=D(1)), client_order_id="second")
    payload = user_payload(Executed(9, "REPLACED", amended, TIME, former_id="first"))
    assert (payload["c"], payload["C"], payload["x"]) == ("second", "first", "REPLACED")


def test_balances_and_deposits():
    balances = BalancesChanged({"ETH": Balance(D(10000), D("0.5"))}, 1564034571073)
    assert user_payload(balances) == {
        "e": "outboundAccountPosition", "E": 1564034571073, "u": 1564034571073,
        "B": [{"a": "ETH", "f": "10000.00000000", "l": "0.50000000"}],
    }  # fmt: skip
    assert user_payload(Deposited("BTC", D(100), 1573200697068)) == {
        "e": "balanceUpdate", "E": 1573200697068, "a": "BTC", "d": "100.00000000", "T": 1573200697068,
    }  # fmt: skip


def test_the_documented_list_status():
    legs = tuple(
        order(ticket(symbol="ETHBTC", client_order_id=name), order_id=number)
        for number, name in ((17, "AJYsMjErWJesZvqlJCTUgL"), (18, "bfYPSQdLoqAJeNrOr9adzq"))
    )
    found = OrderList(
        2, "OCO", "F4QN4G8DlFATFlIUQ0cjdD", "ETHBTC", (17, 18), "EXEC_STARTED", "EXECUTING", 1564035303625
    )
    assert user_payload(ListChanged(found, legs, 1564035303625)) == {
        "e": "listStatus", "E": 1564035303625, "s": "ETHBTC", "g": 2, "c": "OCO", "l": "EXEC_STARTED",
        "L": "EXECUTING", "r": "NONE", "C": "F4QN4G8DlFATFlIUQ0cjdD", "T": 1564035303625,
        "O": [
            {"s": "ETHBTC", "i": 17, "c": "AJYsMjErWJesZvqlJCTUgL"},
            {"s": "ETHBTC", "i": 18, "c": "bfYPSQdLoqAJeNrOr9adzq"},
        ],
    }  # fmt: skip


def test_what_nobody_is_told():
    bar = Kline("A", "1m", 0, 59_999, D(1), D(1), D(1), D(1), D(0), D(0), 0, D(0), D(0))
    assert user_payload(Wiped(5)) is None
    assert user_payload(BarClosed(bar)) is None
    assert event_stream_terminated(5) == {"e": "eventStreamTerminated", "E": 5}
    assert server_shutdown(5) == {"e": "serverShutdown", "E": 5}


def test_microseconds():
    kline = '{"e":"kline","E":5,"s":"A","k":{"t":60000,"T":119999,"f":-1}}'
    assert json.loads(microseconds_text(kline)) == {
        "e": "kline", "E": 5000, "s": "A", "k": {"t": 60_000_000, "T": 119_999_999, "f": -1},
    }  # fmt: skip
    report = json.loads(microseconds_text(json.dumps(NEW)))
    assert (report["T"], report["W"], report["t"]) == (NEW["T"] * 1000, NEW["W"] * 1000, -1)
    assert microseconds_text("{broken") == "{broken"


def recorded(shared):
    """Find all recorded user events of spot, whatever they are wrapped in."""
    folder = shared / "realdata" / "frames" / "userdata"
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            payload = row.get("payload", {})
            if isinstance(payload, dict) and row.get("market", "spot") == "spot":
                event = payload.get("event") or payload.get("data") or payload
                if isinstance(event, dict) and "e" in event:
                    yield event


def test_recorded_reports_have_our_keys_in_our_order_and_our_types(shared):
    seen = 0
    for event in recorded(shared):
        if event["e"] != "executionReport":
            continue
        seen += 1
        asked = ticket(
            strategy_id=1 if "j" in event else None, strategy_type=1_000_000 if "J" in event else None
        )
        traded = fill(7) if event["x"] == "TRADE" else None
        status = event["X"]
        own = user_payload(Executed(5, event["x"], order(asked, status=status), TIME, traded, cancel_id="x"))
        # W and V came in 2022; both are told of every order that has been on the book since.
        missing = set(own) - set(event)
        assert missing <= {"W", "V"}
        assert [name for name in own if name not in missing] == list(event)
        for name, value in event.items():
            assert type(own[name]) is type(value) or name == "N", name
    assert seen >= 15


@pytest.mark.parametrize("kind", ["outboundAccountPosition", "balanceUpdate"])
def test_recorded_balances_have_our_keys(shared, kind):
    ours = {
        "outboundAccountPosition": BalancesChanged({"A": Balance(D(1), D(0))}, 5),
        "balanceUpdate": Deposited("A", D(1), 5),
    }
    own = user_payload(ours[kind])
    found = [event for event in recorded(shared) if event["e"] == kind and "U" not in event]
    assert found
    for event in found:
        assert list(event) == list(own)
        if kind == "outboundAccountPosition":
            assert {name: type(value) for name, value in event["B"][0].items()} == {
                "a": str,
                "f": str,
                "l": str,
            }
