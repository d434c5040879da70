"""The check finds over REST what the stream may have lost, at the right times, and survives the network."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest

from brokers.binance.account_check import AccountCheck
from brokers.binance.credentials import Credentials
from brokers.binance.server_clock import ServerClock
from brokers.gateway import AccountReport
from brokers.reconciling.views import ExchangeOrder, Missing
from bt_run.core.errors import Rejected
from bt_run.practice.faults import HiddenOrder, LateAnswer, RefuseRequest, ServerError, Wipe
from bt_run.practice.signing import made_key

D = Decimal


@pytest.fixture
def start(practice, background):
    """Give what starts a check that is made only when somebody wants one."""

    def begin(*, credentials=None, first=True, **options):
        check = AccountCheck(
            practice.venue,
            credentials or practice.credentials,
            practice.inbox,
            background,
            symbols=["BTCUSDT"],
            limits=practice.limits,
            **{"clock": practice.clock, "interval_s": 600.0, "floor_s": 0.0, **options},
        )
        check.done = check.start()
        if first:
            practice.await_events(AccountReport)
        return check

    return begin


@pytest.fixture
def gateway(practice):
    gateway = practice.gateway()
    gateway.connect()
    yield gateway
    gateway.close()


def next_report(practice, check):
    """Want a check, and give its report."""
    before = len(practice.received(AccountReport))
    check.check_soon("the test")
    return practice.await_events(AccountReport, before + 1)[before]


def later(practice):
    """Let three minutes pass, and all who share the clock know of it."""
    practice.advance(3)
    practice.clock.note(practice.server.exchange.now, asked_s=time.time(), trip_s=0.0)


def test_a_report_holds_the_whole_account(practice, start, gateway, make_order):
    """Open orders, trades, balances, and the time before the first question."""
    resting, bought = make_order(), make_order("MARKET")
    gateway.place(resting)
    fills = gateway.place(bought)[1:]
    start()
    (report,) = practice.received(AccountReport)

    assert [resting.client_id] == [order.client_id for order in report.open_orders]
    assert [fill.trade_id for fill in fills] == [trade.trade_id for trade in report.trades]
    assert D(50) == report.balances["USDT"].locked
    assert {} == report.asked
    assert abs(report.time_ms - practice.server.exchange.now) < 1000


def test_trades_are_told_once_each(practice, start, gateway, make_order):
    """Each report has those since the last one."""
    check = start()
    told = []
    for count in (0, 2, 1):
        placed = [gateway.place(make_order("MARKET")) for _ in range(count)]
        expected = [fill.trade_id for events in placed for fill in events[1:]]
        told += expected
        assert expected == [trade.trade_id for trade in next_report(practice, check).trades]
    assert len(told) == len(set(told)) >= 3


def test_trades_before_the_one_that_is_known_are_left_out(practice, start, gateway, make_order):
    """The journal has them."""
    ids = [gateway.place(make_order("MARKET"))[-1].trade_id for _ in range(3)]
    start(since_trade_ids={"BTCUSDT": ids[1]})

    (report,) = practice.received(AccountReport)
    assert ids[1] < min(trade.trade_id for trade in report.trades)
    assert ids[2] == report.trades[-1].trade_id


def test_old_trades_are_not_told_without_a_known_one(practice, start, gateway, make_order):
    """Ten minutes back is far enough; the start asks for more by itself."""
    gateway.place(make_order("MARKET"))
    practice.advance(20)
    last = gateway.place(make_order("MARKET"))[1:]
    start(clock=ServerClock())

    (report,) = practice.received(AccountReport)
    assert [fill.trade_id for fill in last] == [trade.trade_id for trade in report.trades]


def test_trades_are_found_on_an_exchange_that_began_anew(practice, start, gateway, make_order):
    """The testnet is wiped about monthly; the last trade that was known is gone, so its number says nothing."""
    check = start(since_trade_ids={"BTCUSDT": 10**12})
    practice.faults.add(Wipe())
    fills = gateway.place(make_order("MARKET"))[1:]

    report = next_report(practice, check)

    assert [fill.trade_id for fill in fills] == [trade.trade_id for trade in report.trades]
    assert () == next_report(practice, check).trades


def test_a_trade_that_the_exchange_does_not_list_any_more_is_told_once_no_copy_lags_so_long(
    practice, start, gateway, make_order
):
    """With nothing open and nothing held, it alone shows that a testnet began anew."""
    last = gateway.place(make_order("MARKET"))[-1]
    check = start()
    practice.faults.add(Wipe())
    assert {} == next_report(practice, check).lost
    later(practice)
    gateway.place(make_order("MARKET"))
    for _ in range(2):
        assert {"BTCUSDT": last.trade_id} == next_report(practice, check).lost


def test_a_trade_of_the_books_that_no_check_has_seen_is_looked_for(practice, start, gateway, make_order):
    """The stream told of it, and the exchange began anew before the next check; the newest is told of."""
    check = start()
    gateway.place(make_order("MARKET"))
    next_report(practice, check)
    last = gateway.place(make_order("MARKET"))[-1]
    practice.faults.add(Wipe())
    check.expect("BTCUSDT", last.trade_id, last.time_ms)
    assert {} == next_report(practice, check).lost
    later(practice)
    assert {"BTCUSDT": last.trade_id} == next_report(practice, check).lost


def test_a_trade_of_the_books_that_a_check_has_seen_is_asked_for_no_more(practice, start, gateway, make_order):
    check = start()
    fill = gateway.place(make_order("MARKET"))[-1]
    check.expect("BTCUSDT", fill.trade_id, fill.time_ms)
    next_report(practice, check)
    later(practice)
    assert {} == next_report(practice, check).lost
    assert {} == check._missed
    assert {} == check._expected


def test_a_trade_that_a_copy_did_not_list_for_a_moment_is_not_lost(
    practice, start, gateway, make_order, monkeypatch
):
    """What was missed is asked for again before anything is told."""
    gateway.place(make_order("MARKET"))
    check = start()
    ask = check._questions.trades
    with monkeypatch.context() as patch:
        patch.setattr(check._questions, "trades", lambda symbol, **asked: ())
        next_report(practice, check)
    assert ask == check._questions.trades
    later(practice)
    assert {} == next_report(practice, check).lost
    assert {} == check._missed


def test_an_order_is_asked_for_until_it_is_found(practice, start, gateway, make_order, eventually):
    """-2013 at first may be a copy that lags; how long it has been so is told."""
    check, order = start(first_s=0.01), make_order()
    with practice.faults.having(HiddenOrder(hidden_s=0.4)):
        gateway.place(order)
        check.ask("BTCUSDT", order.client_id)

        def found():
            answers = [report.asked.get(order.client_id) for report in practice.received(AccountReport)]
            return answers if any(isinstance(answer, ExchangeOrder) for answer in answers) else None

        answers = [answer for answer in eventually(found) if answer is not None]

    *missing, last = answers
    assert len(missing) >= 2
    assert {-2013} == {answer.code for answer in missing}
    waits = [answer.asked_s for answer in missing]
    assert 0 == waits[0]
    assert sorted(waits) == waits
    assert order.client_id == last.client_id
    assert {} == next_report(practice, check).asked


def test_the_pauses_between_questions_double(practice, start):
    """1 s, 2 s, 4 s, ..., 30 s at most; time does not pass in this test."""
    now = [0.0]
    check = start(steady=lambda: now[0], first=False, interval_s=1e9)
    practice.await_events(AccountReport)
    check.ask("BTCUSDT", "btr-0b-00000099")
    times = []
    while len(times) < 8:
        now[0] = round(now[0] + 0.5, 1)
        before = len(practice.received(AccountReport))
        if check._until_next_s() <= 0:
            check._wake()
            report = practice.await_events(AccountReport, before + 1)[before]
            assert now[0] - (times[0] if times else now[0]) == report.asked["btr-0b-00000099"].asked_s
            times.append(now[0])

    assert [1.0, 3.0, 7.0, 15.0, 31.0, 61.0, 91.0, 121.0] == times


def test_an_order_that_is_forgotten_is_asked_for_no_more(practice, start, eventually):
    """Its fate was told some other way."""
    check = start(first_s=0.01)
    check.ask("BTCUSDT", "btr-0b-00000099")
    eventually(lambda: any(report.asked for report in practice.received(AccountReport)))
    check.forget("btr-0b-00000099")
    next_report(practice, check)

    assert isinstance(practice.received(AccountReport)[1].asked["btr-0b-00000099"], Missing)
    assert {} == next_report(practice, check).asked


def test_it_checks_again_after_the_interval(practice, start):
    """Without being asked."""
    start(interval_s=0.02)

    assert len(practice.await_events(AccountReport, 4)) >= 4


def test_many_doubts_make_few_checks(practice, start):
    """The floor holds, however much is in doubt."""
    check = start(floor_s=0.2)
    before = len(practice.received(AccountReport))
    for _ in range(100):
        check.check_soon("a doubt")
    practice.await_events(AccountReport, before + 1)

    assert before + 1 == len(practice.received(AccountReport))
    assert check._until_next_s() > 1


def test_a_check_that_fails_loses_no_trade(practice, start, gateway, make_order, eventually):
    """What a failed one had found is told by the next."""
    check = start()
    fills = gateway.place(make_order("MARKET"))[1:]
    with practice.faults.having(RefuseRequest(method="account.status", code=-1020, message="not now")):
        check.check_soon()
        eventually(lambda: "not now" in check.trouble)
    report = next_report(practice, check)

    assert [fill.trade_id for fill in fills] == [trade.trade_id for trade in report.trades]
    assert "" == check.trouble


def test_what_passes_is_tried_again_within_a_check(practice, start):
    """Servers in trouble answer the second time."""
    check = start()
    with practice.faults.having(ServerError(method="openOrders.status", executed=False, count=1)) as (fault,):
        next_report(practice, check)

    assert 1 == fault.fired
    assert "" == check.trouble


def test_a_key_that_is_not_accepted_ends_it(start):
    """The background thread tells it."""
    other = made_key(99)
    check = start(credentials=Credentials(other.api_key, other.secret), first=False)

    with pytest.raises(Rejected, match="belongs to this venue") as caught:
        check.done.result(20)
    assert other.api_key not in str(caught.value)


def test_stopping_ends_a_request_that_hangs(practice, start, background, eventually):
    """Nobody waits fifteen seconds for it."""
    check = start()
    with practice.faults.having(LateAnswer(method="openOrders.status", executed=False, delay_s=10.0)) as (
        fault,
    ):
        check.check_soon()
        eventually(lambda: fault.seen)
        began = time.monotonic()
        assert background.stop()
    assert time.monotonic() - began < 6
    assert check.done.cancelled()


def test_it_measures_the_exchange_s_clock(practice, start):
    """For all who sign."""
    assert practice.clock.is_due
    start()
    assert not practice.clock.is_due


def test_asking_before_the_start_and_after_the_end_is_harmless(practice, background):
    """Threads that end in any order."""
    check = AccountCheck(
        practice.venue, practice.credentials, practice.inbox, background, symbols=["BTCUSDT"], floor_s=0.0
    )
    check.ask("BTCUSDT", "btr-0b-00000099")
    check.check_soon()
    check.start()
    practice.await_events(AccountReport)
    background.stop()
    check.check_soon()
