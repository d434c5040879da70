"""What passes and what does not, how long to wait, what counts as dead."""

from __future__ import annotations

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidMessage, InvalidStatus, InvalidURI
from websockets.frames import Close
from websockets.http11 import Response

from bt_run.core.errors import Banned, ConfigError, Disconnected, RateLimited, Rejected
from bt_run.core.stream_policy import (
    StreamPolicy,
    close_reason,
    explain,
    needs_proxy,
    pause_s,
)

URL = "wss://stream.example:9443/stream"
POLICY = StreamPolicy()


def refused(status, headers=(), body=b""):
    return InvalidStatus(Response(status, "", Headers(headers), body))


def explained(error):
    return explain(error, url=URL, now_ms=1_000_000)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connection refused"),
        TimeoutError("timed out during opening handshake"),
        InvalidMessage("did not receive a valid HTTP response"),
        EOFError("connection closed while reading HTTP status line"),
        ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] unable to get local issuer"),
        ConnectionClosedError(None, None),
        refused(500),
        refused(503),
        refused(200, body=b"<html>Please log in to this hotel</html>"),
        refused(302),
    ],
)
def test_what_passes_is_tried_again(error):
    """No network, servers in trouble and pages of somebody in between all pass."""
    assert isinstance(explained(error), Disconnected)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
def test_a_refusal_stops(status):
    """To ask again would be refused again."""
    assert isinstance(explained(refused(status)), Rejected)


def test_a_limit_says_how_long_to_wait():
    """Retry-After counts in seconds; without it a minute."""
    told = explained(refused(429, {"Retry-After": "7"}))

    assert isinstance(told, RateLimited)
    assert 7 == told.wait_s
    assert 60 == explained(refused(429)).wait_s


def test_a_ban_stops_and_says_until_when():
    """HTTP 418 with the end in seconds from now."""
    ban = explained(refused(418, {"Retry-After": "120"}))

    assert isinstance(ban, Banned)
    assert 1_120_000 == ban.until_ms


def test_a_bad_address_is_a_setting_to_mend():
    """Nothing that the network does can make it right."""
    assert isinstance(explained(InvalidURI(URL, "no")), ConfigError)


def test_the_message_says_which_stream():
    """The account's stream and the market's have the same troubles."""
    told = explain(EOFError("x"), url=URL, now_ms=0, what="The account's stream")

    assert str(told).startswith(f"The account's stream at {URL}: ")


def test_a_bug_is_not_explained():
    """It must crash, not reconnect at night."""
    assert explained(KeyError("stream")) is None


def test_proxies_are_left_out_for_this_machine():
    """The proxy of the environment cannot reach our loopback."""
    assert not needs_proxy("ws://127.0.0.1:8080/stream")
    assert not needs_proxy("ws://[::1]:8080/stream")
    assert needs_proxy(URL)


@given(failures=st.integers(1, 10_000), since=st.floats(0, 1e6), jitter=st.floats(0, 1, exclude_max=True))
def test_a_pause_stays_between_the_floor_and_the_longest(failures, since, jitter):
    """However often it failed; jitter adds up to a half."""
    pause = pause_s(POLICY, failures=failures, since_attempt_s=since, jitter=jitter)

    assert POLICY.floor_s <= pause <= 1.5 * POLICY.longest_s


def test_after_a_healthy_connection_there_is_no_pause_but_the_floor():
    """The floor holds from the last attempt."""
    assert 0 == pause_s(POLICY, failures=0, since_attempt_s=7200, jitter=0.9)
    assert 0.75 == pause_s(POLICY, failures=0, since_attempt_s=0.25, jitter=0.9)


def test_a_server_that_accepts_and_drops_is_asked_far_less_than_the_limit():
    """Binance allows 300 attempts in 5 minutes."""
    now, attempts = 0.0, 0
    while now < 300:
        attempts += 1
        now += pause_s(POLICY, failures=attempts, since_attempt_s=0, jitter=0)

    assert 10 == attempts


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionClosedError(None, None), "the connection broke off"),
        (ConnectionClosedError(Close(1008, "too slow"), None), "closed by the exchange (1008 too slow)"),
        (
            ConnectionClosedError(Close(1001, ""), Close(1001, ""), rcvd_then_sent=True),
            "closed by the exchange (1001)",
        ),
        (
            ConnectionClosedError(None, Close(1011, "keepalive ping timeout")),
            "the exchange did not answer a ping",
        ),
        (ConnectionClosedError(None, Close(1009, "frame too big")), "closed by us (1009 frame too big)"),
    ],
)
def test_the_reason_says_who_closed(error, words):
    """Us, the exchange, or the network."""
    assert words == close_reason(error)
