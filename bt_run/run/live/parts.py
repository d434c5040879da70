"""The parts of a live run, made and connected with each other."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brokers.amounts import ZERO, exact, plus
from bt_run.core.errors import DataError
from bt_run.journal.commands import CommandBox
from bt_run.run.live.barrier import BarrierClient
from bt_run.run.live.begin import open_books
from bt_run.run.live.bt_broker import LiveBroker
from bt_run.run.live.bt_cerebro import make_feeds
from bt_run.run.live.events import RunEvents
from bt_run.run.live.hold import ClockHold
from bt_run.run.live.log import RunLog
from bt_run.run.live.missed import MissedExits
from bt_run.run.live.practice import last_execution, standing_clock
from bt_run.run.live.recorder import JournalRecorder
from bt_run.run.live.snapshot import take_snapshot
from bt_run.run.live.turns import LiveTurns
from bt_run.run.safety import Safety
from bt_run.run.safety_limits import STATE_KEY
from feeds.binance_rest import BinanceRest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.guard import EntryRequest, Guard
    from bt_run.journal.journal import Journal
    from bt_run.run.live.begin import Begun
    from bt_run.run.live.books import Past
    from bt_run.run.live.listener import RunListener
    from bt_run.run.live.plan import LivePlan
    from bt_run.run.live.status import Audience
    from bt_run.run.live.turns import Stop
    from bt_run.run.live.wire import Account, LiveWire

__all__ = ["Parts", "assemble", "make_turns"]


@dataclass(frozen=True, slots=True)
class Parts:
    """All that works together while a run trades."""

    plan: LivePlan
    journal: Journal
    wire: LiveWire
    account: Account
    filters: Mapping[str, SymbolFilters]
    begun: Begun
    recorder: JournalRecorder
    events: RunEvents
    log: RunLog
    safety: Safety
    box: CommandBox
    broker: Any
    feeds: Mapping[str, Any]
    audience: Audience

    def lot_steps(self) -> dict[str, float]:
        """Give the quantity step by symbol."""
        return {symbol: float(rules.step_of("MARKET")) for symbol, rules in self.filters.items()}

    def start_equity(self) -> Decimal:
        """Give the cash at the start, and what was paid for the holdings."""
        total = self.begun.ledger.cash
        for holding in self.begun.ledger.holdings.values():
            total = plus(total, holding.cost)
        return total


class _SignalsOnly:
    """Lets nothing pass: the run only says what it would do."""

    def judge(self, request: EntryRequest) -> str | None:
        """Forbid it."""
        return "signals only, nothing is sent"


def assemble(
    plan: LivePlan,
    *,
    journal: Journal,
    run: int,
    wire: LiveWire,
    account: Account,
    filters: Mapping[str, SymbolFilters],
    past: Past | None,
    audience: Audience,
    listener: RunListener,
    stop: Stop,
) -> Parts:
    """
    Compare journal and exchange, open the books, and make the parts.

    Raises:
        ConfigError, ExchangeError, JournalError: as `bt_run.run.live.begin.open_books`.
    """
    events = RunEvents(audience, filters, listener=listener)
    gateway = account.gateway
    events.now_ms = gateway.server_time_ms
    recorder = JournalRecorder(
        journal,
        run,
        owners={} if past is None else past.owners,
        now_ms=gateway.server_time_ms,
        on_order=events.order_changed,
        on_fill=events.filled,
        on_note=events.warn,
        on_refused=events.refused,
    )
    events.recorder = recorder
    begun = open_books(
        plan,
        past,
        gateway,
        recorder,
        filters,
        last_price=lambda symbol: _last_price(plan, symbol),
        sleep=lambda wait_s: time.sleep(stop.soon_s(wait_s)),
    )
    recorder.begin(begun.ledger)
    for rules in filters.values():
        recorder.symbol(rules)
    for sentence in begun.sentences:
        recorder.connection("run", "reconciled", gateway.server_time_ms(), text=sentence)
        events.say(sentence)
        listener.reconciled(sentence, gateway.server_time_ms())
    events.flush()
    log = events.log = RunLog(_openings(begun, filters))
    safety = events.safety = Safety(
        plan.limits.for_replay() if plan.is_practice else plan.limits,
        facts=begun.facts,
        keep=lambda document: recorder.state(STATE_KEY, dict(document)),
        alert=events.breached,
        sent_ms=begun.entries_ms,
    )
    for breach in safety.breaches:
        events.warn(breach.sentence)
    guard: Guard = _SignalsOnly() if plan.mode == "signals" else safety
    broker = LiveBroker(
        missed=MissedExits(is_on=plan.missed_exits, acted=begun.acted, seen=begun.seen),
        gateway=gateway,
        inbox=wire.inbox,
        protection=plan.protection,
        guard=guard,
        recorder=recorder,
        first_id=begun.first_id,
        run_tags=begun.tags,
    )
    broker.restore(begun.orders, begun.ledger)
    if begun.lack:
        broker.buy_nothing(begun.lack)
    return Parts(
        plan=plan,
        journal=journal,
        wire=wire,
        account=account,
        filters=filters,
        begun=begun,
        recorder=recorder,
        events=events,
        log=log,
        safety=safety,
        box=CommandBox(journal, run),
        broker=broker,
        feeds=make_feeds(plan, wire, on_notice=events.noticed),
        audience=audience,
    )


def make_turns(parts: Parts, cerebro: Any, stop: Stop) -> LiveTurns:
    """Make what works beside Backtrader at every turn."""
    plan, wire, exchange = parts.plan, parts.wire, parts.account.exchange
    barriers = {
        symbol: BarrierClient(
            plan.venue.stream_url,
            symbol,
            str(plan.interval),
            background=wire.background,
            ring=wire.bell.ring,
            meet_time=wire.hub.meet_time,
        )
        for symbol in (plan.symbols if plan.is_practice else ())
    }

    def meet_time(now_ms: int) -> None:
        if exchange is not None:
            exchange.clock.note(now_ms, asked_s=exchange.clock.our_s(), trip_s=0.0)

    started_ms = time.time_ns() // 1_000_000
    start_equity = parts.start_equity()

    def show() -> None:
        snapshot = take_snapshot(
            plan,
            broker=parts.broker,
            feeds=parts.feeds,
            account=parts.account,
            safety=parts.safety,
            log=parts.log,
            started_ms=started_ms,
            start_equity=start_equity,
        )
        parts.audience.show(snapshot)
        parts.events.listener.show(snapshot)

    return LiveTurns(
        cerebro=cerebro,
        broker=parts.broker,
        feeds=parts.feeds,
        wire=wire,
        account=parts.account,
        hold=ClockHold(
            barriers,
            wire.inbox,
            wire.bell,
            look=parts.account.look_soon,
            last_execution=lambda: last_execution(plan.venue),
            standing=lambda: _standing_clock(plan),
            meet_time=meet_time,
            left_s=stop.soon_s,
        ),
        recorder=parts.recorder,
        safety=parts.safety,
        box=parts.box,
        log=parts.log,
        stop=stop,
        seen=parts.begun.seen,
        recent=parts.begun.recent,
        bare=parts.begun.unprotected if not plan.protection else (),
        deadline=None if plan.duration_s is None else time.monotonic() + plan.duration_s,
        show=show,
        events=parts.events,
        is_replay=plan.is_practice,
    )


def _standing_clock(plan: LivePlan) -> AbstractContextManager[None]:
    """One feed alone needs no clock that stands: nothing moves before it has registered."""
    if plan.is_embedded or len(plan.symbols) > 1:
        return standing_clock(plan.venue, begins=plan.is_embedded)
    return nullcontext()


def _openings(begun: Begun, filters: Mapping[str, SymbolFilters]) -> dict[str, tuple[Decimal, Decimal]]:
    found = {}
    for symbol, rules in filters.items():
        holding = begun.ledger.holding(symbol)
        visible = rules.round_quantity(holding.quantity, "MARKET")
        found[symbol] = (visible, holding.average_price or ZERO)
    return found


def _last_price(plan: LivePlan, symbol: str) -> Decimal:
    rest = BinanceRest(plan.venue)
    try:
        now = rest.server_time()
        pages = rest.fetch_klines(symbol, plan.interval, start=now - 5 * plan.interval.approximate_ms, end=now)
        closes = [float(bars.close[-1]) for bars in pages if len(bars)]
    finally:
        rest.close()
    if not closes:
        raise DataError(
            f"{symbol} has no price to value the adopted holding with.", hint="Give one: QTY@PRICE."
        )
    return exact(closes[-1])
