"""The loopback exchange answers as Binance does, and breaks when it is told to."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest
import requests
from exchange_market import make_bars

from bt_run.core.interval import Interval

HOUR = Interval.parse("1h")
START = 1_767_225_600_000  # 2026-01-01, twelve hours before the exchange's time


def klines(exchange, **query):
    return requests.get(
        f"{exchange.url}/api/v3/klines", {"symbol": "BTCUSDT", "interval": "1h", **query}, timeout=5
    )


@pytest.fixture
def hours(exchange):
    """Put 20 hours on sale, 12 of them closed, one running."""
    exchange.list_bars("BTCUSDT", HOUR, make_bars(HOUR, START, 20))
    return exchange


def test_klines_end_with_the_unfinished_bar(hours):
    """The newest row closes after the server's time."""
    rows = klines(hours, startTime=0).json()

    assert 13 == len(rows)
    assert rows[-1][6] > hours.now_ms


def test_pages_are_cut_by_start_end_and_limit(hours):
    """Both bounds are inclusive on the open time; without start the newest rows come."""
    third = START + 3 * 3_600_000

    assert [third] == [row[0] for row in klines(hours, startTime=third, endTime=third).json()]
    assert [third] == [row[0] for row in klines(hours, endTime=third, limit=1).json()]


def test_weights_are_counted_and_refused_over_the_limit(hours):
    """Two a page of klines; over the limit 429 with Retry-After, then 418 for whoever goes on."""
    hours.limits["spot"] = 5
    answers = [klines(hours) for _ in range(6)]

    assert [200, 200, 429, 429, 429, 418] == [answer.status_code for answer in answers]
    assert ["2", "4"] == [answer.headers["X-MBX-USED-WEIGHT-1M"] for answer in answers[:2]]
    assert "60" == answers[2].headers["Retry-After"]


def test_unknown_symbols_are_refused_as_binance_does(hours):
    """HTTP 400 with code -1121."""
    answer = klines(hours, symbol="NOPE")

    assert 400 == answer.status_code
    assert -1121 == answer.json()["code"]


def test_the_archive_sells_closed_days_with_a_checksum(hours):
    """A day appears on the next day; spot files of 2026 count in microseconds and have no header."""
    url = f"{hours.url}/data/spot/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2026-01-01.zip"
    early = requests.get(url, timeout=5)
    hours.advance(86_400)
    packed = requests.get(url, timeout=5).content
    checksum = requests.get(f"{url}.CHECKSUM", timeout=5).text
    first = zipfile.ZipFile(io.BytesIO(packed)).read("BTCUSDT-1h-2026-01-01.csv").decode().splitlines()[0]

    assert 404 == early.status_code
    assert f"{hashlib.sha256(packed).hexdigest()}  BTCUSDT-1h-2026-01-01.zip\n" == checksum
    assert str(START * 1000) == first.split(",")[0]


def test_faults_last_as_long_as_their_block(hours):
    """A fault lets `after` requests pass, hits `times`, and is gone after the block."""
    with hours.refuse(429, retry_after=7, after=1, times=1) as fault:
        codes = [klines(hours).status_code for _ in range(3)]

    assert [200, 429, 200] == codes
    assert 1 == fault.hits


def test_a_reset_comes_in_the_middle_of_a_page(hours):
    """The client sees a broken connection, not a short page."""
    with hours.reset_mid_page(), pytest.raises(requests.exceptions.RequestException):
        klines(hours)
