"""SIGTERM and Ctrl-C end a run in order and in time, whatever is under way."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import requests

from brokers.binance.credentials import Credentials
from brokers.live import bt_protection
from brokers.order_events import Event
from brokers.orders import Order, State
from bt_run.core.settings import Protection
from bt_run.run.live import os_signals
from bt_run.run.live.bt_broker import LiveBroker
from bt_run.run.live.listener import RunListener
from bt_run.run.live.os_signals import stopping_on_signals
from bt_run.run.live.run import LiveRun
from bt_run.run.live.turns import Stop
from bt_run.run.live.wire import LiveWire


@dataclass
class Told:
    """Keeps what was called, in turn."""

    words: list[str] = field(default_factory=list)

    def saying(self, word: str) -> Callable[[], None]:
        """Give what adds a word."""
        return lambda: self.words.append(word)

    @contextmanager
    def listening(self, stop: Stop) -> Iterator[None]:
        """Hear signals."""
        with stopping_on_signals(
            stop,
            wake=self.saying("wake"),
            interrupt=self.saying("interrupt"),
            cut=self.saying("cut"),
            abandon=self.saying("abandon"),
        ):
            yield


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


def wait_for(condition: Callable[[], bool], limit_s: float = 5.0) -> None:
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until
        threading.Event().wait(0.005)


def test_two_signals_in_a_moment_are_one() -> None:
    """``timeout`` sends SIGTERM to the command and to its whole group."""
    stop, told = Stop(), Told()
    with told.listening(stop):
        send(signal.SIGTERM)
        send(signal.SIGTERM)
        send(signal.SIGINT)
    assert stop.reason == "SIGTERM"
    assert told.words == ["wake"]


def test_a_later_signal_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os_signals, "AGAIN_S", 0.01)
    stop = Stop()
    with Told().listening(stop), pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)
        until = time.monotonic() + 0.05
        wait_for(lambda: time.monotonic() > until)
        send(signal.SIGINT)


def test_the_first_signal_during_another_end_only_hurries_it() -> None:
    """Such as SIGTERM from systemd while ``bt-run stop`` is at work."""
    stop = Stop()
    stop.ask("bt-run stop")
    assert [stop.soon_s(60.0), stop.left_s(60.0), stop.rest_s(60.0)] == [60.0, 60.0, 60.0]
    with Told().listening(stop):
        send(signal.SIGTERM)
    assert stop.reason == "bt-run stop"
    assert 0 < stop.soon_s(60.0) <= os_signals.INTERRUPT_S
    assert 0 < stop.left_s(60.0) <= os_signals.END_S
    assert 0 < stop.rest_s(60.0) <= os_signals.OVER_S < 5


def test_a_request_is_interrupted_before_the_end_and_cut_only_when_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os_signals, "INTERRUPT_S", 0.02)
    monkeypatch.setattr(os_signals, "END_S", 0.5)
    told = Told()
    with told.listening(Stop()):
        send(signal.SIGTERM)
        wait_for(lambda: "cut" in told.words)
    assert told.words == ["wake", "interrupt", "cut"]


def test_nothing_is_interrupted_once_the_end_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os_signals, "INTERRUPT_S", 0.4)
    monkeypatch.setattr(os_signals, "END_S", 0.6)
    stop, told = Stop(), Told()
    with told.listening(stop):
        send(signal.SIGTERM)
        stop.has_begun = True
        wait_for(lambda: "cut" in told.words)
    assert told.words == ["wake", "cut"]


@pytest.mark.parametrize(("number", "is_abandoned"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_what_does_not_end_is_abandoned_where_nobody_sits_at_the_terminal(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, is_abandoned: bool
) -> None:
    """A person can press Ctrl-C again; a service manager would kill the process, and its children."""
    wait_order = [os_signals.INTERRUPT_S, os_signals.END_S, os_signals.OVER_S, os_signals.LEAVE_S, 5.0]
    monkeypatch.setattr(os_signals, "INTERRUPT_S", 0.01)
    monkeypatch.setattr(os_signals, "END_S", 0.05)
    monkeypatch.setattr(os_signals, "LEAVE_S", 0.02)
    told = Told()
    with told.listening(Stop()):
        send(number)
        wait_for(lambda: "cut" in told.words)
    assert ("abandon" in told.words) == is_abandoned
    assert wait_order == sorted(wait_order)


class Hurried(RunListener):
    """Sends SIGTERM as soon as the stop-loss rests, and keeps for how long it may go on at the end."""

    def __init__(self) -> None:
        self.sent_at = 0.0
        self.limit_s = -1.0

    def order_changed(self, order: Order, event: Event) -> None:
        """Send it."""
        if order.purpose == "stop_loss" and order.state is State.OPEN and not self.sent_at:
            self.sent_at = time.monotonic()
            send(signal.SIGTERM)

    def ended(self, reason: str, *, limit_s: float) -> None:
        """Keep it."""
        self.limit_s = limit_s


def test_each_part_of_the_end_has_what_is_left_of_the_time(
    start_site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exchange until `END_S` after the signal, messages and goodbyes until `OVER_S`, none its own time."""
    settled_until: list[float] = []
    goodbyes: list[tuple[float, float]] = []
    settle, close = LiveBroker._settled, LiveWire.close

    def settled(broker: Any, until: float, *rest: Any) -> bool:
        settled_until.append(until)
        return settle(broker, until, *rest)

    def closed(wire: LiveWire, *, limit_s: float) -> None:
        goodbyes.append((time.monotonic(), limit_s))
        close(wire, limit_s=limit_s)

    monkeypatch.setattr(LiveBroker, "_settled", settled)
    monkeypatch.setattr(LiveWire, "close", closed)
    site, hurried = start_site(at="2025-09-15"), Hurried()
    plan = site.plan("sar", on_stop="close", protection=Protection(10.0))
    key = Credentials(site.exchange.api_key, site.exchange.secret)
    outcome = LiveRun(plan, key, listener=hurried).run()
    heard_at = hurried.sent_at + 0.5  # the handler runs in this thread, a moment later at most
    assert outcome.reason == "SIGTERM"
    assert 2 == len(settled_until)  # the cancelling, and the sale
    assert max(settled_until) <= heard_at + os_signals.END_S
    assert 0 <= hurried.limit_s <= os_signals.OVER_S
    ((closed_at, limit_s),) = goodbyes
    assert limit_s == 0 or closed_at + limit_s <= heard_at + os_signals.OVER_S


@pytest.mark.parametrize("delay_s", [0.4, pytest.param(30.0, marks=pytest.mark.slow)])
def test_sigterm_sells_in_time_or_says_that_it_did_not(start_site: Any, delay_s: float) -> None:
    """The stop-loss is cancelled and the position sold, also where each answer takes its time."""
    site = start_site(at="2025-09-15")
    ended: list[float] = []

    def on_say(sentence: str) -> None:
        if "stop-loss" in sentence and "is placed" in sentence and not ended:
            url = f"{site.exchange.venue.rest_url}/practice/faults"
            fault = {"kind": "late_answer", "delay_s": delay_s, "method": "order.*"}
            requests.post(url, json=fault, timeout=20).raise_for_status()
            ended.append(time.monotonic())
            send(signal.SIGTERM)

    site.follower.on_say = on_say
    outcome = site.run("sar", on_stop="close", protection=Protection(10.0))
    took_s = time.monotonic() - ended[0]
    assert outcome.reason == "SIGTERM"
    assert took_s < 10  # it promises five of a machine that has time
    if delay_s < 2:
        assert took_s > delay_s
        assert any(sentence.startswith("BTCUSDT: sold ") for sentence in outcome.sentences)
        assert not any("NOT SOLD" in sentence for sentence in outcome.sentences)
    else:
        assert any("NOT SOLD" in sentence for sentence in outcome.sentences)


@pytest.mark.parametrize("on_stop", ["cancel", "close", pytest.param("keep", marks=pytest.mark.slow)])
def test_what_was_cancelled_at_the_end_is_not_protected_again(
    start_site: Any, monkeypatch: pytest.MonkeyPatch, on_stop: Any
) -> None:
    # A stop that was placed more than a second ago may be placed again at once.
    monkeypatch.setattr(bt_protection, "_Watch", partial(bt_protection._Watch, pause_s=0.0))
    site = start_site(at="2025-09-15")
    runs: list[Any] = []

    def on_say(sentence: str) -> None:
        if "stop-loss" in sentence and "is placed" in sentence:
            runs[0].ask_to_stop("enough")

    site.follower.on_say = on_say
    runs.append(site.make("sar", on_stop=on_stop, protection=Protection(10.0)))
    outcome = runs[0].run()
    sentences, (result,) = outcome.sentences, outcome.results
    placed = [sentence for sentence in site.follower.said if sentence.endswith("is placed")]
    assert len(placed) == 1
    assert any(sentence.startswith("Still held: 0.1269 BTC") for sentence in sentences) == (on_stop != "close")
    still = [sentence for sentence in sentences if sentence.startswith("Still open: BTCUSDT sell ")]
    assert any("stop-loss" in sentence for sentence in still) == (on_stop == "keep")
    assert any(sentence.startswith("BTCUSDT: sold 0.1269 ") for sentence in sentences) == (on_stop == "close")
    # What was traded after the last bar is in the result, too.
    earned = sum(-fill.size * fill.price - fill.fee for fill in result.fills)
    assert result.curve.cash[-1] == pytest.approx(10_000 + earned, abs=0.01)
    assert result.curve.position[-1] == (0 if on_stop == "close" else 0.1269)
    held = result.curve.position[-1] * result.data.bars.close[-1]
    assert result.metrics["equity_final"] == pytest.approx(result.curve.cash[-1] + held, abs=0.01)
