"""Keeping every holding covered by its stop and take-profit on the exchange, whatever the strategy does."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brokers.amounts import ZERO, minus
from brokers.filter_checks import too_small_to_sell
from brokers.live.bt_own_orders import Behalf
from brokers.live.drafts import Draft
from brokers.live.protection import Levels, is_too_far, legs_of, levels_of, tells_passed
from brokers.live.standing import doubt_about, locked_by, rest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from brokers.live.bt_brackets import Brackets
    from brokers.live.bt_own_orders import OwnOrders
    from brokers.live.bt_session import Session
    from brokers.orders import Order, Purpose
    from bt_run.core.settings import Protection

__all__ = ["Protector"]

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_LONGEST_ALONE_S = 3600.0


@dataclass(slots=True)
class _Watch:
    """
    One symbol: for whom it is protected, at which levels, and when a refused attempt is made again.

    Where the exchange refused stop and target together the stop goes alone until `alone_until_s`.
    """

    owner: Any
    data: Any
    levels: Levels | None = None
    stale: bool = False
    due_s: float = 0.0
    pause_s: float = _FIRST_PAUSE_S
    alone_until_s: float = float("-inf")
    alone_pause_s: float = _LONGEST_PAUSE_S
    told: str = ""


class Protector:
    """
    Compares, after each event, what is held with what protects it, and places what is missing.

    It remembers nothing that the orders do not say, except the levels: a part sold keeps them, a purchase sets
    them anew from the average price. What the strategy's own orders lock is theirs to protect. Whatever a leg
    covered is cancelled, and known to be, before another order may sell it.
    """

    def __init__(
        self,
        session: Session,
        own: OwnOrders,
        brackets: Brackets,
        protection: Protection,
        clock: Callable[[], float],
    ) -> None:
        self._session = session
        self._own = own
        self._brackets = brackets
        self._protection = protection
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self.is_on = bool(protection)
        """Whether anything is to be protected."""

    def bought(self, symbol: str, owner: Any, data: Any) -> None:
        """Set the levels anew: the holding grew."""
        self._watches[symbol] = _Watch(owner, data, stale=True)

    def took_over(self, symbol: str, owner: Any, data: Any) -> None:
        """
        Protect a holding from before this run; legs that are there stay where they are.

        It is protected before a strategy owns it (None): that waits for a bar, and prices do not.
        """
        watch = self._watches.setdefault(symbol, _Watch(owner, data))
        watch.owner, watch.data = owner, data

    def rules_changed(self, symbol: str) -> None:
        """Reckon the levels anew, and place at once what was refused: ticks and steps are others now."""
        watch = self._watches.get(symbol)
        if watch is not None:
            watch.levels, watch.due_s = None, 0.0

    def settle(self, symbol: str) -> None:
        """Bring the legs of a symbol in step with its holding; called at every turn, cheap if all is well."""
        watch, session = self._watches.get(symbol), self._session
        if watch is None or not self.is_on:
            return
        orders = session.desk.of(symbol)
        if session.waits.about(symbol) or doubt_about(orders):
            return
        legs = [order for order in orders if self._is_leg(order)]
        want = self._bare(symbol)
        if not legs:
            if want:
                self._place(symbol, watch)
            return
        if want and not watch.stale and self._covered(legs, want, watch):
            return
        session.waits.after(symbol, [leg.client_id for leg in legs], lambda: self._place(symbol, watch))

    def _is_leg(self, order: Order) -> bool:
        ticket = self._session.tickets.of_client(order.client_id)
        mine = order.purpose in ("stop_loss", "take_profit") if ticket is None else ticket.mine
        return mine and order.type != "MARKET"

    def _bare(self, symbol: str) -> Decimal:
        """Give what the strategy's own orders do not lock."""
        session = self._session
        others = [order for order in session.desk.of(symbol) if not self._is_leg(order)]
        held = session.desk.ledger.holding(symbol).quantity
        return session.markets.visible(symbol, max(ZERO, minus(held, locked_by(others))))

    def _covered(self, legs: list[Order], want: Decimal, watch: _Watch) -> bool:
        stops = [leg for leg in legs if leg.purpose == "stop_loss"]
        targets = [leg for leg in legs if leg.purpose == "take_profit"]
        if any(stop.fills for stop in stops):
            return True  # it has been triggered and sells
        wants_target = self._protection.take_profit_pct is not None
        wants_stop = bool(self._protection.stop_loss_pct or self._protection.trailing_stop_pct)
        stop_holds = [rest_of(leg) for leg in stops] == ([want] if wants_stop else [])
        target_holds = [rest_of(leg) for leg in targets] == ([want] if wants_target else [])
        is_alone = not targets and self._is_stop_alone(legs[0].symbol, watch)
        if stop_holds and (target_holds or is_alone):
            watch.due_s, watch.pause_s = 0.0, _FIRST_PAUSE_S  # the pause is for attempts that fail
            return True
        # A target that has begun to fill ends its stop. While the price is there, let it fill.
        price = self._session.markets.price(legs[0].symbol)
        filling = any(leg.fills and leg.price and price and price >= leg.price for leg in targets)
        return filling and target_holds

    # Placing.

    def _place(self, symbol: str, watch: _Watch) -> None:
        session, now = self._session, self._clock()
        want = self._bare(symbol)
        if not want or (now < watch.due_s and not watch.stale):
            return
        filters = session.markets.filters[symbol]
        dust = too_small_to_sell(filters, want, session.markets.price(symbol))
        if dust is not None:
            _log.debug("%s: %s is too little to be protected. %s", symbol, want, dust)
            watch.due_s = now + _LONGEST_PAUSE_S
            watch.stale = False
            return
        average = session.desk.ledger.holding(symbol).average_price
        if watch.stale or watch.levels is None:
            watch.levels = levels_of(self._protection, average or ZERO, filters)
        watch.stale = False
        watch.due_s, watch.pause_s = now + watch.pause_s, min(2 * watch.pause_s, _LONGEST_PAUSE_S)
        stop, target = legs_of(watch.levels, want, filters)
        if stop is not None and target is not None and self._is_stop_alone(symbol, watch):
            target = None
        reason = self._send(symbol, watch, stop, target)
        if reason and stop is not None and target is not None and not self._has_passed(symbol, watch, reason):
            # A list is refused for one of its orders; what makes the target impossible must not cost the stop.
            watch.alone_until_s = now + watch.alone_pause_s
            watch.alone_pause_s = min(2 * watch.alone_pause_s, _LONGEST_ALONE_S)
            reason = self._send(symbol, watch, stop, None)
            if not reason:
                self._say(watch, f"{symbol}: the stop goes alone, with its target the exchange refused it.")
        if reason:
            self._refused(symbol, watch, reason)

    def _send(self, symbol: str, watch: _Watch, stop: Draft | None, target: Draft | None) -> str:
        """Send the legs, two as one list; gives why they were refused, empty where they were not."""
        legs: tuple[tuple[Draft | None, Purpose], ...] = ((stop, "stop_loss"), (target, "take_profit"))
        wishes = [(draft, purpose) for draft, purpose in legs if draft is not None]
        return self._own.send(self._behalf(symbol, watch), wishes).refusal

    def _behalf(self, symbol: str, watch: _Watch) -> Behalf:
        return Behalf(symbol, self._brackets.current(symbol), watch.owner, watch.data)

    def _is_stop_alone(self, symbol: str, watch: _Watch) -> bool:
        """Tell whether the target must wait: it was refused with the stop, and nothing has changed since."""
        if self._clock() < watch.alone_until_s:
            return True
        if watch.alone_until_s < 0 or watch.levels is None:
            return False
        return is_too_far(
            watch.levels.target, self._session.markets.price(symbol), self._session.markets.filters[symbol]
        )

    def _refused(self, symbol: str, watch: _Watch, reason: str) -> None:
        """Sell at market where the price has passed a level already; else say so, and try again later."""
        if not self._has_passed(symbol, watch, reason):
            self._say(watch, f"{symbol}: what is held has no protection, the exchange refused it: {reason}")
            return
        fell, rose = self._passed(symbol, watch)
        purpose: Purpose = "take_profit" if rose and not fell else "stop_loss"
        sentence = f"{symbol}: the price had passed the {purpose.replace('_', '-')} before it could be placed"
        self._say(watch, f"{sentence}; the holding is sold at market.")
        want = self._bare(symbol)
        if want:
            self._own.send(self._behalf(symbol, watch), [(Draft("SELL", "MARKET", want), purpose)])

    def _has_passed(self, symbol: str, watch: _Watch, reason: str) -> bool:
        """Tell whether legs were refused because the price is beyond one of them."""
        return any(self._passed(symbol, watch)) or tells_passed(reason)

    def _passed(self, symbol: str, watch: _Watch) -> tuple[bool, bool]:
        """Tell whether the price is at the stop or below it, and at the target or above it."""
        levels, price = watch.levels, self._session.markets.price(symbol)
        fell = bool(levels and levels.stop and price and price <= levels.stop)
        rose = bool(levels and levels.target and price and price >= levels.target)
        return fell, rose

    def _say(self, watch: _Watch, sentence: str) -> None:
        if sentence != watch.told:
            watch.told = sentence
            _log.warning("%s", sentence)
            self._session.recorder.note(sentence)
