"""Downloads into a real store from an exchange that misbehaves: nothing is lost, doubled or asked for twice."""

from __future__ import annotations

import numpy as np
import pytest
from exchange_market import make_bars

from bt_run.core.clock import parse_time
from bt_run.core.errors import Banned, Disconnected, UnknownSymbol
from bt_run.core.interval import Interval
from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.core.venue import find_venue
from feeds.binance_bulk import has_archive
from feeds.download import download, ensure
from feeds.storage.series import SeriesName
from feeds.store import Store

HOUR, MINUTE, DAY = (Interval.parse(text) for text in ("1h", "1m", "1d"))
NOW = parse_time("2026-01-01T12:00")
LISTED = parse_time("2025-09-10T05:00")
HOURS = (NOW - LISTED) // 3_600_000


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in BAR_COLUMNS)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def bars(exchange):
    """Put hours on sale from a listing in September 2025; the last one is still open."""
    made = make_bars(HOUR, LISTED, HOURS + 1)
    exchange.list_bars("BTCUSDT", HOUR, made)
    return made


def get(exchange, store, *, symbol="BTCUSDT", interval=HOUR, start=0, **changes):
    given = {"venue": exchange.venue, "clock": exchange.clock, "sleep": exchange.sleep, **changes}
    return ensure(store, symbol, interval, start=start, **given)


@pytest.mark.parametrize("source", ["auto", "rest"])
def test_everything_that_has_closed_is_stored_once(exchange, store, bars, source):
    """From both sources the same bars, up to the last closed one."""
    outcome = get(exchange, store, source=source)

    assert same(bars[:-1], store.read("BTCUSDT", HOUR))
    assert HOURS == outcome.new
    assert ("archive and REST" if source == "auto" else "REST") == outcome.origin


def test_the_archive_alone_ends_where_it_ends(exchange, store, bars):
    """Closed days only, REST is never asked, and a sentence says what is left."""
    outcome = get(exchange, store, source="bulk", start=LISTED)

    assert same(bars.between(None, parse_time("2025-12-31", end=True)), store.read("BTCUSDT", HOUR))
    assert [] == exchange.paths("/api/")
    assert "--source auto" in outcome.notes[0]


def test_a_second_run_asks_for_nothing(exchange, store, bars):
    """An hour that closed at the exchange's very time is asked for again, until it has settled."""
    get(exchange, store)
    exchange.advance(120)
    get(exchange, store)
    exchange.requests.clear()
    outcome = get(exchange, store)

    assert ["/api/v3/time"] == exchange.paths()
    assert 0 == outcome.new


def test_a_bar_that_has_just_closed_is_asked_for_again(exchange, store, bars):
    """Binance may still correct it: the corrected value wins."""
    get(exchange, store)
    close = bars.close.copy()
    close[-2] += 0.25
    corrected = Bars(*(close if name == "close" else getattr(bars, name) for name in BAR_COLUMNS))
    corrected.high[-2] += 1
    exchange.list_bars("BTCUSDT", HOUR, corrected)
    get(exchange, store)

    assert close[-2] == store.read("BTCUSDT", HOUR).close[-1]


def test_a_covered_past_needs_no_network(exchange, store, bars):
    """With an end, and everything there, nobody is asked."""
    end = parse_time("2025-12-01")
    get(exchange, store, end=end)
    exchange.stop()
    outcome = get(exchange, store, end=end)

    assert 0 == outcome.new


def test_both_ends_and_the_middle_are_filled(exchange, store, bars):
    """What is there already is not asked for again."""
    for first, last in ((1000, 1200), (1500, 1600)):
        get(exchange, store, start=int(bars.open_time[first]), end=int(bars.open_time[last]))
    exchange.requests.clear()
    outcome = get(exchange, store, source="rest", start=LISTED)
    asked = [(int(query["startTime"]), int(query["endTime"])) for query in exchange.queries()[1:]]

    assert same(bars[:-1], store.read("BTCUSDT", HOUR))
    assert HOURS - 302 == outcome.new == outcome.rest
    assert all(last < bars.open_time[1000] or first > bars.open_time[1200] for first, last in asked)


def test_a_hole_in_the_market_is_asked_for_once(exchange, store, bars):
    """Maintenance: no bars anywhere, and the store knows it."""
    holed = Bars(*(np.delete(getattr(bars, name), slice(100, 130)) for name in BAR_COLUMNS))
    exchange.list_bars("BTCUSDT", HOUR, holed)
    end = int(bars.open_time[500])
    get(exchange, store, end=end)
    exchange.requests.clear()
    get(exchange, store, end=end)

    assert [] == exchange.requests
    assert 501 - 30 == len(store.read("BTCUSDT", HOUR))


def test_a_start_before_the_listing_begins_at_the_first_bar(exchange, store, bars):
    """And says so; the years before are not asked for, now or later."""
    outcome = get(exchange, store, start=parse_time("2017-01-01"), end=parse_time("2025-09-30"))
    exchange.requests.clear()
    get(exchange, store, start=parse_time("2018-01-01"), end=parse_time("2025-09-30"))

    assert LISTED == outcome.first_bar
    assert "begins at 2025-09-10T05:00:00Z" in outcome.notes[0]
    assert LISTED == int(store.read("BTCUSDT", HOUR).open_time[0])
    assert [] == exchange.requests


def test_a_listing_without_bars_says_so(exchange, store):
    """It is no error, and nothing is stored."""
    exchange.list_symbol("NEWUSDT")
    outcome = get(exchange, store, symbol="NEWUSDT")

    assert 0 == outcome.new
    assert "has no bars yet" in outcome.notes[0]


def test_an_end_before_the_listing_stores_nothing(exchange, store, bars):
    """The sentence names the first bar."""
    outcome = get(exchange, store, start=parse_time("2020-01-01"), end=parse_time("2020-02-01"))

    assert 0 == outcome.new
    assert "2025-09-10" in outcome.notes[0]


def test_an_unknown_symbol_stops_before_anything_is_fetched(exchange, store, bars):
    """Among several, too."""
    names = [SeriesName("BTCUSDT", HOUR), SeriesName("BTCUSD", HOUR)]
    with pytest.raises(UnknownSymbol, match="BTCUSDT"):
        download(store, names, start=0, venue=exchange.venue, clock=exchange.clock, sleep=exchange.sleep)

    assert [] == store.series()


def test_several_series_share_one_budget(exchange, store, bars):
    """Three symbols at once under a limit that refuses nobody."""
    exchange.limits["spot"] = 60
    names = [SeriesName(symbol, HOUR) for symbol in ("BTCUSDT", "ETHUSDT", "BNBUSDT")]
    for number, name in enumerate(names):
        exchange.list_bars(name.symbol, HOUR, make_bars(HOUR, LISTED, HOURS, seed=number))
    outcomes = download(
        store, names, start=0, source="rest", venue=exchange.venue, clock=exchange.clock, sleep=exchange.sleep
    )

    assert [HOURS] * 3 == [outcome.new for outcome in outcomes]
    assert not exchange._refused


@pytest.mark.parametrize("market", ["spot", "futures"])
def test_minutes_come_from_months_days_and_rest(exchange, store, market):
    """Forty days of minutes over the turn of a year, in both markets: each bar once."""
    start = parse_time("2025-11-25")
    exchange.now_ms = parse_time("2026-01-06T06:00")
    count = (exchange.now_ms - start) // 60_000
    made = make_bars(MINUTE, start, count + 1)
    exchange.list_bars("BTCUSDT", MINUTE, made, market=market)
    outcome = get(exchange, store, interval=MINUTE, market=market)
    files = {path.rsplit("1m-")[-1] for path in exchange.paths(".zip") if "CHECKSUM" not in path}

    assert same(made[:-1], store.read("BTCUSDT", MINUTE, market=market))
    assert {"2025-11.zip", "2025-12.zip", "2026-01-01.zip", "2026-01-05.zip"} <= files
    assert count == outcome.new == outcome.bulk + outcome.rest


def test_a_month_not_out_yet_comes_as_days(exchange, store):
    """On 2 January there is no file of December, but there are its days."""
    start = parse_time("2025-12-01")
    exchange.now_ms = parse_time("2026-01-02T06:00")
    made = make_bars(MINUTE, start, 32 * 1440 + 360)
    exchange.list_bars("BTCUSDT", MINUTE, made)
    outcome = get(exchange, store, interval=MINUTE)

    assert same(made, store.read("BTCUSDT", MINUTE))
    assert 32 * 1440 == outcome.bulk
    assert [] == list(outcome.notes)


@pytest.mark.parametrize(("fault", "path"), [("bad_checksum", ".zip.CHECKSUM"), ("corrupt_zip", ".zip")])
def test_a_bad_file_gives_way_to_rest_and_says_so(exchange, store, bars, fault, path):
    """After the second try; the bars are the same."""
    with getattr(exchange, fault)(times=None, path=f"2025-10{path}"):
        outcome = get(exchange, store)

    assert same(bars[:-1], store.read("BTCUSDT", HOUR))
    assert any("2025-10" in note and "REST" in note for note in outcome.notes)


def test_an_archive_that_is_gone_gives_way_to_rest(exchange, store, bars):
    """One file's attempts are waited for, not every file's."""
    with exchange.server_error(path="/data/", times=None):
        outcome = get(exchange, store)

    assert same(bars[:-1], store.read("BTCUSDT", HOUR))
    assert any("502" in note and "REST" in note for note in outcome.notes)


@pytest.mark.parametrize("fault", ["drop", "reset_mid_page", "truncate_json", "server_error", "shuffle_page"])
def test_faults_that_pass_leave_no_trace(exchange, store, bars, fault):
    """In the middle of a download in threads."""
    with getattr(exchange, fault)(path="klines", after=1, times=3):
        outcome = get(exchange, store, source="rest")

    assert same(bars[:-1], store.read("BTCUSDT", HOUR))
    assert HOURS == outcome.new


def test_a_ban_keeps_what_came_and_the_next_run_goes_on(exchange, store):
    """418 in the middle of forty thousand minutes: every page that came is kept, none is asked for again."""
    start = NOW - 40_000 * 60_000
    made = make_bars(MINUTE, start, 40_000)
    exchange.list_bars("BTCUSDT", MINUTE, made)
    with exchange.refuse(418, retry_after=300, path="klines", after=25, times=None), pytest.raises(Banned):
        get(exchange, store, interval=MINUTE, source="rest", start=start)
    kept = store.read("BTCUSDT", MINUTE)
    exchange.requests.clear()
    get(exchange, store, interval=MINUTE, source="rest", start=start)

    assert len(kept) > 23_900
    assert len(exchange.queries()) <= (40_000 - len(kept)) // 1000 + 5
    assert same(made, store.read("BTCUSDT", MINUTE))


def test_an_exchange_that_dies_is_said_so(exchange, store, bars):
    """No network at all."""
    exchange.stop()
    with pytest.raises(Disconnected, match="goes on from here"):
        get(exchange, store)


def test_an_empty_store_grows_to_the_same_bars_in_any_pieces(exchange, store, bars):
    """Downloads of overlapping ranges in any order end in the same store."""
    draw = np.random.default_rng(3)
    for _ in range(12):
        first, last = sorted(draw.integers(0, HOURS, 2))
        get(exchange, store, start=int(bars.open_time[first]), end=int(bars.open_time[last]))
    get(exchange, store)

    assert same(bars[:-1], store.read("BTCUSDT", HOUR))


@pytest.mark.parametrize(
    ("venue", "archive"),
    [
        (find_venue("data", environ={}), True),
        (find_venue("mainnet", environ={}), True),
        (find_venue("testnet", environ={}), False),
        (find_venue("data", environ={"BT_RUN_REST_URL": "http://127.0.0.1:1"}), False),
        (find_venue("data", environ={"BT_RUN_ARCHIVE_URL": "http://127.0.0.1:1"}), True),
    ],
    ids=lambda value: getattr(value, "rest_url", None),
)
def test_the_real_archive_is_for_the_real_market_only(venue, archive):
    """Bars of the testnet, or of a host that somebody put in Binance's place, never mix with it."""

    assert archive is has_archive(venue, "spot")


def test_progress_counts_every_bar(exchange, store, bars):
    """Up to the total, never beyond it."""
    seen = []
    get(exchange, store, progress=seen.append)

    assert HOURS == seen[-1].bars
    assert all(step.bars <= step.total for step in seen)
