"""A live feed delivers every bar of the exchange once and in order, whatever the wire does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest
from exchange_cerebro import QUICK, Running
from exchange_live import LiveMarket
from exchange_streams import StreamServer

from bt_run.core.background import Bell
from bt_run.core.errors import ConfigError, Rejected, UnknownName, UnknownSymbol
from bt_run.core.steady_time import SteadyTime
from feeds import LiveFeed
from feeds.live.hub import LiveHub
from feeds.live.outcomes import Absence, Correction, Phase, Rules, Turn

wait = StreamServer.wait


def begin(market, run_live, **given):
    """Start a feed with 20 bars of history and wait until it is live."""
    running = run_live(market, **given)
    wait(lambda: running.count == 20 and "LIVE" in running.recorder.told)
    return running


def go_on(market, running, count):
    """Close so many bars and wait until each has been delivered."""
    for _ in range(count):
        before = running.count
        market.update()
        market.close()
        wait(lambda before=before: running.count == before + 1)


def wait_in_time(market, condition, *, step_s=0.5, limit_s=10.0):
    """Let the exchange's time pass quickly until something holds, but not to the end of the bar that forms."""
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until
        if market.exchange.now_ms + 1000 * step_s < market.opened(market.number + 1):
            market.exchange.advance(step_s)
        time.sleep(0.002)


def own_threads():
    """Name the threads of live feeds."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("live feed")]


# The seam.


def test_history_then_the_stream_without_a_seam(market, run_live):
    """The bars are the exchange's to the last bit, those without a trade too; only new ones are live."""
    running = run_live(market)
    market.streams.wait_for_listeners(1)
    wait(lambda: running.count == 20)
    for number in range(60, 72):
        assert 1 == market.update()
        assert 1 == market.close()
        wait(lambda number=number: running.count == number - 39)
    running.finish()

    assert market.rows(40, 72) == running.recorder.rows
    assert [False] * 20 + [True] * 12 == running.recorder.lives
    assert ["DELAYED", *range(1, 21), "LIVE", *range(21, 33)] == running.recorder.told


def test_a_bar_that_closes_while_the_history_is_fetched_is_not_lost(market, run_live):
    """It waits until the history is there."""
    with market.exchange.hold(path="klines") as waiting:
        running = run_live(market)
        assert waiting.wait(5)
        market.streams.wait_for_listeners(1)
        market.close()
        market.update(seconds=1)
    wait(lambda: running.count == 21)
    go_on(market, running, 1)

    assert market.rows(40, 62) == running.recorder.rows


def test_a_bar_that_closes_before_the_stream_is_open_is_fetched(market, run_live):
    """The server refuses for a while; REST works."""
    with market.streams.refuse(503):
        running = run_live(market)
        wait(lambda: running.count == 20)
        market.close()
        assert "DELAYED" == running.recorder.told[0]
    market.streams.wait_for_listeners(1)
    wait_in_time(market, lambda: running.count == 21)
    go_on(market, running, 1)

    assert market.rows(40, 62) == running.recorder.rows


def test_more_history_than_a_page_comes_in_order(exchange, streams, run_live):
    """Pages of a thousand."""
    market = LiveMarket(exchange, streams, count=2600, number=2550)
    running = run_live(market, history=2500)
    wait(lambda: running.count == 2500)
    go_on(market, running, 2)

    assert market.rows(50, 2552) == running.recorder.rows


def test_history_may_be_none(market, run_live):
    """The first bar is the one that forms now."""
    running = run_live(market, history=0)
    wait(lambda: running.feeds[0].status().phase is Phase.LIVE)
    go_on(market, running, 2)

    assert market.rows(60, 62) == running.recorder.rows


# What breaks.


def test_bars_missed_without_a_connection_are_fetched_after_it(market, run_live):
    """Told as Backtrader tells it; the missed ones are not live, the next one is."""
    running = begin(market, run_live)
    with market.exchange.server_error(times=None, path="/api"):
        with market.streams.refuse(503):
            market.streams.cut()
            wait(lambda: "DISCONNECTED" in running.recorder.told)
            for _ in range(3):
                market.close()
            market.pass_to(63, 20)
        wait(lambda: "CONNECTED" in running.recorder.told)
    wait_in_time(market, lambda: running.count == 23)
    go_on(market, running, 1)
    told = running.recorder.told
    last = told[told.index("DISCONNECTED") :]

    assert market.rows(40, 64) == running.recorder.rows
    assert ["DISCONNECTED", "CONNECTED", "DELAYED", 21, 22, 23, "LIVE", 24] == last
    assert [False, False, False, True] == running.recorder.lives[-4:]


def test_a_short_cut_without_loss_is_live_again_at_once(market, run_live):
    """There is nothing to catch up with."""
    running = begin(market, run_live)
    market.streams.cut()
    wait(lambda: "LIVE" in running.recorder.told[running.recorder.told.index("LIVE") + 1 :])
    go_on(market, running, 1)

    assert ["DISCONNECTED", "CONNECTED", "LIVE", 21] == running.recorder.told[-4:]
    assert 1 == running.feeds[0].status().reconnects


def test_without_a_stream_rest_still_brings_each_bar(market, run_live):
    """Late, and marked so."""
    running = begin(market, run_live)
    with market.streams.refuse(403):
        market.streams.cut()
        wait(lambda: "DISCONNECTED" in running.recorder.told)
        market.close()
        wait_in_time(market, lambda: running.count == 21)
    market.streams.wait_for_listeners(1)
    wait(lambda: "CONNECTED" in running.recorder.told)

    assert market.rows(40, 61) == running.recorder.rows
    assert running.recorder.lives[-1] is False


def test_a_withheld_final_frame_is_repaired(market, run_live):
    """With the next bar's frames or without any; the bar has just closed, so it is live."""
    running = begin(market, run_live)
    market.close(withheld=True)
    market.update(seconds=3)
    wait_in_time(market, lambda: running.count == 21)
    market.close(withheld=True)
    wait_in_time(market, lambda: running.count == 22)
    status = running.feeds[0].status()

    assert market.rows(40, 62) == running.recorder.rows
    assert [True, True] == running.recorder.lives[-2:]
    assert (2, Phase.LIVE) == (status.repaired, status.phase)


def test_a_database_that_lags_is_asked_again(market, run_live):
    """Until the bar is there."""
    running = begin(market, run_live)
    with market.exchange.lag(8) as fault:
        market.close(withheld=True)
        wait_in_time(market, lambda: fault.hits >= 3, step_s=0.05)
        early = running.count
    wait_in_time(market, lambda: running.count == 21)

    assert 20 == early
    assert market.rows(40, 61) == running.recorder.rows


def test_a_final_frame_that_comes_again_later_changes_nothing(market, run_live):
    """Repeated, late, and of long ago."""
    running = begin(market, run_live)
    with market.streams.duplicate():
        go_on(market, running, 2)
    market.send_final(60)
    market.send_final(45)
    go_on(market, running, 1)

    assert market.rows(40, 63) == running.recorder.rows


def test_frames_in_a_wrong_order_make_bars_in_the_right_one(market, run_live):
    """The newest comes first, and two bars at once."""
    running = begin(market, run_live)
    with market.streams.late():
        market.close()
        market.update(seconds=0.5)
        market.close()
    wait_in_time(market, lambda: running.count == 22)

    assert market.rows(40, 62) == running.recorder.rows


def test_bars_that_never_were_are_told_and_passed_over(exchange, streams, run_live):
    """The exchange was closed for two bars; the next one follows when REST has said so often enough."""
    market = LiveMarket(exchange, streams, absent={61, 62})
    notices = []
    running = begin(market, run_live, on_notice=notices.append, rules=Rules(again_ms=200))
    go_on(market, running, 1)
    for _ in range(3):
        market.close()
    wait_in_time(market, lambda: running.count == 22, step_s=0.1)
    go_on(market, running, 1)

    assert market.rows(40, 65) == running.recorder.rows
    assert [Absence(market.opened(61), market.opened(63), 2)] == [
        one for one in notices if isinstance(one, Absence)
    ]
    assert 2 == running.feeds[0].status().holes


def test_a_bar_that_is_told_otherwise_later_is_reported(market, run_live):
    """It stays as it was delivered."""
    notices = []
    running = begin(market, run_live, on_notice=notices.append)
    go_on(market, running, 1)
    market.bars.close[60] -= 0.01
    market.send_final(60)
    wait(lambda: running.feeds[0].status().corrections == 1)
    go_on(market, running, 1)
    (correction,) = [one for one in notices if isinstance(one, Correction)]

    assert correction.delivered == running.recorder.rows[20]
    assert correction.told[4] == pytest.approx(correction.delivered[4] - 0.01)
    assert 22 == running.count


def test_a_frame_that_cannot_be_read_costs_no_bar(market, run_live):
    """It is counted, and REST brings what it may have closed."""
    running = begin(market, run_live)
    market.streams.send_text(market.stream, '{"stream":"btcusdt@kline_1m","data":{"e":"kline"}}')
    market.close(withheld=True)
    wait_in_time(market, lambda: running.count == 21)

    assert market.rows(40, 61) == running.recorder.rows
    assert 1 == running.feeds[0].status().unreadable


def test_a_server_that_goes_is_left_without_a_loss(market, run_live):
    """The next connection is open before; nobody is told of a disconnection."""
    running = begin(market, run_live)
    market.streams.announce_shutdown()
    market.streams.wait_for_listeners(2)
    go_on(market, running, 2)
    market.streams.wait_for_listeners(1)
    go_on(market, running, 2)

    assert market.rows(40, 64) == running.recorder.rows
    assert "DISCONNECTED" not in running.recorder.told


@pytest.mark.parametrize("seed", range(3))
def test_many_faults_at_once_lose_and_double_nothing(exchange, streams, run_live, seed):
    """Cuts, silence, refusals, withheld and doubled frames, REST that lags, fails and breaks off."""
    draw = random.Random(seed)
    market = LiveMarket(exchange, streams, absent={75, 76, 90})
    running = begin(market, run_live, rules=Rules(again_ms=100, longest_ms=500))
    for _ in range(50):
        with ExitStack() as faults:
            for fault in draw.sample(
                [
                    streams.silent, streams.accept_and_drop, streams.duplicate, lambda: streams.refuse(503),
                    lambda: exchange.lag(4), lambda: exchange.server_error(path="klines", times=2),
                    lambda: exchange.reset_mid_page(path="klines"), lambda: exchange.drop(path="time"),
                ],
                k=draw.choice([0, 0, 1, 3]),
            ):  # fmt: skip
                faults.enter_context(fault())
            if draw.random() < 0.3:
                streams.cut()
            market.update()
            market.close(withheld=draw.random() < 0.3)
            for _ in range(draw.randrange(4)):
                exchange.advance(1.0)
                time.sleep(0.005)
    # Connections that were opened silent stay so; the last ones must be sound.
    streams.cut()
    wait_in_time(market, lambda: running.count == 20 + 50 - 3, step_s=0.2)

    assert market.rows(40, 110) == running.recorder.rows


# Errors and the end.


def test_an_unknown_symbol_is_an_error_of_the_run(market, run_live):
    """With the nearest name, in the thread that runs Cerebro."""
    market.symbol = "BTCUSD"
    running = run_live(market)
    running.join()

    assert isinstance(running.error, UnknownSymbol)
    assert ["BTCUSDT"] == running.error.near


def test_a_refusal_at_the_start_is_an_error_of_the_run(market, run_live):
    """As where the exchange serves nobody from this country."""
    with market.streams.refuse(451):
        running = run_live(market)
        running.join()

    assert isinstance(running.error, Rejected)


def test_a_ban_later_on_is_waited_out(market, run_live, make_hub, monkeypatch):
    """A bot that holds a position must not end for it."""
    hub = make_hub(market)
    monkeypatch.setattr(hub, "_wait_ms", lambda error: 10)
    running = begin(market, run_live, hub=hub)
    with market.streams.refuse(418), market.exchange.refuse(418, retry_after=5, path="klines") as refused:
        market.streams.cut()
        market.close()
        wait_in_time(market, lambda: refused.hits == 1)
        asked = len(market.exchange.paths("klines"))
        wait(lambda: "418" in running.feeds[0].status().trouble)
        assert asked == len(market.exchange.paths("klines"))
    wait_in_time(market, lambda: running.count == 21)
    market.streams.wait_for_listeners(1)
    wait(lambda: running.feeds[0].status().connected)
    go_on(market, running, 1)

    assert market.rows(40, 62) == running.recorder.rows


def test_a_bug_in_the_background_is_raised_in_the_run(market, run_live, monkeypatch):
    """Nothing hangs silently."""
    running = begin(market, run_live)

    def broken(*given, **named):
        raise ZeroDivisionError

    monkeypatch.setattr(running.feeds[0]._channel._sequence, "frame", broken)
    market.update()
    running.join()

    assert isinstance(running.error, ZeroDivisionError)


def test_nothing_is_left_when_a_feed_with_its_own_thread_ends(market):
    """Threads ended, connections closed, within moments; and the feed can run again."""
    feed = LiveFeed("BTCUSDT", "1m", venue=market.venue, history=20, clock=market.exchange.clock)
    for _ in range(2):
        running = Running(feed).start()
        wait(lambda running=running: running.count == 20 and feed.status().phase is Phase.LIVE)
        begun = time.monotonic()
        running.finish()

        assert time.monotonic() - begun < 5.0
        assert running.error is None
        assert [] == own_threads()
        market.streams.wait_for_listeners(0)


def test_ctrl_c_leaves_nothing_behind(market):
    """Also while the feed waits, and with a request on its way that nobody answers."""

    class Interrupted(Bell):
        def wait(self, timeout_s):
            if waiting.is_set():
                raise KeyboardInterrupt
            return super().wait(timeout_s)

    feed = LiveFeed(
        "BTCUSDT",
        "1m",
        venue=market.venue,
        bell=Interrupted(),
        qcheck=0.05,
        history=20,
        clock=market.exchange.clock,
    )
    begun = time.monotonic()
    with market.exchange.hold(path="klines") as waiting:
        running = Running(feed).start()
        running.join()

    assert isinstance(running.error, KeyboardInterrupt)
    assert [] == own_threads()
    assert time.monotonic() - begun < 10.0
    market.streams.wait_for_listeners(0)


SCRIPT = """
import os, signal, backtrader as bt
from bt_run.core.steady_time import SteadyTime
from feeds import LiveFeed

class Interrupted(bt.Strategy):
    def notify_data(self, data, status, *args, **kwargs):
        if status == data.LIVE:
            print("interrupting", flush=True)
            os.kill(os.getpid(), signal.SIGINT)

cerebro = bt.Cerebro(stdstats=False)
cerebro.adddata(LiveFeed("BTCUSDT", history=20))
cerebro.addstrategy(Interrupted)
cerebro.run()
"""


def test_a_script_of_anybody_ends_at_ctrl_c(market):
    """With Python's own traceback, at once; the venue comes from the environment."""
    script = f"import time\ntime.time = lambda: {market.exchange.clock()}\n{SCRIPT}"
    urls = {"BT_RUN_REST_URL": market.exchange.url, "BT_RUN_STREAM_URL": market.streams.url}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **urls},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "interrupting\n" == done.stdout
    assert done.stderr.endswith("KeyboardInterrupt\n")
    assert -signal.SIGINT == done.returncode
    market.streams.wait_for_listeners(0)


def test_runstop_ends_it_too(market, run_live):
    """Cerebro looks at least every qcheck seconds."""
    running = begin(market, run_live, qcheck=0.1)
    running.cerebro.runstop()
    running.join()

    assert running.error is None


def test_settings_that_cannot_be_are_refused(market, make_hub):
    """When the feed is made."""
    hub = make_hub(market)

    for error, given in (
        (ConfigError, {"symbol": "../x"}),
        (ConfigError, {"symbol": "BTCUSDT", "interval": "7x"}),
        (UnknownName, {"symbol": "BTCUSDT", "interval": "7m"}),
        (UnknownName, {"symbol": "BTCUSDT", "venue": "nowhere"}),
        (ConfigError, {"symbol": "BTCUSDT", "history": -1}),
        (ConfigError, {"symbol": "BTCUSDT", "hub": hub, "venue": "demo"}),
        (ConfigError, {"symbol": "BTCUSDT", "hub": hub, "market": "futures"}),
    ):
        with pytest.raises(error):
            LiveFeed(**given)
    assert "testnet" == LiveFeed("BTCUSDT").venue.name
    assert market.venue == LiveFeed("BTCUSDT", hub=hub).venue
    assert [] == own_threads()


# Several feeds.


def test_two_feeds_share_a_connection_and_their_bars_come_together(exchange, streams, background):
    """One call of next for one time, although the frames do not come at the same moment."""
    first = LiveMarket(exchange, streams)
    second = LiveMarket(exchange, streams, symbol="ETHUSDT")
    bell = Bell()
    hub = LiveHub(first.venue, background=background, policy=QUICK, clock=exchange.clock, tick_s=0.005)
    feeds = [
        LiveFeed(one.symbol, "1m", hub=hub, bell=bell, history=20, name=one.symbol) for one in (first, second)
    ]
    running = Running(*feeds).start()
    wait(lambda: running.count == 20 and all(feed.status().phase is Phase.LIVE for feed in feeds))
    for number in range(4):
        leader, follower = (first, second) if number % 2 else (second, first)
        leader.close()
        time.sleep(0.05)
        follower.close()
        wait(lambda number=number: running.count == 21 + number)
    running.finish()
    lengths = [len(feed) for feed in feeds]

    assert 1 == len(streams.paths)
    assert streams.paths[0].endswith("btcusdt@kline_1m/ethusdt@kline_1m")
    assert [24, 24] == lengths
    assert first.rows(40, 64) == running.recorder.rows
    assert second.rows(40, 64)[-1][4] == feeds[1].close[0]


def test_a_feed_that_stays_alone_does_not_hold_up_the_other(exchange, streams, background):
    """The wait for the other's bar of the same time ends after a second."""
    first = LiveMarket(exchange, streams)
    second = LiveMarket(exchange, streams, symbol="ETHUSDT")
    hub = LiveHub(first.venue, background=background, policy=QUICK, clock=exchange.clock, tick_s=0.005)
    bell = Bell()
    feeds = [LiveFeed(one.symbol, "1m", hub=hub, bell=bell, history=20) for one in (first, second)]
    running = Running(*feeds).start()
    wait(lambda: running.count == 20 and all(feed.status().phase is Phase.LIVE for feed in feeds))
    first.close()
    second.number += 1
    wait_in_time(first, lambda: running.count == 21, step_s=0.1)
    wait_in_time(first, lambda: len(feeds[1]) == 21, step_s=0.1)
    running.finish()

    assert first.rows(40, 61) == list(dict.fromkeys(running.recorder.rows))


def test_a_feed_made_later_gets_a_connection_of_its_own(market, run_live, make_hub):
    """The first one is not disturbed."""
    hub = make_hub(market)
    running = begin(market, run_live, hub=hub)
    other = LiveMarket(market.exchange, market.streams, symbol="ETHUSDT")
    late = begin(other, run_live, hub=hub)
    market.streams.wait_for_listeners(2)
    go_on(other, late, 1)

    assert other.rows(40, 61) == late.recorder.rows
    assert 0 == running.feeds[0].status().reconnects


def test_whoever_rings_wakes_a_feed_that_waits(market, run_live):
    """A broker's news must not wait for the next bar; qcheck would be over in a minute."""

    bell, turns = Bell(), []
    running = begin(market, run_live, bell=bell, qcheck=60.0)
    broker = running.cerebro.broker
    seen = broker.next
    broker.next = lambda: (turns.append(time.monotonic()), seen())[1]
    begun = time.monotonic()
    wait(lambda: bell.ring() or bool(turns))

    assert turns[0] - begun < 1.0


# What it shows.


def test_the_status_tells_how_it_is(market, run_live):
    """For a display, also between bars."""
    running = begin(market, run_live)
    feed = running.feeds[0]
    before = feed.status()
    market.update(seconds=45)
    wait(lambda: feed.status().last_price is not None)
    after = feed.status()

    assert (None, None, None) == (before.last_event_ms, before.lag_ms, before.last_price)
    assert ("loopback", "BTCUSDT", "1m", True, 20, "") == (
        after.venue, after.symbol, after.interval, after.connected, after.delivered, after.trouble
    )  # fmt: skip
    assert market.bars.close[60] == after.last_price
    assert (market.exchange.now_ms - 5, 5) == (after.last_event_ms, after.lag_ms)
    assert (market.opened(60), 15.0) == (after.bar_open_ms, after.bar_left_s)


def test_trouble_is_told(market, run_live):
    """Why there is no connection, and why REST gives nothing."""
    running = begin(market, run_live)
    with market.streams.refuse(403), market.exchange.refuse(429, retry_after=7, path="klines", times=None):
        market.streams.cut()
        wait(lambda: "HTTP 403" in running.feeds[0].status().trouble)
    running.finish()

    assert Phase.OFFLINE is running.feeds[0].status().phase


def test_a_wrong_clock_of_ours_does_no_harm(market, make_hub, run_live):
    """The exchange's time is learned from its answers and frames."""
    clock = lambda: market.exchange.clock() + 86_400.0  # noqa: E731
    hub = make_hub(market, clock=clock)
    running = begin(market, run_live, hub=hub, clock=clock)
    go_on(market, running, 2)
    market.close(withheld=True)
    wait_in_time(market, lambda: running.count == 23)

    assert market.rows(40, 63) == running.recorder.rows
    assert all(running.recorder.lives[20:])


@pytest.mark.parametrize("step_s", [3600.0, -3600.0], ids=["forward", "back"])
def test_a_step_of_our_clock_costs_no_live_bar(market, make_hub, run_live, step_s):
    """By a clock that is set forward each bar would come too late to trade on, for minutes."""
    step = [0.0]
    clock = SteadyTime(wall=lambda: market.exchange.clock() + step[0], steady=market.exchange.clock)
    hub = make_hub(market, clock=clock)
    running = begin(market, run_live, hub=hub, clock=clock)
    step[0] = step_s
    go_on(market, running, 3)

    assert all(running.recorder.lives[20:])
    assert Phase.LIVE is running.feeds[0].status().phase
    assert 0 < running.feeds[0].status().bar_left_s <= 60


def test_phases_are_given_to_who_wants_them(market, run_live):
    """In Cerebro's thread."""
    notices = []
    begin(market, run_live, on_notice=lambda one: notices.append((threading.current_thread().name, one)))

    assert [("cerebro", Turn(Phase.LIVE))] == notices


def test_the_background_may_be_shared_without_a_hub(market, background):
    """The feed's end is not the thread's."""
    feed = LiveFeed(
        "BTCUSDT", "1m", venue=market.venue, background=background, history=20, clock=market.exchange.clock
    )
    running = Running(feed).start()
    wait(lambda: running.count == 20)
    running.finish()

    assert background.running
    market.streams.wait_for_listeners(0)
