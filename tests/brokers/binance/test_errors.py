"""Every row of the table of failures, as events and as errors."""

from __future__ import annotations

import json

import pytest

from brokers.binance.errors import Failure, Verdict, failed_cancel, failed_order, judge, to_error
from brokers.order_events import CancelRefused, Rejected, TimedOut
from bt_run.core import errors

NOW = 1_700_000_000_000


def refused(status, code=None, reason="why"):
    return Failure("refused", reason, status=status, code=code)


UNKNOWN = [
    Failure("silent", "the connection broke off"),
    Failure("garbled", "no JSON", status=200),
    Failure("garbled", "elsewhere", status=307),
    *(refused(status, code) for code in (-1000, -1001, -1006, -1007, -1008) for status in (400, 408, 503, 504)),
    *(refused(status) for status in (408, 500, 502, 503, 504, 520)),
    refused(503, -9999, "a code that nobody knows yet"),
    refused(400, -2010, "Duplicate order sent."),
]
FINAL = [
    (refused(429, -1003), Verdict.LIMITED),
    (refused(418, -1003), Verdict.LIMITED),
    (refused(429), Verdict.LIMITED),
    (refused(418), Verdict.LIMITED),
    (refused(400, -1034), Verdict.LIMITED),
    (refused(429, -1015), Verdict.ORDERS),
    (refused(403), Verdict.FIREWALL),
    (refused(401), Verdict.KEY),
    *((refused(status, code), Verdict.KEY) for code in (-1002, -1022, -2014, -2015) for status in (400, 401)),
    *((refused(400, code), Verdict.MISSING) for code in (-2013, -2026)),
    (refused(400, -1013, "Filter failure: LOT_SIZE"), Verdict.REFUSED),
    (refused(400, -1111), Verdict.REFUSED),
    (refused(400, -1100), Verdict.REFUSED),
    (refused(400, -1199), Verdict.REFUSED),
    (refused(400, -1121), Verdict.REFUSED),
    (refused(400, -1016), Verdict.REFUSED),
    (refused(503, -1020), Verdict.REFUSED),
    (refused(400, -2010, "Account has insufficient balance for requested action."), Verdict.REFUSED),
    (refused(500, -2010, "Market is closed."), Verdict.REFUSED),
    (refused(400, -2038), Verdict.REFUSED),
    (refused(451, 0), Verdict.REFUSED),
    (refused(404), Verdict.REFUSED),
    (refused(410), Verdict.REFUSED),
    (refused(403, -9999), Verdict.REFUSED),
    (Failure("unsent", "refused the connection"), Verdict.UNSENT),
    (Failure("held", "HTTP 429"), Verdict.LIMITED),
]


@pytest.mark.parametrize("failure", UNKNOWN, ids=lambda failure: failure.words)
def test_where_nobody_knows_nothing_is_claimed(failure):
    """Neither filled nor refused; also for a cancel."""
    assert Verdict.UNKNOWN is judge(failure)
    assert (TimedOut(failure.words),) == failed_order(failure)
    assert [TimedOut] == [type(event) for event in failed_cancel(failure)]
    assert isinstance(to_error(failure, "The account", now_ms=NOW), errors.Disconnected)


@pytest.mark.parametrize(("failure", "verdict"), FINAL, ids=lambda value: getattr(value, "words", str(value)))
def test_what_was_not_executed_is_refused(failure, verdict):
    """With the code and the reason."""
    (rejected,), (refused_,) = failed_order(failure), failed_cancel(failure)

    assert verdict is judge(failure)
    assert isinstance(rejected, Rejected)
    assert failure.code == rejected.code
    assert failure.reason.rstrip(".") in rejected.reason
    assert isinstance(refused_, CancelRefused)


def test_a_wrong_clock_is_neither():
    """It is set, and the request sent once more; the second refusal is final."""
    failure = refused(400, -1021)

    assert Verdict.CLOCK is judge(failure)
    assert "let NTP set it" in failed_order(failure)[0].reason
    assert isinstance(to_error(failure, "x", now_ms=NOW), errors.Rejected)


def test_questions_say_how_long_to_wait():
    """Seconds after 429, a time after 418."""
    limited = Failure("refused", "Too much", status=429, code=-1003, wait_s=7.0)
    banned = Failure("refused", "Way too much", status=418, code=-1003, wait_s=120.0, until_ms=NOW + 5)

    assert 7.0 == to_error(limited, "x", now_ms=NOW).wait_s
    assert NOW + 5 == to_error(banned, "x", now_ms=NOW).until_ms
    assert NOW + 120_000 == to_error(refused(418), "x", now_ms=NOW).until_ms


def test_a_wrong_key_says_what_to_look_at():
    """A testnet's key on mainnet is the usual mistake."""
    error = to_error(refused(401, -2015, "Invalid API-key, IP, or permissions for action."), "x", now_ms=NOW)

    assert "belongs to this venue" in str(error)
    assert "HTTP 401, code -2015" in failed_order(refused(401, -2015))[0].reason


def test_recorded_refusals_are_all_understood(shared):
    """What others met on the real exchange: none of it may count as unknown, but what is."""
    lines = (shared / "realdata/rest/errors-and-headers.jsonl").read_text().splitlines()
    recorded = [json.loads(line) for line in lines]
    bodies = [line for line in recorded if isinstance(line.get("body"), dict) and "code" in line["body"]]

    unknown = set()
    for line in bodies:
        failure = refused(line["status"] or 400, line["body"]["code"], line["body"]["msg"])
        if judge(failure) is Verdict.UNKNOWN:
            unknown.add(failure.code)

    assert len(bodies) > 10
    assert unknown <= {-1000, -1001, -1006, -1007, -1008}
