"""The books of a live story: with what it began, and whether its fills explain what the journal says it had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bt_run.run.parity.sides import Cause, Difference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bt_run.core.market import Bars, FloatArray
    from bt_run.journal.records import EquityRecord, RunRecord
    from bt_run.run.parity.bars import JoinedBars
    from bt_run.run.parity.orders import LiveOrders

__all__ = ["Jump", "Opening", "check_books", "find_opening"]

_CASH = 10_000.0


@dataclass(frozen=True, slots=True)
class Opening:
    """Cash (quote asset) and holding (base asset, at its average price) before the first bar."""

    cash: float
    size: float = 0.0
    price: float = 0.0
    is_guess: bool = False


@dataclass(frozen=True, slots=True)
class Jump:
    """The account changed from `bar` on by so much cash and so many coins, without a fill of ours."""

    bar: int
    cash: float
    coins: float
    cause: Cause

    def difference(self, bars: Bars) -> Difference:
        """Tell of it; its amount is what it did to the final equity."""
        return Difference(
            self.bar,
            int(bars.open_time[self.bar]),
            self.cause,
            "books",
            f"{self.cash:+,.2f} cash, {self.coins:+.8g} coins",
            "nothing",
            "the account changed without a fill of the run",
            self.cash + self.coins * float(bars.close[-1]),
        )


def find_opening(
    told: object,
    run: RunRecord,
    symbol: str,
    *,
    records: Sequence[EquityRecord],
    orders: LiveOrders,
    joined: JoinedBars,
) -> Opening:
    """Find with what the first run began: the books that it wrote down, `told`, else its first account."""
    if isinstance(told, dict):
        return _of_document(told, symbol)
    if records:
        return _of_record(records[0], orders, joined)
    cash = run.settings.get("cash")
    return Opening(_CASH if cash is None else float(cash), is_guess=cash is None)


def _of_document(told: Mapping[str, object], symbol: str) -> Opening:
    holdings = told.get("holdings")
    item = holdings.get(symbol) if isinstance(holdings, dict) else None
    size = float(item["quantity"]) if item else 0.0
    cost = float(item["cost"]) if item else 0.0
    return Opening(float(str(told["cash"])), size, cost / size if size else 0.0)


def _of_record(record: EquityRecord, orders: LiveOrders, joined: JoinedBars) -> Opening:
    """Take back the fills that the first record holds already."""
    bar = joined.bar_at(record.open_time)
    moves = [move for move in orders.moves if move.bar <= bar]
    size = float(record.position) - sum(move.coins for move in moves)
    cash = float(record.cash) - sum(move.cash for move in moves)
    return Opening(cash, size if abs(size) > 1e-12 else 0.0, float(record.price) if size else 0.0)


def check_books(
    records: Sequence[EquityRecord], opening: Opening, orders: LiveOrders, joined: JoinedBars
) -> list[Jump]:
    """
    Find where the account that the journal wrote down changed by more than its fills, and stayed so.

    A fill may be booked a bar after it happened, so what counts is how each run ended. Coins that came or went
    without a fill of ours, and cash at a restart, came from a person: FOREIGN. Cash alone within a run is
    UNEXPLAINED.
    """
    place = {int(time): bar for bar, time in enumerate(joined.bars.open_time)}
    cash, coins = _running(opening, orders, joined)
    moved = {move.bar for move in orders.moves}
    found = []
    before = (0.0, 0.0)
    for run in dict.fromkeys(record.run for record in records):
        offsets = [
            (bar, float(record.cash) - float(cash[bar]), float(record.position) - float(coins[bar]))
            for record in records
            if record.run == run and (bar := place.get(record.open_time, -1)) >= 0
        ]
        calm = [offset for offset in offsets if offset[0] not in moved] or offsets[:-1]
        if not calm:
            continue
        _, *last = calm[-1]
        after = (last[0], last[1])
        if _is_same(after, before, joined):
            continue
        since = _since(offsets, after, joined)
        jump = (after[0] - before[0], after[1] - before[1])
        from_person = not _is_same((0.0, after[1]), (0.0, before[1]), joined) or since == offsets[0][0]
        found.append(Jump(since, *jump, Cause.FOREIGN if from_person else Cause.UNEXPLAINED))
        before = after
    return found


def _since(offsets: Sequence[tuple[int, float, float]], after: tuple[float, float], joined: JoinedBars) -> int:
    """Find the bar from which on the books were what they were at the run's end."""
    since = offsets[-1][0]
    for bar, cash, coins in reversed(offsets):
        if not _is_same((cash, coins), after, joined):
            break
        since = bar
    return since


def _is_same(first: tuple[float, float], second: tuple[float, float], joined: JoinedBars) -> bool:
    """Compare (cash, coins) up to what rounding makes of sums."""
    price = float(joined.bars.close[-1])
    hair = 1e-6 + 1e-10 * abs(first[0])
    return abs(first[0] - second[0]) <= hair and abs(first[1] - second[1]) * price <= hair


def _running(opening: Opening, orders: LiveOrders, joined: JoinedBars) -> tuple[FloatArray, FloatArray]:
    cash, coins = np.zeros(len(joined.bars)), np.zeros(len(joined.bars))
    for move in orders.moves:
        cash[move.bar] += move.cash
        coins[move.bar] += move.coins
    return opening.cash + np.cumsum(cash), opening.size + np.cumsum(coins)
