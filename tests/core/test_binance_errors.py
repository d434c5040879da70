"""Each refusal becomes the error that tells what to do next."""

from __future__ import annotations

import pytest
import requests

from bt_run.core.binance_errors import connection_error, describe_body, refusal
from bt_run.core.errors import Banned, Disconnected, RateLimited, Rejected

NOW = 1_700_000_000_000


def refused(status, body="", **headers):
    return refusal("BTCUSDT 1h", status=status, headers=headers, body=body, now_ms=NOW)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"code":-1121,"msg":"Invalid symbol."}', Rejected),
        (400, '{"code":-1001,"msg":"Internal error; unable to process your request."}', Disconnected),
        (401, '{"code":-2015,"msg":"Invalid API-key."}', Rejected),
        (403, "<html><title>Forbidden</title></html>", Rejected),
        (418, '{"code":-1003,"msg":"Way too much request weight used."}', Banned),
        (429, '{"code":-1003,"msg":"Too much request weight used."}', RateLimited),
        (451, '{"code":0,"msg":"Service unavailable from a restricted location."}', Rejected),
        (502, "<html><title>502 Bad Gateway</title></html>", Disconnected),
        (503, "", Disconnected),
    ],
)
def test_the_status_and_the_code_choose_the_error(status, body, kind):
    """What passes is Disconnected or RateLimited; the rest is final."""

    assert kind is type(refused(status, body))


def test_the_wait_comes_from_retry_after():
    """Seconds; a minute where the exchange does not say."""

    assert 7.0 == refused(429, "{}", **{"Retry-After": "7"}).wait_s
    assert 60.0 == refused(429, "{}").wait_s


def test_the_end_of_a_ban_comes_from_the_text_or_from_retry_after():
    """The text's time is exact; Retry-After counts from now."""
    text = '{"code":-1003,"msg":"Way too much request weight used; IP banned until 1659146400000. Please"}'

    assert 1_659_146_400_000 == refused(418, text, **{"Retry-After": "120"}).until_ms
    assert NOW + 300_000 == refused(418, "{}", **{"Retry-After": "300"}).until_ms


def test_a_web_page_is_named_by_its_title():
    """The page itself stays out of the message."""
    page = "<!DOCTYPE html><html><head><title>\n 403  Forbidden &amp; gone </title></head>" + "<p>x</p>" * 9999
    message = str(refused(403, page))

    assert "HTTP 403: a web page, '403 Forbidden & gone'" in message
    assert len(message) < 250


def test_a_closed_country_is_told_the_way_out():
    """HTTP 451 names the venue that serves everywhere."""

    assert "--venue data" in str(refused(451, "{}"))


def test_bodies_without_sense_are_cut():
    """Empty bodies and long ones are described in a few words."""

    assert "an empty answer" == describe_body("")
    assert 160 == len(describe_body("word " * 1000))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ConnectTimeout("x"), "did not answer in time"),
        (requests.ConnectionError("[Errno 111] Connection refused"), "refused the connection"),
        (requests.ConnectionError("NameResolutionError: Failed to resolve"), "could not be resolved"),
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"), "could not be verified"),
        (requests.exceptions.ProxyError("no"), "HTTPS_PROXY"),
        (requests.exceptions.ChunkedEncodingError("IncompleteRead"), "broke off"),
    ],
)
def test_a_broken_connection_is_said_in_words(error, words):
    """The library's chains of exceptions stay out of the message."""
    message = str(connection_error("BTCUSDT 1h", error, url="https://api.binance.com"))

    assert words in message
    assert "goes on from here" in message
