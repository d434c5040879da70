"""What is written comes back: exactly, once, in order."""

from __future__ import annotations

import dataclasses
import errno
import math
import os
import sqlite3
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.orders import TERMINAL, State
from bt_run.core.errors import ConfigError, JournalError
from bt_run.journal.journal import Journal
from bt_run.journal.records import (
    TERMINAL_STATES,
    BalanceRecord,
    ConnectionRecord,
    EquityRecord,
    OrderEvent,
    SignalRecord,
    SymbolRecord,
)

AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=18)
MAYBE = st.none() | AMOUNTS
NUMBERS = st.floats(allow_infinity=False)


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give a journal that many examples write to, each an order of its own."""
    with Journal(tmp_path_factory.mktemp("journal") / "many.sqlite") as journal:
        run = journal.begin_run(
            venue="testnet", symbol="BTCUSDT", interval="1m", strategy="rsi", started_ms=1
        ).run
        assert 1 == run
        yield journal, iter(range(1_000_000))


@settings(max_examples=60, deadline=None)
@given(amounts=st.tuples(MAYBE, MAYBE, MAYBE, MAYBE), fee=AMOUNTS, delta=st.none() | st.integers(1, 2000))
def test_amounts_come_back_to_the_last_digit(long_lived, make, amounts, fee, delta):
    """Decimals of any size and scale, and None where there is none."""
    journal, numbers = long_lived
    quantity, price, stop, quote = amounts
    number = next(numbers)
    order = make.order(
        f"c{number}",
        quantity=quantity,
        price=price,
        stop_price=stop,
        quote_quantity=quote,
        trailing_delta=delta,
    )
    fill = make.fill(number, client_id=order.client_id, fee=fee, quantity=quantity or Decimal(1))
    journal.write_order(order, OrderEvent("Submitted", 5, {"price": price}))

    assert journal.write_fill(fill)
    assert order == journal.order(order.client_id)
    assert [fill] == journal.fills(client_id=order.client_id)
    (line,) = journal.story(order.client_id)
    assert {"price": None if price is None else f"{price:f}"} == line.details


@settings(max_examples=40, deadline=None)
@given(values=st.lists(NUMBERS, min_size=9, max_size=9))
def test_bars_come_back_bit_for_bit(long_lived, make, values):
    """Every float, NaN as NaN."""
    journal, numbers = long_lived
    names = [field.name for field in dataclasses.fields(make.bar())][4:13]
    bar = make.bar(next(numbers), **dict(zip(names, values, strict=True)))

    assert 1 == journal.write_bars([bar])
    (found,) = journal.bars(1, since=bar.open_time, until=bar.open_time)
    for name in names:
        wanted, got = getattr(bar, name), getattr(found, name)
        assert wanted == got or (math.isnan(wanted) and math.isnan(got))


def test_amounts_are_plain_text_in_the_file(journal, make, path):
    """No float and no exponent: SQLite would round the one, people stumble over the other."""
    journal.write_order(make.order(quantity=Decimal("1E-8"), price=Decimal("1E+3")), OrderEvent("Submitted", 1))
    with closing(sqlite3.connect(path)) as raw:
        row = raw.execute("SELECT quantity, typeof(quantity), price FROM orders").fetchone()

    assert ("0.00000001", "text", "1000") == row


@pytest.mark.parametrize(("value", "error"), [(0.1, TypeError), (Decimal("NaN"), ValueError), (3, TypeError)])
def test_a_float_is_refused_before_it_is_written(make, value, error):
    """The message names the field."""
    with pytest.raises(error, match="quantity of OrderRecord"):
        make.order(quantity=value)


def test_an_order_keeps_its_whole_story(journal, make):
    """Each change is a line; the row is the order as it stands now."""
    journal.write_order(make.order(), OrderEvent("Submitted", 1, {"url": "/api/v3/order"}))
    journal.write_order(make.order(state="OPEN", exchange_id=2**60), OrderEvent("Accepted", 2))
    journal.write_order(make.order(state="CANCELED", updated_ms=9), OrderEvent("Canceled", 3))

    assert ["Submitted", "Accepted", "Canceled"] == [line.kind for line in journal.story("btr-1")]
    assert [1, 2, 3] == [line.sequence for line in journal.story("btr-1")]
    assert [make.order(state="CANCELED", updated_ms=9)] == journal.orders()
    assert [] == journal.story("unknown")


def test_a_state_may_be_given_as_the_broker_has_it(journal, make):
    """As a StrEnum; it lies as plain text, and its order counts as done where it is."""
    journal.write_order(make.order(state=State.FILLED), OrderEvent("Fill", 1, {"from": State.SENT}))

    assert str is type(make.order(state=State.FILLED).state)
    assert ("FILLED", {"from": "SENT"}) == (journal.order("btr-1").state, journal.story("btr-1")[0].details)
    assert [] == journal.open_orders()


def test_the_states_that_end_an_order_are_those_of_the_broker():
    """The journal lies above the broker's room and below nobody who could compare the two."""
    assert {str(state) for state in TERMINAL} == set(TERMINAL_STATES)


def test_several_orders_are_written_together_or_not_at_all(journal, make):
    """The legs of a list: where the second cannot be written, the first is not there either."""
    legs = [
        (make.order("a"), OrderEvent("Submitted", 1)),
        (make.order("b", run=99), OrderEvent("Submitted", 1)),
    ]
    with pytest.raises(JournalError, match="FOREIGN KEY"):
        journal.write_orders(legs)
    assert [] == journal.orders()
    journal.write_orders([legs[0], (make.order("b"), OrderEvent("Submitted", 1))])

    assert ["a", "b"] == [order.client_id for order in journal.orders()]


def test_a_fill_is_booked_once(journal, make):
    """The second time nothing is written, the order neither; another order's side of the same trade is new."""
    journal.write_order(make.order(), OrderEvent("Submitted", 1))
    filled = make.order(state="FILLED")

    assert journal.write_fill(make.fill(), filled, OrderEvent("Fill", 2))
    assert not journal.write_fill(make.fill(time_ms=5), make.order(state="OPEN"), OrderEvent("Fill", 3))
    assert journal.write_fill(make.fill(client_id="btr-2", side="SELL"))
    assert 2 == len(journal.fills())
    assert "FILLED" == journal.order("btr-1").state
    assert 2 == len(journal.story("btr-1"))


def test_trade_ids_of_another_venue_are_other_trades(journal, make, begin):
    """The testnet counts its own; the same id elsewhere must not pass for a fill that is booked already."""
    second = begin(journal, venue="mainnet")

    assert journal.write_fill(make.fill())
    assert journal.write_fill(make.fill(run=second))
    assert not journal.write_fill(make.fill(run=second))


def test_a_fill_of_a_run_that_is_not_there_is_refused(journal, make):
    """And nothing is written."""
    with pytest.raises(ConfigError, match="no run 9"):
        journal.write_fill(make.fill(run=9))

    assert [] == journal.fills()


def test_open_orders_are_those_that_a_start_must_ask_for(journal, make, begin):
    """Of all runs, of the venue and mode asked for; the order keeps the run that made it."""
    for name, state in [("a", "SENT"), ("b", "FILLED"), ("c", "UNKNOWN"), ("d", "REJECTED"), ("e", "PARTIAL")]:
        journal.write_order(make.order(name, state=state), OrderEvent("Submitted", 1))
    paper = begin(journal, mode="paper")
    journal.write_order(make.order("f", run=paper, state="OPEN"), OrderEvent("Submitted", 1))

    assert ["a", "c", "e"] == [order.client_id for order in journal.open_orders(venue="testnet", mode="live")]
    assert ["f"] == [order.client_id for order in journal.open_orders(mode="paper")]
    assert 4 == len(journal.open_orders())
    assert [] == journal.open_orders(venue="mainnet")
    assert [] == journal.open_orders(symbol="ETHUSDT")
    assert all(order.is_open for order in journal.open_orders())


def test_runs_begin_end_and_are_found(journal, begin):
    """Settings come back as they were but for secrets; the newest run that fits is the last."""
    second = journal.begin_run(
        venue="practice",
        symbol="ETHUSDT",
        interval="1h",
        strategy="macd",
        started_ms=50,
        params={"fast": 8},
        settings={"stake": Decimal("0.10"), "api_key": "hush", "notify": {"token": "hush", "on": True}},
        resumes=1,
    )
    journal.end_run(1, ended_ms=40, outcome="stopped")

    assert second == journal.run(2) == journal.last_run() == journal.last_run(venue="practice")
    assert {"stake": "0.10", "api_key": "***", "notify": {"token": "***", "on": True}} == second.settings
    assert (40, "stopped") == (journal.run(1).ended_ms, journal.run(1).outcome)
    assert 1 == journal.last_run(symbol="BTCUSDT").run
    assert journal.last_run(strategy="none") is None
    assert [2] == [run.run for run in journal.runs(symbol="ETHUSDT")]
    with pytest.raises(ConfigError, match=r"no run 7. It has runs 1 to 2"):
        journal.run(7)


def test_what_was_seen_comes_back(journal, make):
    """Signals, equity, balances, connections, symbols, state; written again, the last one holds."""
    signal = SignalRecord(1, "BTCUSDT", 60_000, ("long_entry",), {"rsi": 29.5, "macd": None})
    equity = EquityRecord(1, "BTCUSDT", 60_000, *(Decimal(text) for text in ("1.1", "2.2", "3.3", "8.36")))
    balances = [BalanceRecord(1, 5, asset, Decimal("1.50"), Decimal(0)) for asset in ("BTC", "USDT")]
    link = ConnectionRecord(1, 5, "btcusdt@kline_1m", "disconnected", {"reason": "1006"})
    symbol = SymbolRecord(1, "BTCUSDT", "BTC", "USDT", lot_step=Decimal("0.00001"))
    journal.write_signal(dataclasses.replace(signal, decisions=()))
    for _ in range(2):
        journal.write_signal(signal)
        journal.write_equity(equity)
        journal.write_balances(balances)
        journal.write_symbol(symbol)
        journal.write_state(1, "paused", {"until": None, "why": Decimal("1.0")})
    journal.write_connection(link)
    journal.write_balances([])
    journal.beat()

    assert [signal] == journal.signals(1)
    assert [equity] == journal.equity(1)
    assert balances == journal.balances(1)
    assert [link] == journal.connections(1)
    assert [symbol] == journal.symbols(1)
    assert {"paused": {"until": None, "why": "1.0"}} == journal.state(1)


def test_a_bar_stays_as_the_strategy_saw_it(journal, make):
    """What comes again, by a backfill, is not new; the others of the same call are."""
    assert 1 == journal.write_bars([make.bar(0)])
    assert 2 == journal.write_bars([make.bar(0, close=1.0, source="backfill"), make.bar(1), make.bar(2)])
    assert 0 == journal.write_bars([])
    assert [64000.1, "live"] == [journal.bars(1)[0].close, journal.bars(1)[0].source]
    assert [make.bar(1)] == journal.bars(1, since=make.bar(1).open_time, until=make.bar(1).open_time)
    assert [] == journal.bars(1, interval="5m")


def test_orders_and_fills_are_chosen_by_symbol_time_and_run(journal, make, begin):
    """Both ends of the time count."""
    second = begin(journal)
    for number in range(4):
        symbol = "ETHUSDT" if number == 3 else "BTCUSDT"
        run = second if number == 2 else 1
        order = make.order(f"c{number}", created_ms=number, symbol=symbol, run=run)
        journal.write_order(order, OrderEvent("Submitted", number))
        journal.write_fill(make.fill(number, symbol=symbol, run=run, time_ms=number))

    assert ["c1", "c2", "c3"] == [order.client_id for order in journal.orders(since=1)]
    assert ["c0", "c1"] == [order.client_id for order in journal.orders(until=1)]
    assert ["c3"] == [order.client_id for order in journal.orders(symbol="ETHUSDT")]
    assert [2] == [fill.trade_id for fill in journal.fills(run=second)]
    assert [0, 1] == [fill.trade_id for fill in journal.fills(run=1, symbol="BTCUSDT", until=3)]


def test_another_thread_is_told_off(journal, make):
    """A write or a read from a thread that did not open the journal is a bug of the caller."""
    said: list[str] = []

    def misuse() -> None:
        for call in (lambda: journal.write_order(make.order(), OrderEvent("Submitted", 1)), journal.orders):
            try:
                call()
            except RuntimeError as error:
                said.append(str(error))

    thread = threading.Thread(target=misuse)
    thread.start()
    thread.join()

    assert 2 == len(said)
    assert "did not open it" in said[0]
    assert [] == journal.orders()


def test_a_database_that_fails_is_named_with_what_it_said(path: Path, make, begin):
    """A transaction of a stranger holds the file: the order is not written, and the error says so."""
    with Journal(path) as journal, closing(sqlite3.connect(path, isolation_level=None)) as stranger:
        begin(journal)
        journal._durable.exec_driver_sql("PRAGMA busy_timeout=1")
        journal._durable.rollback()
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            JournalError, match=r"bot.sqlite failed: database is locked. Another program"
        ) as caught:
            journal.write_order(make.order(), OrderEvent("Submitted", 1))
        stranger.execute("ROLLBACK")
        journal.write_order(make.order("later"), OrderEvent("Submitted", 1))

        assert 6 == caught.value.exit_code
        assert ["later"] == [order.client_id for order in journal.orders()]


def test_a_database_that_fails_within_a_transaction_leaves_none_open(journal, make, path):
    """Its second part cannot be written: the first is not there either, and the next order is."""
    with pytest.raises(JournalError, match=r"bot.sqlite failed: .*FOREIGN KEY"):
        journal.write_orders(
            [(make.order("first"), OrderEvent("Intent", 1)), (make.order(run=9), OrderEvent("Intent", 1))]
        )
    journal.write_order(make.order("next"), OrderEvent("Intent", 1))

    assert ["next"] == [order.client_id for order in journal.orders()]


def test_what_is_made_ready_leaves_nothing_to_read(journal, make, path):
    """The log is as long as it will become, the file is not, and the rehearsed order is nowhere."""
    before = path.stat().st_size
    journal.make_ready(1)

    assert 3_900_000 < path.with_name(f"{path.name}-wal").stat().st_size
    assert before == path.stat().st_size
    assert ([], []) == (journal.orders(), journal.story("rehearsal"))
    with closing(sqlite3.connect(path)) as reader:
        assert [] == reader.execute("SELECT * FROM sqlite_master WHERE name = 'filler'").fetchall()


def test_orders_after_making_ready_survive_a_power_failure(journal, make, path, tmp_path):
    """They lie at the beginning of the long log; what the filler left behind them is taken for nothing."""
    journal.make_ready(1)
    journal.write_order(make.order("real"), OrderEvent("Intent", 1))
    copy = tmp_path / "after.sqlite"
    for ending in ("", "-wal"):
        copy.with_name(copy.name + ending).write_bytes(path.with_name(path.name + ending).read_bytes())
    with closing(sqlite3.connect(copy)) as found:
        assert [("real",)] == found.execute("SELECT client_id FROM orders").fetchall()
        assert [("ok",)] == found.execute("PRAGMA integrity_check").fetchall()
        assert [] == found.execute("SELECT * FROM sqlite_master WHERE name = 'filler'").fetchall()


def test_staying_ready_changes_nothing(journal, make, path):
    """It waits for the disk and reads; orders after it are written as ever."""
    journal.make_ready(1)
    journal.stay_ready(1)
    journal.write_order(make.order("first"), OrderEvent("Intent", 1))
    journal.write_bars([make.bar(1)])
    with closing(sqlite3.connect(path)) as reader:
        before = list(reader.iterdump())
        journal.stay_ready(1)
        assert before == list(reader.iterdump())
    journal.write_order(make.order("second"), OrderEvent("Intent", 2))

    assert ["first", "second"] == [order.client_id for order in journal.orders()]
    assert [1, 2] == [line.time_ms for name in ("first", "second") for line in journal.story(name)]


@pytest.fixture
def flushes(monkeypatch):
    """Give a list that gets an entry each time the log is brought to the disk other than by a commit."""
    told, flush = [], os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda file: (told.append(file), flush(file)))
    return told


def test_an_intent_is_there_at_once_and_waits_for_no_disk(journal, make, path, flushes):
    """Another process sees it, so this one may die; both orders of a list or none."""
    journal.write_intents([(make.order(name), OrderEvent("Intent", 1)) for name in ("a", "b")])
    with closing(sqlite3.connect(path)) as reader:
        assert [("a",), ("b",)] == reader.execute("SELECT client_id FROM orders ORDER BY 1").fetchall()
    with pytest.raises(JournalError, match="FOREIGN KEY"):
        journal.write_intents(
            [(make.order("c"), OrderEvent("Intent", 1)), (make.order(run=9), OrderEvent("Intent", 1))]
        )

    assert ["a", "b"] == [order.client_id for order in journal.orders()]


@pytest.mark.parametrize("between", ["nothing", "known fill", "answer", "fill", "state", "calm"])
def test_no_second_intent_goes_ahead_of_the_disk(journal, make, flushes, between):
    """Whatever brings the log to the disk after the first one is enough; else the second one waits for it."""
    journal.make_ready(1)
    journal.write_fill(make.fill(trade_id=5))
    journal.write_intents([(make.order("first"), OrderEvent("Intent", 1))])
    before = len(flushes)
    if between == "answer":
        journal.write_order(make.order("first"), OrderEvent("Accepted", 2))
    elif between == "known fill":  # nothing is written, so no commit waits for the disk
        assert not journal.write_fill(make.fill(trade_id=5))
    elif between == "fill":
        journal.write_fill(make.fill(client_id="first"))
    elif between == "state":
        journal.write_state(1, "paused", True)
    elif between == "calm":
        journal.write_bars([make.bar(1)])
        journal.stay_ready(1)
        before += 1
    journal.write_intents([(make.order("second"), OrderEvent("Intent", 3))])
    after_second = len(flushes)
    journal.write_bars([make.bar(2)])
    journal.write_intents([(make.order("third"), OrderEvent("Intent", 4))])

    waits = 1 if between in ("nothing", "known fill") else 0
    assert (waits, 1) == (after_second - before, len(flushes) - after_second)


def test_a_disk_that_fails_is_told_of(journal, make, monkeypatch):
    """What could not be brought to the disk shall not be taken for safe."""

    def fail(file):
        raise OSError(errno.EIO, "Input/output error")

    journal.write_bars([make.bar(1)])
    monkeypatch.setattr(os, "fdatasync", fail, raising=False)
    with pytest.raises(JournalError, match=f"{journal.place}.*Input/output error"):
        journal.stay_ready(1)


def test_the_log_stays_long_when_it_is_copied(journal, make, path):
    """Or else the next order would make it longer again."""
    journal.make_ready(1)
    log = path.with_name(f"{path.name}-wal")
    long = log.stat().st_size
    for number in range(20):
        journal.write_bars([make.bar(number)])
    with closing(sqlite3.connect(path)) as other:
        (busy, *_) = other.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        journal.write_order(make.order(), OrderEvent("Intent", 1))

    assert (0, long) == (busy, log.stat().st_size)
