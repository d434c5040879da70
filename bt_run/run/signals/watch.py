"""The life of a signal desk: connect, take the history, follow the market until somebody ends it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.background import BackgroundLoop, Bell
from bt_run.run.live.barrier import BarrierClient
from bt_run.run.live.os_signals import INTERRUPT, stopping_on_signals
from bt_run.run.live.practice import resume_clock
from bt_run.run.live.turns import Stop
from bt_run.run.signals.desk import DeskTerms, SignalDesk
from bt_run.run.signals.line import DeskLine
from bt_run.run.signals.pair import fetch_pairs
from bt_run.run.signals.reader import reader_for
from feeds.live.channel import Channel
from feeds.live.flow import FlowListener
from feeds.live.hub import LiveHub
from feeds.live.outcomes import Phase, Rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brokers.filters import SymbolFilters
    from bt_run.run.signals.audience import SignalAudience
    from bt_run.run.signals.plan import WatchPlan
    from bt_run.run.signals.reader import StrategyReader

__all__ = ["END_OF_DATA", "SignalWatch", "WatchOutcome"]

END_OF_DATA = "the data has ended"
DURATION = "the duration is over"

_LOOK_S = 0.25
_SHOW_S = 0.5
_CALM_S = 0.3
_PATIENCE_S = 3.0
_STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class WatchOutcome:
    """How a watch ended: the desks with all they saw, and why."""

    desks: tuple[SignalDesk, ...]
    reason: str
    seconds: float

    @property
    def was_interrupted(self) -> bool:
        """Whether a person at the terminal ended it."""
        return self.reason == INTERRUPT


class SignalWatch:
    """
    One watch; `run` does it, in the thread that calls, once. It never trades and needs no key.

    Args:
        plan: The settings.
        audiences: Who follows.
        rules: The times of the feeds.
    """

    def __init__(
        self, plan: WatchPlan, audiences: Sequence[SignalAudience] = (), *, rules: Rules | None = None
    ) -> None:
        self._plan = plan
        self._audiences = tuple(audiences)
        self._rules = rules or Rules()
        self._stop = Stop()
        self._bell = Bell()
        self._lines: list[DeskLine] = []
        self._barriers: dict[str, BarrierClient] = {}
        self._held_since: dict[str, tuple[int, float]] = {}
        self._flow: FlowListener | None = None

    def ask_to_stop(self, reason: str) -> None:
        """End the watch soon; from any thread."""
        self._stop.ask(reason)
        self._bell.ring()

    def run(self) -> WatchOutcome:
        """
        Watch until the data ends, the duration is over, or somebody ends it.

        Raises:
            ConfigError: a pair that does not exist, an amount below the minimum.
            StrategyError: the strategy raised.
            ExchangeError: the start was not possible.
        """
        plan, began = self._plan, time.monotonic()
        filters = fetch_pairs(plan.venue, plan.symbols, market=plan.market)
        with ExitStack() as stack:
            background = BackgroundLoop("bt-run signals").start()
            stack.callback(background.stop, limit_s=_STOP_S)
            stack.enter_context(stopping_on_signals(self._stop, wake=self._bell.ring, cut=self._bell.ring))
            hub = LiveHub(plan.venue, background=background, market=plan.market)
            if plan.wants_flow:
                self._flow = FlowListener(plan.venue, plan.symbols, plan.interval)
                self._flow.start(background, self._bell)
            self._open_lines(hub, background, filters)
            self._follow(hub, began)
        return WatchOutcome(
            tuple(line.desk for line in self._lines), self._stop.reason, time.monotonic() - began
        )

    # Opening.

    def _open_lines(self, hub: LiveHub, background: BackgroundLoop, filters: dict[str, SymbolFilters]) -> None:
        plan = self._plan
        for symbol in plan.symbols:
            channel = Channel(
                symbol,
                plan.interval,
                market=plan.market,
                history=plan.history,
                rules=self._rules,
                forming=True,
                bell=self._bell,
            )
            hub.expect(channel.stream)
            desk = SignalDesk(self._terms(symbol, filters[symbol], channel), self._reader(symbol))
            enrich = (lambda bars: bars) if self._flow is None else partial(self._flow.join, symbol)
            self._lines.append(DeskLine(channel, desk, self._audiences, now_ms=hub.now_ms, enrich=enrich))
            if plan.holds_clock:
                self._barriers[symbol] = BarrierClient(
                    plan.venue.stream_url,
                    symbol,
                    str(plan.interval),
                    background=background,
                    ring=self._bell.ring,
                    name="bt-run signals",
                )
        for line in self._lines:
            hub.join(line.channel)

    def _terms(self, symbol: str, filters: SymbolFilters, channel: Channel) -> DeskTerms:
        plan = self._plan
        return DeskTerms(
            symbol=symbol,
            interval=str(plan.interval),
            strategy=plan.strategy.name,
            invest=plan.invest,
            fee=plan.fee,
            filters=filters,
            end_of=channel.grid.end_of,
        )

    def _reader(self, symbol: str) -> StrategyReader:
        plan = self._plan
        return reader_for(
            plan.strategy,
            symbol=symbol,
            interval=plan.interval,
            place=Path(f"{plan.venue.name}-{symbol}"),
            allow_short=plan.allow_short,
        )

    # Following.

    def _follow(self, hub: LiveHub, began: float) -> None:
        shown_at, calm_since = float("-inf"), time.monotonic()
        is_running = not self._barriers
        while not self._stop.reason:
            took = [line.turn() for line in self._lines]
            now = time.monotonic()
            if any(took):
                calm_since = now
            if not is_running and now - calm_since >= _CALM_S and self._are_ready(hub):
                self._start_clock()
                is_running = True
            if is_running:
                self._let_go(now)
            if now - shown_at >= _SHOW_S:
                shown_at = now
                self._show(hub)
            if self._has_ended(took, is_running=is_running):
                self._stop.ask(END_OF_DATA)
            if self._plan.duration_s is not None and now - began >= self._plan.duration_s:
                self._stop.ask(DURATION)
            self._bell.wait(_LOOK_S)
        self._show(hub)

    def _show(self, hub: LiveHub) -> None:
        views = [line.view(hub.status_of(line.channel)) for line in self._lines]
        for audience in self._audiences:
            audience.show(views)

    # The clock of a practice exchange.

    def _are_ready(self, hub: LiveHub) -> bool:
        """Whether every pair has its history and hears its stream; where the clock stands one may be behind."""
        states = [hub.status_of(line.channel) for line in self._lines]
        return all(state.connected and state.phase in (Phase.LIVE, Phase.BEHIND) for state in states)

    def _start_clock(self) -> None:
        for barrier in self._barriers.values():
            barrier.start()
        for barrier in self._barriers.values():
            barrier.wait_registered(_PATIENCE_S)
        resume_clock(self._plan.venue)

    def _let_go(self, now: float) -> None:
        """Let the clock go on past each bar that was dealt with, and past one that does not come."""
        for line in self._lines:
            symbol = line.desk.terms.symbol
            barrier = self._barriers.get(symbol)
            if barrier is None:
                continue
            if barrier.failure is not None:
                raise barrier.failure
            held = barrier.held
            if held is None:
                continue
            known, since = self._held_since.get(symbol, (-1, now))
            if known != held.open_time:
                known, since = held.open_time, now
                self._held_since[symbol] = (known, since)
            if (line.last_open or -1) >= held.open_time or now - since > _PATIENCE_S:
                barrier.release(held.open_time)

    def _has_ended(self, took: list[bool], *, is_running: bool) -> bool:
        barriers = self._barriers.values()
        if not is_running or not barriers or any(took):
            return False
        return all(barrier.ended and barrier.held is None for barrier in barriers)
