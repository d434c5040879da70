"""From a plan to an exchange: data, balances, fees, filters, keys, and a state that outlives it."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from decimal import Decimal

import pytest
from exchange_market import make_bars

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.core.interval import Interval
from bt_run.core.venue import VENUES
from bt_run.practice.market.data_file import MarketRequest
from bt_run.practice.market.filter_changes import read_filters
from bt_run.practice.orders import Ticket
from bt_run.practice.plan import DEFAULT_PORT, PracticePlan, prepare
from bt_run.practice.rules import Fees
from bt_run.practice.truth import state_of
from feeds.csv_writer import write_bars

MINUTE = 60_000
START = 1_767_268_800_000  # 2026-01-01T12:00:00Z


@pytest.fixture
def csv(tmp_path):
    """Give what writes a file of one-minute bars that begins some minutes after noon."""

    def make(symbol, count=60, late=0):
        path = tmp_path / f"{symbol}-1m.csv"
        write_bars(path, make_bars(Interval.parse("1m"), START + late * MINUTE, count))
        return MarketRequest(str(path), symbol=symbol)

    return make


def buy(practice, quantity="0.1", name="a"):
    """Place a market order."""
    return practice.exchange.trading.place(Ticket("BTCUSDT", "BUY", "MARKET", name, quantity=Decimal(quantity)))


def test_the_default_is_ten_thousand_in_the_middle_of_the_data(csv):
    """And loopback, and Binance's fees."""
    found = prepare(PracticePlan((csv("BTCUSDT"),)))

    assert START + 30 * MINUTE == found.exchange.now
    totals = {asset: balance.total for asset, balance in found.exchange.trading.balances().items()}
    assert {"USDT": 10_000, "BTC": 0} == totals
    assert ("127.0.0.1", "0.001") == (found.server.host, str(found.exchange.market("BTCUSDT").rules.fees.taker))


def test_fees_filters_and_balances_are_what_the_plan_says(csv):
    """Those of a symbol go before those of all."""
    plan = PracticePlan(
        (csv("BTCUSDT"), csv("ETHUSDT")),
        balances={"USDT": Decimal(500), "BTC": Decimal(1)},
        fees=Fees(Decimal(0), Decimal("0.002"), "quote"),
        filters={
            "*": {"step_size": Decimal("0.01"), "min_notional": Decimal(7)},
            "ETHUSDT": {"min_notional": Decimal(9)},
        },
    )
    exchange = prepare(plan).exchange
    rules = [exchange.market(symbol).rules for symbol in ("BTCUSDT", "ETHUSDT")]

    assert [(Decimal("0.01"), 7), (Decimal("0.01"), 9)] == [(one.step_size, one.min_notional) for one in rules]
    assert [plan.fees] * 2 == [one.fees for one in rules]
    assert Decimal(500) == exchange.trading.balances()["USDT"].free


def test_several_markets_begin_at_the_same_moment(csv):
    """At the latest of their beginnings, so that none trades the past."""
    found = prepare(PracticePlan((csv("BTCUSDT"), csv("ETHUSDT", late=20))))

    assert START + 50 * MINUTE == found.exchange.now
    assert {START + 50 * MINUTE} == {item.market.now for item in found.loaded}


def test_markets_that_do_not_meet_are_refused(csv):
    """The one has ended when the other begins."""
    with pytest.raises(ConfigError, match="The data ends with the bar of"):
        prepare(PracticePlan((csv("BTCUSDT", 10), csv("ETHUSDT", 10, late=100))))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"markets": ()}, "needs data to replay"),
        ({"filters": {"XRPUSDT": {}}}, "XRPUSDT, which is not replayed"),
        ({"balances": {"USDT": Decimal(-1)}}, "balance of USDT is -1"),
        ({"public_key": "x"}, "not a public key"),
        ({"speed": 0}, "above zero"),
    ],
)
def test_what_does_not_fit_is_told(csv, change, words):
    """In a sentence."""
    with pytest.raises(ConfigError, match=words):
        prepare(PracticePlan(**{"markets": (csv("BTCUSDT"),), **change}))


def test_a_symbol_is_given_once(csv):
    """Two files of one market would be two truths."""
    with pytest.raises(ConfigError, match="BTCUSDT is given twice"):
        prepare(PracticePlan((csv("BTCUSDT"), csv("BTCUSDT"))))


def test_a_seed_makes_the_same_key_and_the_same_market(csv):
    """Without it the key is of chance."""
    request = csv("BTCUSDT")
    same = [prepare(PracticePlan((request,), seed=7)) for _ in range(2)]
    others = [prepare(PracticePlan((request,))) for _ in range(2)]

    assert same[0].key == same[1].key
    assert 3 == len({found.key.secret for found in (*others, same[0])})
    assert 1 == len({[found.exchange.step() for _ in range(20)][-1] for found in same})


def test_the_venue_looks_where_the_command_listens():
    """Both have the port written down."""
    assert VENUES["practice"].rest_url == f"http://127.0.0.1:{DEFAULT_PORT}"
    assert VENUES["practice"].ws_api_url == f"ws://127.0.0.1:{DEFAULT_PORT}"


# The state.


def test_a_state_brings_everything_back(csv, tmp_path):
    """Clock, orders, balances, key; and the market goes on as it would have."""
    plan = PracticePlan((csv("BTCUSDT"), csv("ETHUSDT")), state=tmp_path / "state.json")
    first = prepare(plan)
    market = first.exchange.market("BTCUSDT")
    first.exchange.advance(first.exchange.now + 3 * MINUTE)
    for listing in first.exchange.markets.values():
        listing.skip(first.exchange.now + MINUTE, first.exchange.now + 3 * MINUTE)
    first.exchange.advance(first.exchange.now + 4 * MINUTE + 20_000)
    buy(first)
    first.exchange.trading.place(
        Ticket("BTCUSDT", "BUY", "LIMIT", "b", quantity=Decimal("0.1"), price=market.last_price - 10)
    )
    first.state.close()
    second = prepare(plan)

    assert (False, True) == (first.restored, second.restored)
    assert state_of(first.exchange, None) == state_of(second.exchange, None)
    assert first.key == second.key
    before, after = (
        [item.market.klines("1m", now=found.exchange.now, limit=1000) for item in found.loaded]
        for found in (first, second)
    )
    assert before == after
    ends = [[found.exchange.step() for _ in range(100)] for found in (first, second)]
    assert ends[0] == ends[1]
    assert state_of(first.exchange, None) == state_of(second.exchange, None)


def test_the_market_goes_on_as_the_seed_made_it(csv, tmp_path):
    """Whatever seed is named at the restart, or none: prices inside the running bar must not jump."""
    plan = PracticePlan((csv("BTCUSDT"),), seed=9, state=tmp_path / "state.json")
    first = prepare(plan)
    first.exchange.advance(first.exchange.now + 20_000)
    first.state.close()
    others = [prepare(replace(plan, seed=seed)) for seed in (None, 3)]

    prints = [[found.exchange.step() for _ in range(30)] for found in (first, *others)]
    assert prints[0] == prints[1] == prints[2]


def test_a_place_for_the_state_is_looked_at_first(csv, tmp_path):
    """Not when the exchange is served and the first second is over."""
    with pytest.raises(ConfigError, match=r"folder .+ does not exist"):
        prepare(PracticePlan((csv("BTCUSDT"),), state=tmp_path / "none" / "state.json"))


def test_a_state_at_the_end_of_the_data_stays_there(csv, tmp_path):
    """Nothing is replayed again."""
    plan = PracticePlan((csv("BTCUSDT"),), state=tmp_path / "state.json")
    first = prepare(plan)
    first.exchange.advance(START + 61 * MINUTE)
    first.state.close()
    second = prepare(plan)

    assert second.exchange.now == first.exchange.now
    assert second.exchange.next_time() is None


def test_a_state_is_there_whole_or_not_at_all(csv, tmp_path, monkeypatch):
    """An end while the first is written leaves none, and so nothing that the next start could not read."""
    path = tmp_path / "state.json"
    found = prepare(PracticePlan((csv("BTCUSDT"),), state=path))

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(found.state, "_told", interrupted)
    with pytest.raises(KeyboardInterrupt):
        found.state.save()

    assert [] == list(tmp_path.glob("*state*"))


def test_the_state_is_written_when_something_has_changed(csv, tmp_path):
    """At most once a second; for the owner's eyes only, because the key can be made from it."""
    path = tmp_path / "state.json"
    found = prepare(PracticePlan((csv("BTCUSDT"),), state=path))
    clock = [100.0]
    found.state._clock = lambda: clock[0]
    found.state.save_if_due()
    first = path.read_text()
    buy(found)
    found.state.save_if_due()
    early = path.read_text()
    clock[0] += 1.5
    found.state.save_if_due()
    late = path.read_text()
    path.unlink()
    clock[0] += 5
    found.state.save_if_due()

    assert first == early != late
    assert not path.exists()
    found.state.save()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "cannot be read as a state"),
        ("{}", "is not a state"),
        ('{"practice_state": 2}', "is not a state"),
        ('{"practice_state": 1, "now": 1, "key_seed": 1, "trading": {}, "markets": {}}', "has no BTCUSDT"),
    ],
)
def test_a_file_that_is_no_state_is_refused(csv, tmp_path, text, words):
    """And stays as it is."""
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words):
        prepare(PracticePlan((csv("BTCUSDT"),), state=path))
    assert text == path.read_text()


def test_a_state_of_other_data_or_in_pieces_is_refused(csv, tmp_path):
    """Each by name."""
    path = tmp_path / "state.json"
    found = prepare(PracticePlan((csv("BTCUSDT"),), state=path))
    found.state.close()
    told = json.loads(path.read_text())
    path.write_text(json.dumps({**told, "trading": {"version": 1}}))
    with pytest.raises(ConfigError, match="is damaged: KeyError"):
        prepare(PracticePlan((csv("BTCUSDT"),), state=path))
    path.write_text(json.dumps(told))
    with pytest.raises(ConfigError, match="was made with other data of BTCUSDT"):
        prepare(PracticePlan((csv("BTCUSDT", late=31),), state=path))


# Filters.


def test_filters_are_read_in_binances_words(tmp_path):
    """As an object, or as the list of exchangeInfo."""
    path = tmp_path / "filters.json"
    path.write_text(
        json.dumps(
            {
                "btcusdt": {"LOT_SIZE": {"stepSize": "0.001"}, "MAX_NUM_ORDERS": {"maxNumOrders": 3}},
                "*": [{"filterType": "NOTIONAL", "minNotional": 20, "applyMinToMarket": False}],
            }
        )
    )

    assert {
        "BTCUSDT": {"step_size": Decimal("0.001"), "max_orders": 3},
        "*": {"min_notional": 20, "apply_min_to_market": False},
    } == read_filters(path)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([], "Write an object by symbol"),
        ({"A": 1}, "filters of A must be"),
        ({"A": {"LOTSIZE": {}}}, "Did you mean 'LOT_SIZE'"),
        ({"A": {"LOT_SIZE": 1}}, "must be an object"),
        ({"A": {"LOT_SIZE": {"step": 1}}}, "no field of LOT_SIZE 'step'"),
        ({"A": {"LOT_SIZE": {"stepSize": "x"}}}, 'LOT_SIZE.stepSize is "x"; it must be a number'),
        ({"A": {"LOT_SIZE": {"stepSize": -1}}}, "0 or more"),
        ({"A": {"NOTIONAL": {"applyMinToMarket": 1}}}, "true or false"),
        ({"A": {"MAX_NUM_ORDERS": {"maxNumOrders": 1.5}}}, "a whole number"),
    ],
)
def test_filters_that_are_none_are_told_with_the_file(tmp_path, told, words):
    """The filter, the field, the value."""
    path = tmp_path / "filters.json"
    path.write_text(json.dumps(told))
    with pytest.raises((ConfigError, UnknownName)) as error:
        read_filters(path)

    assert words in str(error.value)
    assert str(path) in str(error.value)


def test_a_file_of_filters_that_is_not_there_is_named(tmp_path):
    """As any other."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_filters(tmp_path / "none.json")
