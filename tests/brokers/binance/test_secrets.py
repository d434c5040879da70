"""Keys, secrets and signatures appear in no log line, no error, no text of any object."""

from __future__ import annotations

import logging
import traceback

import pytest

from brokers.binance.account_check import AccountCheck
from brokers.binance.credentials import Credentials
from brokers.binance.rest_gateway import BinanceGateway
from brokers.binance.user_stream import UserStream
from brokers.gateway import AccountReport, StreamChanged
from bt_run.core.errors import BtRunError
from bt_run.practice.faults import DropSockets, LostAnswer, RefuseRequest, ServerError


def shown(error):
    """Give all that a traceback would print, causes and contexts included."""
    return "".join(traceback.format_exception(error))


def attempt(call):
    try:
        return repr(call())
    except BtRunError as error:
        return shown(error) + repr(error) + str(error)


def test_a_day_of_troubles_shows_no_secret(practice, background, make_order, caplog):
    """Everything at debug level, libraries too, while all goes wrong that can."""
    caplog.set_level(logging.DEBUG)
    gateway = practice.gateway(sleep=lambda seconds: None)
    stream = UserStream(practice.venue, practice.credentials, practice.inbox, clock=practice.clock)
    check = AccountCheck(practice.venue, practice.credentials, practice.inbox, background, symbols=["BTCUSDT"])
    texts = [attempt(gateway.connect)]
    stream.start(background)
    check.start()
    practice.await_events(StreamChanged)
    practice.await_events(AccountReport)
    for method in ("order.place", "account.status", "order.status", "order.cancel"):
        for fault in (LostAnswer, ServerError, RefuseRequest):
            with practice.faults.having(fault(method=method)):
                texts.append(attempt(lambda: gateway.place(make_order())))
                texts.append(attempt(gateway.balances))
                texts.append(attempt(lambda: gateway.query("BTCUSDT", "btr-0b-00000001")))
                texts.append(attempt(lambda: gateway.cancel(make_order())))
    practice.faults.add(DropSockets())
    practice.await_events(StreamChanged, 2)
    texts += [repr(thing) for thing in (gateway, stream, check, gateway._client, practice.received(object))]
    texts += [record.getMessage() + (record.exc_text or "") for record in caplog.records]

    everything = "\n".join(texts)
    assert len(caplog.records) > 50
    assert "HTTP 504" in everything
    for secret in (practice.credentials.api_key, practice.credentials.secret):
        assert secret not in everything
    assert "signature=" not in "\n".join(texts[:49])


@pytest.mark.parametrize(
    "answer", [{"drop": True}, {"status": 400, "body": {"code": -1022, "msg": "Signature"}}]
)
def test_an_error_s_causes_hold_no_address_with_a_signature(script, answer):
    """Requests' own errors hold the whole address; they stay inside."""
    gateway = BinanceGateway(script.venue, Credentials("k" * 64, "s" * 64), sleep=lambda seconds: None)
    gateway.connect()
    script.will("GET /api/v3/account", *(answer for _ in range(3)))

    with pytest.raises(BtRunError) as caught:
        gateway.balances()

    assert "signature=" not in shown(caught.value)
    assert "k" * 64 not in shown(caught.value)
