"""Comparing the account with the books again and again, by what a REST check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brokers.order_events import NeverArrived
from brokers.reconcile import reconcile
from brokers.reconciling.views import Belief, ExchangeOrder, ExchangeView, Missing
from bt_run.core.errors import ExchangeError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from decimal import Decimal

    from brokers.gateway import AccountReport, Gateway
    from brokers.live.desk import Desk
    from brokers.reconcile import Reconciliation
    from brokers.recorder import Recorder

__all__ = ["BookCheck"]

_KEEP_S = 3600.0
_KEEP = 1000  # a report compares each of them
_SETTLED = 2  # reports: each tells all trades since the one before


@dataclass(frozen=True, slots=True)
class _Over:
    """When an order was first found over, steady seconds, and by which report."""

    since: float
    report: int


class BookCheck:
    """
    Learns from reports what the stream did not tell, and complains where report and books contradict.

    A report is older than the events that came while it was fetched, so a contradiction counts only when the
    next report repeats it.
    """

    def __init__(
        self,
        desk: Desk,
        gateway: Gateway,
        *,
        recorder: Recorder,
        run_tags: frozenset[str],
        steps: Callable[[], Mapping[str, Decimal]],
        forget: Callable[[Collection[str]], None],
        clock: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._gateway = gateway
        self._recorder = recorder
        self._run_tags = run_tags
        self._steps = steps
        self._forget = forget
        self._clock = clock
        self._over: dict[str, _Over] = {}
        self._reports = 0
        self._missing_since: dict[str, float] = {}
        self._newest: dict[str, int] = {}
        self._seen: frozenset[str] = frozenset()

    def examine(self, report: AccountReport) -> Reconciliation:
        """Take in what a report tells; asks the exchange for what the report leaves open."""
        view = ExchangeView(
            open_orders=report.open_orders,
            queried=tuple(told for told in report.asked.values() if isinstance(told, ExchangeOrder)),
            missing=tuple(told for told in report.asked.values() if isinstance(told, Missing)),
            trades=report.trades,
            balances=report.balances,
        )
        result = self._learn(view)
        if result.asks:
            view = self._asked_more(view, result)
            result = self._learn(view)
        self._judge(result, self._lost(report.lost), report.time_ms)
        self._forget_old()
        return result

    def _learn(self, view: ExchangeView) -> Reconciliation:
        desk = self._desk
        belief = Belief(dict(desk.orders), desk.ledger, self._run_tags, self._steps())
        result = reconcile(belief, view)
        for order in result.adopted:
            desk.adopt(order)
        for client_id, event in result.events:
            if not isinstance(event, NeverArrived):  # a report has the last trades only: the inquiry decides
                desk.take(client_id, event)
        for client_id in {item.client_id for item in result.to_book}:
            desk.book_missing(client_id)
        return result

    def _asked_more(self, view: ExchangeView, result: Reconciliation) -> ExchangeView:
        told, missing, trades = list(view.queried), list(view.missing), list(view.trades)
        try:
            for client_id in result.to_query:
                order = self._desk.orders[client_id]
                answer = self._gateway.query(order.symbol, client_id)
                if answer is None:
                    missing.append(self._missing(client_id))
                    continue
                self._missing_since.pop(client_id, None)
                told.append(answer)
                if answer.executed > order.executed:
                    trades += self._gateway.trades(order.symbol, exchange_id=answer.exchange_id)
            for symbol, exchange_id in result.to_fetch:
                trades += self._gateway.trades(symbol, exchange_id=exchange_id)
            for symbol, exchange_id in result.to_identify:
                owner = self._gateway.query_number(symbol, exchange_id)
                told += [owner] if owner is not None else []
        except ExchangeError as error:
            self._recorder.note(f"The check could not ask all that it wanted: {error}")
        return ExchangeView(
            view.open_orders, tuple(told), tuple(missing), tuple(trades), balances=view.balances
        )

    def _missing(self, client_id: str) -> Missing:
        """Say since when every report has had to ask for an order that the exchange does not know."""
        now = self._clock()
        return Missing(client_id, now - self._missing_since.setdefault(client_id, now))

    def _lost(self, told: Mapping[str, int]) -> list[str]:
        """Say which trades of the books are not listed any more; those of books that are closed are no news."""
        for symbol, trade_id in self._desk.ledger.booked:  # which forgets what is long over
            self._newest[symbol] = max(trade_id, self._newest.get(symbol, 0))
        return [
            f"it does not list the trade {trade_id} of {symbol} any more."
            for symbol, trade_id in told.items()
            if trade_id == self._newest.get(symbol)
        ]

    def _judge(self, result: Reconciliation, lost: Sequence[str], asked_ms: int) -> None:
        doubts = {sentence: sentence for sentence in result.contradictions}
        doubts |= {
            f"short of {lack.asset}": f"The account holds {lack.told:f} {lack.asset}, the books say "
            f"{lack.believed:f}: something else has sold or withdrawn it."
            for lack in result.shortfalls
        }
        reasons = [*(result.wipe.reasons if result.wipe else ()), *lost]
        if reasons:
            doubts["wipe"] = "The exchange seems to have been reset: " + " ".join(reasons)
        confirmed = [sentence for key, sentence in doubts.items() if key in self._seen]
        self._seen = frozenset(doubts)
        if confirmed:
            self._desk.complain(" ".join(confirmed))
        elif not doubts:
            self._desk.settle(asked_ms=asked_ms)

    def _forget_old(self) -> None:
        """
        Drop orders that have been over for an hour, or that are many: no trade of theirs comes any more.

        The last `_KEEP` stay for the hour. Of one before them two reports have told all trades since its end.
        """
        self._reports += 1
        now, latest = self._clock(), self._reports
        for client_id in self._desk.orders:
            if client_id not in self._over and self._desk.is_booked(client_id):
                self._over[client_id] = _Over(now, latest)
        many = len(self._over) - _KEEP
        gone = [
            client_id
            for number, (client_id, over) in enumerate(self._over.items())
            if (now - over.since > _KEEP_S or (number < many and latest - over.report >= _SETTLED))
            and self._desk.is_booked(client_id)
        ]
        for client_id in gone:
            del self._over[client_id]
            self._missing_since.pop(client_id, None)
        self._forget(gone)
