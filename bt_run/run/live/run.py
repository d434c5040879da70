"""
A live run: everything put together, run until it ends, ended in order.

Start and restart are one path: the journal is read, the exchange is asked, both are compared, and then it
trades. One thread trades (Cerebro, orders, journal), another has the sockets.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ConfigError, JournalError
from bt_run.journal.journal import Journal
from bt_run.run.live.begin import begin_run, end_run, find_past, outcome_of
from bt_run.run.live.bt_cerebro import prepare_cerebro, run_cerebro_live
from bt_run.run.live.end import close_at_once, leave_orders, mark_end, results_of, standing_words
from bt_run.run.live.interpreter import prompt_interpreter
from bt_run.run.live.listener import RunBeginning, RunListener
from bt_run.run.live.os_signals import INTERRUPT, stopping_on_signals
from bt_run.run.live.paper import PaperMarket, paper_account, paper_filters
from bt_run.run.live.parts import assemble, make_turns
from bt_run.run.live.real_money import check_account
from bt_run.run.live.status import Silence
from bt_run.run.live.turns import Stop
from bt_run.run.live.wire import Account, LiveWire

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from brokers.binance.credentials import Credentials
    from brokers.filters import SymbolFilters
    from bt_run.core.results import RunResult
    from bt_run.journal.records import RunRecord
    from bt_run.run.live.books import Past
    from bt_run.run.live.parts import Parts
    from bt_run.run.live.plan import LivePlan
    from bt_run.run.live.status import Audience

__all__ = ["END_OF_DATA", "LiveOutcome", "LiveRun"]

END_OF_DATA = "the data has ended"

_LAST_WORDS_S = 10.0
_GOODBYE_S = 1.5


@dataclass(frozen=True, slots=True)
class LiveOutcome:
    """
    How a run ended: `results` are those of the symbols of which a bar closed, `reason` why it ended.

    `sentences` say what was done about orders and position at the end, and what is left of them.
    """

    results: tuple[RunResult, ...]
    reason: str
    sentences: tuple[str, ...] = ()

    @property
    def was_interrupted(self) -> bool:
        """Whether a person at the terminal ended it."""
        return self.reason == INTERRUPT


class LiveRun:
    """
    One run; `run` does it, in the thread that calls, once.

    Args:
        plan: The settings.
        credentials: Who trades; None for paper and signals.
        audience: Who follows.
        account_uid: The number that the account must have, of real money; None: any.
        listener: Who hears of each thing that happens; must not keep the run waiting.
        abandon: Ends the process, where the run has not ended some seconds after SIGTERM; called in a thread.
    """

    def __init__(
        self,
        plan: LivePlan,
        credentials: Credentials | None = None,
        *,
        audience: Audience | None = None,
        account_uid: str | None = None,
        listener: RunListener | None = None,
        abandon: Callable[[], object] = lambda: None,
    ) -> None:
        if plan.mode == "live" and credentials is None:
            raise ConfigError(f"Trading on {plan.venue.name} needs a key.")
        self._plan = plan
        self._credentials = credentials
        self._account_uid = account_uid
        self._audience = audience or Silence()
        self._listener = listener or RunListener()
        self._abandon = abandon
        self._stop = Stop()
        self._wire: LiveWire | None = None

    def ask_to_stop(self, reason: str, *, closes: bool = False) -> None:
        """End the run soon, and close its position where `closes`; from any thread."""
        self._stop.ask(reason, closes=closes)
        if self._wire is not None:
            self._wire.bell.ring()

    def run(self) -> LiveOutcome:
        """
        Run until the data ends, the duration is over, or somebody ends it.

        Raises:
            ConfigError: settings that exchange or account do not bear, or another bot has the journal.
            StrategyError: the strategy raised.
            ExchangeError: the start was not possible, or the key is not accepted any more.
            JournalError: nothing could be written down any more, so nothing more was sent.
        """
        with ExitStack() as stack:
            stack.enter_context(prompt_interpreter())
            journal = self._open_journal(stack)
            wire = self._wire = LiveWire(self._plan.venue)
            stack.callback(lambda: wire.close(limit_s=self._stop.rest_s(_GOODBYE_S)))
            past = find_past(journal, self._plan)
            account, filters = self._open_account(wire, past)
            stack.callback(account.cut)
            record = begin_run(journal, self._plan, past)
            with stopping_on_signals(
                self._stop,
                wake=wire.bell.ring,
                interrupt=account.interrupt,
                cut=account.cut,
                abandon=self._abandon,
            ):
                try:
                    is_restart = record.resumes is not None
                    self._listener.began(RunBeginning(journal.place, record, self._plan, is_restart))
                    parts = assemble(
                        self._plan,
                        journal=journal,
                        run=record.run,
                        wire=wire,
                        account=account,
                        filters=filters,
                        past=past,
                        audience=self._audience,
                        listener=self._listener,
                        stop=self._stop,
                    )
                    outcome = self._trade(parts)
                except BaseException as error:
                    self._write_end(journal, record, outcome_of(error))
                    self._listener.failed(error, limit_s=self._stop.rest_s(_LAST_WORDS_S))
                    raise
                end_run(journal, record, outcome.reason)
                self._listener.ended(outcome.reason, limit_s=self._stop.rest_s(_LAST_WORDS_S))
        return outcome

    def _write_end(self, journal: Journal, record: RunRecord, outcome: str) -> None:
        """Write down how a run failed; where even that fails, it is in the journal as one that was killed."""
        try:
            end_run(journal, record, outcome)
        except JournalError as error:
            self._audience.warn(
                f"The end of the run is not written down. {error}", time_ms=time.time_ns() // 1_000_000
            )

    # Opening.

    def _open_journal(self, stack: ExitStack) -> Journal:
        place = self._plan.journal
        if place is None:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bt-run-"))) / "journal.sqlite"
        return stack.enter_context(Journal(place))

    def _open_account(self, wire: LiveWire, past: Past | None) -> tuple[Account, Mapping[str, SymbolFilters]]:
        plan, credentials = self._plan, self._credentials
        if plan.mode == "live" and credentials is not None:
            account = wire.open_exchange(credentials)
            self._check_rights(account)
            filters = {symbol: account.gateway.filters(symbol) for symbol in plan.symbols}
            since = {} if past is None or plan.fresh else _last_trades(past)
            wire.open_account(account, credentials, symbols=plan.symbols, since_trade_ids=since)
            return account, filters
        filters = paper_filters(plan.venue, plan.symbols)
        state = paper_account(None if plan.fresh else past, filters, cash=plan.cash)
        market = PaperMarket(plan.venue, filters, state, wire.inbox, clock_ms=wire.hub.now_ms)
        wire.watch(wire.background.submit(market.run()))
        return Account(market.gateway), filters

    def _check_rights(self, account: Account) -> None:
        if account.exchange is None or self._plan.is_practice:
            return
        if self._account_uid is not None:
            check_account(self._account_uid, account.exchange.account_uid())
        rights = account.exchange.key_rights()
        if rights.can_trade is False:
            raise ConfigError(f"The key may not trade on {self._plan.venue.name}. Allow spot trading for it.")
        if rights.can_withdraw and self._plan.venue.name == "mainnet":
            words = "This key may withdraw money. A bot needs no such right; take it away in the API settings."
            self._audience.warn(words, time_ms=account.gateway.server_time_ms())

    # Trading.

    def _trade(self, parts: Parts) -> LiveOutcome:
        plan, broker = self._plan, parts.broker
        cerebro = prepare_cerebro(plan, parts.feeds, broker, lot_steps=parts.lot_steps())
        turns = broker.turns = make_turns(parts, cerebro, self._stop)
        cerebro.addstore(turns)
        try:
            run_cerebro_live(plan, cerebro)
        except Exception as error:
            self._end_failed(parts, cerebro, turns, error)
            raise
        told: list[str] = []
        self._end(parts, cerebro, turns, told)
        told += standing_words(broker)
        for command in self._stop.commands:
            parts.box.answer(command, "\n".join(["The bot has ended.", *told]))
        mark_end(broker, parts.feeds, parts.log)
        results = results_of(
            plan,
            cerebro,
            parts.feeds,
            parts.log,
            parts.filters,
            commission=broker.commission_of(plan.symbols[0]),
            start_equity=float(parts.start_equity()),
        )
        return LiveOutcome(results, self._stop.reason or END_OF_DATA, tuple(told))

    def _end_failed(self, parts: Parts, cerebro: Any, turns: Any, error: Exception) -> None:
        """Settle the orders, and tell what is held and open, also where nothing can be written any more."""
        told: list[str] = []
        try:
            self._end(parts, cerebro, turns, told)
            for command in self._stop.commands:
                parts.box.answer(command, f"The bot ended with an error: {error}")
        except JournalError as lost:
            if str(lost) != str(error):
                told.append(str(lost))
        for sentence in [*told, *standing_words(parts.broker)]:
            parts.events.warn(sentence)
        parts.events.flush()

    def _end(self, parts: Parts, cerebro: Any, turns: Any, told: list[str]) -> None:
        """Settle the orders as the settings say, unless the exchange ends with the run; adds to `told`."""
        parts.broker.turns = None
        self._stop.has_begun = True
        if any(command.verb == "panic" for command in self._stop.commands):
            parts.safety.pause("by bt-run panic")
        if self._stop.closes and self._plan.mode == "live":
            turns.finish()
            gateway = parts.account.gateway
            told += close_at_once(parts.journal, gateway, parts.broker, self._plan, self._stop)
        elif self._stop.closes or self._plan.on_stop != "keep" or not self._plan.is_embedded:
            told += leave_orders(
                self._plan,
                parts.broker,
                list(getattr(cerebro, "runningstrats", ())),
                stop=self._stop,
                wait=parts.wire.bell.wait,
            )
        turns.finish()


def _last_trades(past: Past) -> dict[str, int]:
    """Give the highest trade id that the books have, by symbol."""
    found: dict[str, int] = {}
    for symbol, trade_id in past.ledger.booked:
        found[symbol] = max(found.get(symbol, 0), trade_id)
    return found
