"""Why the two sides of one round trip differ: order by order, each difference with its cause and its money."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bt_run.run.parity.money import contribution, dust_amount, mark_of, parts_of
from bt_run.run.parity.sides import Cause, Difference
from bt_run.run.parity.words import refusal_note, said, said_fee, said_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.run.parity.pairs import Episode, Pair
    from bt_run.run.parity.sides import Scene, Side, SideOrder, Subject

__all__ = ["Grounds", "explain"]

_HAIR = 1e-9
_FOLLOWS = "follows from the difference before"
_INSIDE = "what happens inside a bar the backtest cannot know"


@dataclass(frozen=True, slots=True)
class Grounds:
    """
    What is known before the orders are looked at.

    `signals` are bars whose decisions differ, `altered` bars that were not the same when they were read again.
    """

    live: Side
    backtest: Side
    scene: Scene
    signals: frozenset[int] = frozenset()
    altered: frozenset[int] = frozenset()


def explain(episode: Episode, number: int, grounds: Grounds) -> list[Difference]:
    """
    Give the differences of one round trip, in order.

    Once the sides have parted for a reason, what only one of them does until both are flat again has the same
    reason.
    """
    scene = grounds.scene
    last = float(scene.bars.close[-1]) if len(scene.bars) else 0.0
    mark = mark_of(episode, last)
    reader = _Reader(grounds, number, mark)
    found = [each for pair in episode.pairs for each in reader.read(pair)]
    dust = dust_amount(episode, mark, last)
    if dust and episode.flat:
        order = episode.pairs[-1].known
        rests = f"{episode.live_net:.8g} left over", f"{episode.backtest_net:.8g} left over"
        note = "what is too small to sell is worth more or less by now"
        found.append(replace(reader.difference(order, Cause.ROUNDING, "size", rests, dust), note=note))
    return found


def _is_same_fill(live: SideOrder, backtest: SideOrder) -> bool:
    """Tell whether both filled at one price in one bar; when protection was placed does not matter."""
    if live.role != backtest.role or live.last_bar != backtest.last_bar:
        return False
    if live.role == "signal" and live.bar != backtest.bar:
        return False
    return math.isclose(live.price, backtest.price, rel_tol=_HAIR / 1000)


class _Reader:
    """
    Goes through the pairs of one trip and remembers why the sides have parted.

    `root` is why one side traded and the other did not, or at another time; `size_root` why they hold unequal
    sizes.
    """

    def __init__(self, grounds: Grounds, number: int, mark: float) -> None:
        self.grounds = grounds
        self.scene = grounds.scene
        self.number = number
        self.mark = mark
        self.root: Cause | None = None
        self.size_root: Cause | None = None

    def read(self, pair: Pair) -> Iterator[Difference]:
        """Give the differences of one pair."""
        live, backtest = pair.live, pair.backtest
        if live is None or backtest is None:
            yield from self._alone(pair.known, by_live=live is not None)
        elif live.quantity and backtest.quantity:
            yield from self._both(live, backtest, late=pair.late)
        elif live.quantity or backtest.quantity or bool(live.refusal) != bool(backtest.refusal):
            yield self._half(live, backtest)

    def difference(
        self, order: SideOrder, cause: Cause, subject: Subject, sides: tuple[str, str], amount: float
    ) -> Difference:
        """Make a difference at the order's bar."""
        bar = max(order.bar, 0)
        time = int(self.scene.bars.open_time[bar])
        return Difference(bar, time, cause, subject, *sides, amount=amount, trip=self.number)

    # Both traded.

    def _both(self, live: SideOrder, backtest: SideOrder, *, late: bool) -> Iterator[Difference]:
        parts = parts_of(live, backtest, mark=self.mark, rate=self.scene.rate)
        parted = None
        if not _is_same_fill(live, backtest):
            cause, note = self._why_price(live, backtest, late=late)
            fills = said(live), said(backtest)
            yield replace(self.difference(live, cause, "fill", fills, parts.price), note=note)
            parted = cause if late else None
        if not math.isclose(live.quantity, backtest.quantity, rel_tol=_HAIR):
            cause, note = self._why_size(live, backtest)
            sizes = said_size(live), said_size(backtest)
            yield replace(self.difference(live, cause, "size", sizes, parts.size), note=note)
            self.size_root = self.size_root or cause
        self.root = self.root or parted
        if abs(parts.fee) > _HAIR * max(1.0, live.quantity * live.price) or live.other_fees:
            fees = said_fee(live), f"{self.scene.rate * 100:.4g}%"
            note = "paid from outside of the cash" if live.other_fees else ""
            yield replace(self.difference(live, Cause.FEE, "fee", fees, parts.fee), note=note)

    def _why_price(self, live: SideOrder, backtest: SideOrder, *, late: bool) -> tuple[Cause, str]:
        bars = live.last_bar - backtest.last_bar
        is_resting = live.kind != "market" and live.role == backtest.role and not bars
        if is_resting and abs(live.price - backtest.price) <= self.scene.tick * (1 + _HAIR):
            return Cause.ROUNDING, "the price in whole ticks"
        if live.is_protective or backtest.is_protective:
            return Cause.PROTECTION, _INSIDE
        if late and self.root is not None:
            return self.root, _FOLLOWS
        if bars > 0:
            return Cause.LATENCY, f"filled {bars} {'bar' if bars == 1 else 'bars'} later"
        if bars < 0 and live.kind != "market":
            return Cause.PROTECTION, "the path inside the bar"
        return Cause.FILL_PRICE, ""

    def _why_size(self, live: SideOrder, backtest: SideOrder) -> tuple[Cause, str]:
        step = self.scene.lot_step
        before = self.size_root or self.root
        if before is not None:
            return before, _FOLLOWS
        if live.quantity < live.wanted - step / 2:
            return Cause.PARTIAL_FILL, f"{live.wanted:.8g} were ordered"
        gap = abs(live.quantity - backtest.quantity)
        cause = self._why_stake(live, backtest, gap)
        if cause is not None:
            return cause
        if gap <= step * 1.5:
            return Cause.ROUNDING, "one lot step"
        paid = sum(order.base_fee for order in self.grounds.live.orders if order.last_bar <= live.last_bar)
        if live.side == "sell" and gap <= paid + step:
            return Cause.FEE, "the fee was taken from the coins"
        return Cause.UNEXPLAINED, "nothing known makes this size"

    def _why_stake(self, live: SideOrder, backtest: SideOrder, gap: float) -> tuple[Cause, str] | None:
        """Tell whether the stake, a share of equity, explains the size: the equities had parted before."""
        bar, scene = live.bar, self.scene
        if bar < 0:
            return None
        ours, slack = self._equity_of_live(bar)
        theirs = float(self.grounds.backtest.equity[bar])
        if math.isclose(ours, theirs, rel_tol=_HAIR) and not slack:
            return None
        note = f"sized by an equity of {ours:,.2f}, not {theirs:,.2f}"
        if scene.stake is not None and live.side == "buy" and scene.stake.kind == "percent":
            wanted = scene.stake.size(equity=ours, close=float(scene.bars.close[bar]), lot_step=scene.lot_step)
            if abs(wanted - live.quantity) <= wanted * slack + scene.lot_step * 1.5:
                return Cause.KNOCK_ON, note
        if scene.stake is None or live.side == "sell":
            share = abs(ours / theirs - 1.0) + slack
            if gap <= backtest.quantity * share * 2 + scene.lot_step * 1.5:
                return Cause.KNOCK_ON, note
        return None

    def _equity_of_live(self, bar: int) -> tuple[float, float]:
        """
        Give the equity that sized a live order, and by which share of it that may be wrong.

        Of several symbols that of all. Another one that traded at the same close has moved it by its fees.
        """
        scene = self.scene
        if scene.shared_equity is None or math.isnan(scene.shared_equity[bar]):
            return float(self.grounds.live.equity[bar]), 0.0
        return float(scene.shared_equity[bar]), 2 * scene.rate

    # One side ordered or traded, the other did not.

    def _half(self, live: SideOrder, backtest: SideOrder) -> Difference:
        """Both ordered, and one of the orders came to nothing."""
        amount = contribution(live, self.mark) - contribution(backtest, self.mark)
        if live.refusal or backtest.refusal:
            cause, note = Cause.REJECTED, refusal_note(live, backtest)
        elif backtest.quantity and live.state == "unknown":
            cause, note = Cause.UNEXPLAINED, "the exchange never said what became of it"
        elif backtest.quantity:
            cause, note = Cause.PARTIAL_FILL, "nothing of it was filled"
        else:
            cause, note = Cause.FILL_PRICE, "the bars do not reach the price at which it filled"
        if self.root is None and amount:
            self.root = cause
        elif self.root is not None and not (live.refusal or backtest.refusal):
            cause = self.root
        sides = said(live), said(backtest)
        return replace(self.difference(live, cause, "order", sides, amount), note=note)

    def _alone(self, order: SideOrder, *, by_live: bool) -> Iterator[Difference]:
        """Only one side ordered."""
        amount = contribution(order, self.mark) * (1 if by_live else -1)
        if not order.quantity and (self.root or self.size_root or order.refusal):
            return  # it could not trade, or had nothing to trade with, and did nothing
        cause, note = self._why_alone(order, by_live=by_live)
        if order.quantity:
            self.root = self.root or cause
        sides = (said(order), "no order") if by_live else ("no order", said(order))
        yield replace(self.difference(order, cause, "order", sides, amount), note=note)

    def _why_alone(self, order: SideOrder, *, by_live: bool) -> tuple[Cause, str]:
        grounds, bar = self.grounds, order.bar
        before = self.root or self.size_root
        reasons = (
            (order.role == "manual", Cause.FOREIGN, "not an order of the strategy"),
            (before is not None, before, _FOLLOWS),
            (order.is_protective, Cause.PROTECTION, _INSIDE),
            (bar in grounds.signals, Cause.SIGNAL, "the signals of this bar differ"),
            (bar in grounds.altered, Cause.DATA, "this bar was not the same when it was read again"),
        )
        for holds, cause, note in reasons:
            if holds and cause is not None:
                return cause, note
        if not self.scene.writes_signals:
            if any(first <= bar for first in self.scene.restarts):
                return Cause.WARM_UP, "the strategy began anew at the restart, with less history"
            return Cause.SIGNAL, "the strategy ordered on one side only"
        if not by_live and grounds.live.decisions and bar not in grounds.live.decisions:
            return Cause.MISSED_BAR, "live wrote no signal at this bar"
        return Cause.UNEXPLAINED, "the signals were equal, and one side ordered"
