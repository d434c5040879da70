"""REST market data against an exchange that answers well, badly, late or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from exchange_market import make_bars

from bt_run.core.errors import Banned, Disconnected, Rejected, UnknownSymbol
from bt_run.core.interval import BINANCE_INTERVALS, Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.core.retry import ATTEMPTS
from feeds.binance_rest import BinanceRest

HOUR = Interval.parse("1h")
NOW = 1_767_268_800_000
START = NOW - 2500 * 3_600_000


def rest_of(exchange, **changes):
    settings = {"clock": exchange.clock, "sleep": exchange.sleep, **changes}
    return BinanceRest(exchange.venue, **settings)


def fetch(rest, symbol="BTCUSDT", interval=HOUR, start=START, end=NOW):
    pages = list(rest.fetch_klines(symbol, interval, start=start, end=end))
    columns = (
        {name: np.concatenate([getattr(page, name) for page in pages]) for name in BAR_COLUMNS} if pages else {}
    )
    return Bars(**columns) if pages else Bars.of([], **{name: [] for name in BAR_COLUMNS[1:]})


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in BAR_COLUMNS)


@pytest.fixture
def bars(exchange):
    """Put 2501 hours on sale: three pages, the last bar still open."""
    made = make_bars(HOUR, START, 2501)
    exchange.list_bars("BTCUSDT", HOUR, made)
    return made


def test_every_closed_bar_comes_once_and_the_open_one_never(exchange, bars):
    """Three pages of a thousand; the last row of the last page is still open."""
    got = fetch(rest_of(exchange))

    assert same(bars[:2500], got)
    assert 3 == len(exchange.queries())


def test_the_range_is_inclusive_on_both_sides(exchange, bars):
    """A start and an end on bars' opens take both bars."""
    first, last = int(bars.open_time[10]), int(bars.open_time[19])

    assert same(bars[10:20], fetch(rest_of(exchange), start=first, end=last))
    assert 1 == len(exchange.queries())


@pytest.mark.parametrize("text", BINANCE_INTERVALS)
@pytest.mark.parametrize("market", ["spot", "futures"])
def test_all_sixteen_intervals_page_through(exchange, text, market):
    """Months have no fixed length, seconds have many bars; neither loses or doubles one."""
    interval = Interval.parse(text)
    start = {"M": 0, "w": 4 * 86_400_000}.get(interval.unit, 86_400_000)
    count = 400 if text == "1M" else 1600
    made = make_bars(interval, start, count)
    exchange.list_bars("BTCUSDT", interval, made, market=market)
    rest = rest_of(exchange, market=market)

    assert same(made, fetch(rest, interval=interval, start=start, end=int(made.open_time[-1])))


def test_months_page_by_a_millisecond(exchange):
    """More months than a page holds, which needs the step of +1 ms."""
    interval = Interval.parse("1M")
    made = make_bars(interval, 0, 1200)
    exchange.now_ms = int(made.open_time[-1])
    exchange.list_bars("BTCUSDT", interval, made)
    got = fetch(rest_of(exchange), interval=interval, start=0, end=exchange.now_ms)

    assert same(made[:-1], got)
    assert 2 == len(exchange.queries())


def test_a_gap_in_the_middle_is_no_end(exchange, bars):
    """An outage of 1200 hours between two halves."""
    holed = Bars(*(np.concatenate((getattr(bars, n)[:700], getattr(bars, n)[1900:])) for n in BAR_COLUMNS))
    exchange.list_bars("BTCUSDT", HOUR, holed)

    assert same(holed[:-1], fetch(rest_of(exchange)))


def test_a_delisted_symbol_ends_where_its_bars_end(exchange, bars):
    """Bars that stop long before now: the pager asks once more and believes the empty page."""
    exchange.list_bars("BTCUSDT", HOUR, bars[:1500])

    assert 1500 == len(fetch(rest_of(exchange)))


@pytest.mark.parametrize("skew_s", [-86_400 * 400, -30, 30, 86_400 * 400])
def test_our_clock_does_not_matter(exchange, bars, skew_s):
    """Closed is what the exchange's clock calls closed, however wrong ours is."""
    rest = rest_of(exchange, clock=lambda: exchange.clock() + skew_s)

    assert 2500 == len(fetch(rest))


def test_time_passes_between_the_first_request_and_the_last(exchange, bars):
    """A bar that closed meanwhile is taken, by our clock and the difference found at the start."""
    rest = rest_of(exchange)
    rest.now_ms()
    exchange.advance(3600)

    assert 2501 == len(fetch(rest, end=NOW + 3_600_000))


@pytest.mark.parametrize(
    "fault", ["drop", "reset_mid_page", "truncate_json", "server_error", "shuffle_page", "contradict"]
)
def test_a_fault_that_passes_leaves_no_trace(exchange, bars, fault):
    """Each is asked again, or mended, until the bars are whole."""
    rest = rest_of(exchange)
    with getattr(exchange, fault)(path="klines", after=1, times=2) as active:
        got = fetch(rest)

    assert 2 == active.hits
    assert same(bars[:2500], got)


def test_pages_that_overlap_are_joined_once(exchange, bars):
    """Each page repeats the last rows of the one before."""
    with exchange.overlap_pages(rows=7):
        got = fetch(rest_of(exchange))

    assert same(bars[:2500], got)


@pytest.mark.parametrize("fault", ["drop", "truncate_json", "server_error", "contradict"])
def test_a_fault_that_stays_ends_with_a_sentence(exchange, bars, fault):
    """After six attempts, and what there was to wait between them grew."""
    with (
        getattr(exchange, fault)(path="klines", times=None) as active,
        pytest.raises(Disconnected, match="BTCUSDT 1h"),
    ):
        fetch(rest_of(exchange))

    assert ATTEMPTS == active.hits
    assert ATTEMPTS - 1 == len(exchange.slept)
    assert all(later > earlier for earlier, later in zip(exchange.slept, exchange.slept[1:], strict=False))


def test_a_refusal_of_weight_is_waited_out(exchange, bars):
    """429 with Retry-After 7, twice: fourteen seconds, then the page."""
    with exchange.refuse(429, retry_after=7, path="klines", times=2):
        got = fetch(rest_of(exchange))

    assert [7.0, 7.0] == exchange.slept
    assert same(bars[:2500], got)


def test_a_ban_stops_at_once(exchange, bars):
    """418: no second request, and the time until which to wait stands in the message."""
    rest = rest_of(exchange)
    with (
        exchange.refuse(418, retry_after=300, path="klines") as fault,
        pytest.raises(Banned, match="2026-01-01T12:05"),
    ):
        fetch(rest)
    with pytest.raises(Banned):
        fetch(rest)

    assert 1 == fault.hits
    assert [] == exchange.slept
    assert 1 == len(exchange.queries())


def test_a_web_page_in_place_of_an_answer_is_named(exchange, bars):
    """403 from a firewall: its title, not its five thousand letters, and no second try."""
    with exchange.answer_html(403, path="klines") as fault, pytest.raises(Rejected) as caught:
        fetch(rest_of(exchange))

    assert "403 Forbidden: Request blocked" in str(caught.value)
    assert len(str(caught.value)) < 300
    assert 1 == fault.hits


def test_a_web_page_with_status_200_is_no_data(exchange, bars):
    """A captive portal says 200 and sends a login page: asked again, then named."""
    page = "<html><title>Hotel login</title></html>"
    with (
        exchange.answer_html(200, page=page, path="klines", times=None),
        pytest.raises(Disconnected, match="Hotel login"),
    ):
        fetch(rest_of(exchange))


def test_a_closed_country_is_told_the_way_out(exchange, bars):
    """451 is final and names the other venue."""
    refused = exchange.refuse(451, code=0, reason="restricted location", path="klines")
    with refused, pytest.raises(Rejected, match="--venue data"):
        fetch(rest_of(exchange))


def test_an_unknown_symbol_names_the_nearest(exchange, bars):
    """From exchangeInfo, nearest first."""
    exchange.list_symbol("BTCUSDC", "ETHUSDT", "DOGEBTC")
    with pytest.raises(UnknownSymbol) as caught:
        fetch(rest_of(exchange), symbol="BTCUSD")

    assert {"BTCUSDT", "BTCUSDC"} == set(caught.value.near[:2])
    assert "'BTCUSD'" in str(caught.value)


def test_an_exchange_that_is_not_there_is_said_so(exchange, bars):
    """A port where nobody listens."""
    rest = rest_of(exchange)
    exchange.stop()
    with pytest.raises(Disconnected, match="refused the connection"):
        fetch(rest)


def test_the_budget_keeps_under_the_exchange_s_limit(exchange):
    """Thirty pages with a limit of 20 a minute take minutes, and nobody is refused."""
    exchange.limits["spot"] = 20
    made = make_bars(HOUR, NOW - 20_000 * 3_600_000, 20_000)
    exchange.list_bars("BTCUSDT", HOUR, made)
    rest = rest_of(exchange)
    exchange.advance(60)
    rest.fetch_exchange_info("BTCUSDT")
    got = fetch(rest, start=int(made.open_time[0]))

    assert 20 == rest.budget.limit
    assert same(made, got)
    assert 0 == len(exchange._refused)
    assert exchange.slept


def test_the_first_bar_is_found_by_one_row(exchange, bars):
    """And a listing without bars has none."""
    exchange.list_symbol("NEWUSDT")
    rest = rest_of(exchange)

    assert START == rest.find_first_bar("BTCUSDT", HOUR)
    assert rest.find_first_bar("NEWUSDT", HOUR) is None
    assert ["1", "1"] == [query["limit"] for query in exchange.queries()]


def trades(count, first_id=100, step_ms=10_000):
    return [
        {
            "a": first_id + i,
            "p": "10.0",
            "q": "1.0",
            "f": i,
            "l": i,
            "T": START + i * step_ms,
            "m": True,
            "M": True,
        }
        for i in range(count)
    ]


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_trades_page_by_id(exchange, market):
    """From an id or from a time, over several pages, each trade once."""
    exchange.list_trades("BTCUSDT", trades(2500), market=market)
    rest = rest_of(exchange, market=market)
    by_id = [trade.agg_id for page in rest.fetch_agg_trades("BTCUSDT", from_id=600) for trade in page]
    by_time = [
        trade.agg_id for page in rest.fetch_agg_trades("BTCUSDT", start=START - 9_000_000) for trade in page
    ]

    assert list(range(600, 2600)) == by_id
    assert list(range(100, 2600)) == by_time


def test_trades_end_at_the_time_given(exchange):
    """The end is inclusive."""
    exchange.list_trades("BTCUSDT", trades(2500))
    rest = rest_of(exchange)
    pages = rest.fetch_agg_trades("BTCUSDT", start=START, end=START + 50_000)

    assert [100, 101, 102, 103, 104, 105] == [trade.agg_id for page in pages for trade in page]
