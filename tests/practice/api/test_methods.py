"""The table of methods: complete, and no parameter of a client breaks a handler."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bt_run.practice.api.gateway import Gateway
from bt_run.practice.api.method_table import BY_NAME, BY_PATH, METHODS, by_name
from bt_run.practice.api.parameters import Parameters
from bt_run.practice.limits import LimitRules, Limits
from bt_run.practice.refusal import Refusal
from bt_run.practice.signing import Keys

WORDS = [
    *(
        "BTCUSDT",
        "ETHUSDT",
        "XYZ",
        "1m",
        "1h",
        "1M",
        "BUY",
        "SELL",
        "LIMIT",
        "MARKET",
        "LIMIT_MAKER",
        "STOP_LOSS",
    ),
    *(
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
        "GTC",
        "IOC",
        "FOK",
        "ACK",
        "FULL",
        "true",
        "false",
    ),
    *(
        "STOP_ON_FAILURE",
        "ALLOW_FAILURE",
        "ONLY_NEW",
        "TRADING",
        "MINI",
        "0",
        "1",
        "2",
        "5",
        "50",
        "100",
        "101",
    ),
    *("150", "1000", "0.5", "1e5", "-1", "8", "-12:00", "1767268800000", "1767268800000000", "9" * 14),
    *("9" * 20, "9" * 5000, '["BTCUSDT"]', "[" * 3000, "a", "a b", "测试", ""),
]


@pytest.fixture
def gateway(practice_exchange):
    """Give an exchange that forgives all that is tried."""
    return Gateway(practice_exchange, Keys([]), limits=Limits(LimitRules(enabled=False)))


def test_every_method_is_found_by_name_and_by_path():
    """No two have the same; futures have no name in the WebSocket API of spot."""
    assert len(METHODS) == len(BY_PATH)
    assert len([method for method in METHODS if method.name]) == len(BY_NAME)
    assert all(method is by_name(name) for name, method in BY_NAME.items())
    assert by_name("") is None
    assert all(method.path.startswith("/fapi/") != bool(method.name) for method in METHODS)


def test_only_what_trades_is_free_and_all_of_it_is_signed():
    """Weights and security go together."""
    for method in METHODS:
        assert method.is_signed == (method.security != "NONE")
        assert not method.free or method.security == "TRADE"
        assert not set(method.mandatory) & set(method.optional)
        assert method.weight({}) >= 1


@st.composite
def asked(draw):
    """Draw a method and parameters that it knows, some sensible."""
    method = draw(st.sampled_from(METHODS))
    names = [*method.mandatory, *(name for name in method.optional if draw(st.booleans()))]
    sent = {name: draw(st.sampled_from(WORDS) | st.text(max_size=5)) for name in names}
    if "symbol" in sent and draw(st.booleans()):
        sent["symbol"] = "BTCUSDT"
    return method, sent


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked())
def test_whatever_is_sent_is_answered_or_refused(gateway, request_of_client):
    """The answer is JSON; nothing but a refusal is raised. What was placed before stays placed."""
    method, sent = request_of_client
    method.weight(sent)
    params = Parameters(sent)
    try:
        params.check_names(method.mandatory, method.optional)
        answer = method.handler(gateway, params)
    except Refusal as refusal:
        answer = {"code": refusal.code, "msg": refusal.reason, "data": refusal.data}

    assert json.loads(json.dumps(answer)) == answer
