"""REST answers that others recorded from Binance, and ours: the same keys, of the same types."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import pytest

S = {"symbol": "BTCUSDT"}
RESTING = S | {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "50"}

# What has been added since the recording, or is there under conditions only: rest-api.md and CHANGELOG.md.
ADDED = {
    "avgPrice": {".closeTime"},
    "order": {
        "[].orderListId",
        "[].workingTime",
        "[].origQuoteOrderQty",
        "[].selfTradePreventionMode",
        "[].transactTime",
    },
    "symbols": {f".symbols[].{name}" for name in ("opoAllowed", "pegInstructionsAllowed")},
}


def shape(value: Any, path: str = "") -> dict[str, set[str]]:
    """Give the types found at each path; all elements of a list are one path."""
    found: dict[str, set[str]] = {path: {type(value).__name__}}
    parts = []
    if isinstance(value, dict):
        parts = [(part, f"{path}.{name}") for name, part in value.items()]
    elif isinstance(value, list):
        parts = [(part, f"{path}[]") for part in value]
    for part, below in parts:
        for place, kinds in shape(part, below).items():
            found.setdefault(place, set()).update(kinds)
    return found


def assert_alike(recorded: Any, ours: Any, added: set[str] = frozenset()) -> None:
    """Each path of one is in the other with the same types, but for what was added."""
    theirs, own = shape(recorded), shape(ours)

    assert set(theirs) == set(own) - (added - set(theirs))
    assert theirs == {path: kinds for path, kinds in own.items() if path in theirs}


@pytest.fixture(scope="module")
def routes(shared):
    """Give what a mock server recorded: by path and verb."""
    with gzip.open(shared / "realdata" / "rest" / "gct-recorded-http.json.gz") as file:
        return json.load(file)["routes"]


@pytest.fixture(scope="module")
def messages(shared):
    """Give a live account's answers of 2021 to 2026 by kind."""
    path = shared / "realdata" / "frames" / "userdata" / "roq-spot-messages.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {row["kind"]: row["payload"] for row in rows}


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("klines", S | {"interval": "1m"}),
        ("aggTrades", S),
        ("historicalTrades", S),
        ("depth", S),
        ("ticker/price", S),
        ("ticker/bookTicker", S),
        ("ticker/24hr", S),
        ("avgPrice", S),
    ],
)
def test_market_data_is_alike(served, routes, path, params):
    """One recorded answer that is whole, against ours."""
    recorded = next(
        row["data"]
        for row in routes[f"/api/v3/{path}"]["GET"]
        if isinstance(row["data"], dict) == (path not in ("klines", "aggTrades", "historicalTrades"))
    )

    assert_alike(recorded, served.ask("GET", f"/api/v3/{path}", **params).json(), ADDED.get(path, set()))


def test_exchange_information_is_alike(served, routes):
    """The symbol as of August 2025, and each filter of it."""
    recorded = routes["/api/v3/exchangeInfo"]["GET"][0]["data"]
    recorded["symbols"] = [row for row in recorded["symbols"] if row["symbol"] == "BTCUSDT"]
    ours = served.ask("GET", "/api/v3/exchangeInfo", **S).json()
    filters = [
        {row["filterType"]: row for row in answer["symbols"][0].pop("filters")} for answer in (recorded, ours)
    ]

    assert_alike(recorded, ours, ADDED["symbols"])
    for name, recorded_filter in filters[0].items():
        assert_alike(recorded_filter, filters[1][name])
    assert {"MAX_NUM_ORDER_LISTS", "MAX_NUM_ORDER_AMENDS"} == set(filters[1]) - set(filters[0])


def test_orders_are_alike(served, routes, messages):
    """Placed (2026, in its order of fields too), queried, listed and cancelled."""
    placed = served.signed("POST", "/api/v3/order", **RESTING).json()
    one = S | {"orderId": placed["orderId"]}

    recorded = messages["wsapi_order_place"]["result"]
    assert_alike(recorded, placed)
    assert list(recorded) == list(placed)
    for path in ("order", "openOrders", "allOrders"):
        recorded = routes[f"/api/v3/{path}"]["GET"][0]["data"]
        ours = served.signed("GET", f"/api/v3/{path}", **(one if path == "order" else S)).json()
        listed = [[recorded], [ours]] if path == "order" else [recorded, ours]
        assert_alike(*listed, ADDED["order"])
    recorded = routes["/api/v3/order"]["DELETE"][0]["data"]
    assert_alike([recorded], [served.signed("DELETE", "/api/v3/order", **one).json()], ADDED["order"])
    served.signed("POST", "/api/v3/order", **RESTING)
    ours = served.signed("DELETE", "/api/v3/openOrders", **S).json()
    assert_alike(messages["cancel_all_open_orders_ack"], ours, ADDED["order"])


def test_the_account_is_alike(served, messages):
    """As of January 2026, in its order of fields."""
    recorded, ours = messages["wsapi_account"]["result"], served.signed("GET", "/api/v3/account").json()

    assert_alike(recorded, ours)
    assert list(recorded) == list(ours)


def test_limits_are_alike(served, messages):
    """Those of the account's orders, as answers of the WebSocket API carry them."""
    recorded = [row for row in messages["wsapi_order_place"]["rateLimits"] if row["rateLimitType"] == "ORDERS"]
    ours = served.signed("GET", "/api/v3/rateLimit/order").json()

    assert_alike(recorded, ours)
    assert [row | {"count": 0} for row in recorded] == ours


def test_recorded_errors_are_worded_as_ours(served, shared):
    """The bodies that users published, where our exchange can be brought to say the same."""
    path = shared / "realdata" / "rest" / "errors-and-headers.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    bodies = [row["body"] for row in rows if isinstance(row["body"], dict)]
    recorded = {body["code"]: body["msg"] for body in bodies}
    now = 1_000_000_000
    ours = [
        served.signed("GET", "/api/v3/account", timestamp=now),
        served.send("GET", "/api/v3/account", query="timestamp=1&signature=0", key="short"),
        served.send("GET", "/api/v3/account", query="timestamp=1&signature=0", key="x" * 64),
        served.signed("POST", "/api/v3/order", **RESTING | {"price": "400", "quantity": "8000"}),
        served.signed("DELETE", "/api/v3/order", **S, orderId=99),
        served.signed("POST", "/api/v3/order", **RESTING | {"quantity": "0.00001"}),
    ]

    codes = {answer.json()["code"]: answer.json()["msg"] for answer in ours}
    assert {-1021, -2014, -2015, -2010, -2011, -1013} == set(codes)
    for code, words in codes.items():
        assert re.sub("[A-Z_]+$", "", recorded[code]) == re.sub("[A-Z_]+$", "", words)
