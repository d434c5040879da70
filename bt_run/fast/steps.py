"""
What Backtrader's broker does at one bar, as plain functions over numbers.

They take the float steps of backtrader 1.9.78.123 (``brokers/bbroker.py``, ``position.py``, ``comminfo.py``),
of `brokers.bt_backtest` and `brokers.bt_costs` in their order, so that every result is the same float. What is
left out are steps that change no float here: leverage of 1, interest of 0, futures.

The functions are written so that `bt_run.fast.compiled` can compile them, and so that they run without it: no
objects but numbers and the tuples below. A change of a formula here is a bug unless Backtrader changed too.

A strategy of signals holds one position at most and never adds to it, so three things can happen at a bar, in
this order: the position is left at the open, one is entered at the open, its stop or target is reached.
"""

from __future__ import annotations

from typing import NamedTuple

from bt_run.fast.decisions import GO_LONG, GO_SHORT, LEAVE_LONG, LEAVE_SHORT

__all__ = [
    "BASE",
    "ENTER_REFUSED",
    "LEAVE_REFUSED",
    "PERCENT",
    "QUOTE",
    "STOP_LOSS",
    "TAKE_PROFIT",
    "TRAILING_STOP",
    "Account",
    "Bar",
    "Order",
    "Terms",
    "Worked",
    "decide",
    "equity_at",
    "flat",
    "is_idle",
    "stake_size",
    "work_bar",
]

BASE, QUOTE, PERCENT = 0, 1, 2
SIGNAL, STOP_LOSS, TRAILING_STOP, TAKE_PROFIT = 0, 1, 2, 3
LEAVE_REFUSED, ENTER_REFUSED = 1, 2


class Terms(NamedTuple):
    """
    What a run is told, as numbers.

    `commission`, `slippage`, `stop`, `target` and `trail` are fractions in [0, 1), 0 for none; `stop` and
    `trail` are not both set. `stake_kind` is BASE, QUOTE or PERCENT of `stake` (see `bt_run.core.money.Stake`).
    `lots_per_unit` is the inverse of a `lot_step` below one, rounded to a whole number, and 0 for larger steps.
    """

    commission: float
    slippage: float
    stake_kind: int
    stake: float
    lot_step: float
    lots_per_unit: float
    stop: float
    target: float
    trail: float


class Account(NamedTuple):
    """
    Cash, and what is held: `size` (base asset, signed, 0 for nothing), its entry `price`, and the prices of its
    protective orders, 0 where there is none.
    """

    cash: float
    size: float
    price: float
    stop: float
    target: float


class Order(NamedTuple):
    """What was ordered at a close for the next open: to leave what is held, to enter with this signed size."""

    leave: bool
    enter: float


class Worked(NamedTuple):
    """
    What happened at a bar: the prices of the fills, 0 where there was none.

    `left` closed what was held, `entered` opened a position at the same open, `guarded` closed what was held
    then, by the protective order `guard` (STOP_LOSS, TRAILING_STOP or TAKE_PROFIT). `refused` has the bits
    LEAVE_REFUSED and ENTER_REFUSED; `free` is the cash there was when the entry was refused.
    """

    left: float
    entered: float
    guarded: float
    guard: int
    refused: int
    free: float


class Bar(NamedTuple):
    """The prices of one bar, each > 0."""

    open: float
    high: float
    low: float
    close: float


def flat(cash: float) -> Account:
    """Give the account of somebody who holds nothing."""
    return Account(cash, 0.0, 0.0, 0.0, 0.0)


def equity_at(account: Account, close: float) -> float:
    """Give the account's value at a close, as ``BackBroker._get_value`` adds it up."""
    value = account.size * close
    if account.size > 0.0:
        gain = account.size * (close - account.price)
        value = (value - gain) + gain  # not the same float as before
    return account.cash + value


def decide(code: int, account: Account, close: float, terms: Terms) -> Order:
    """Order at a close what the decision code of its bar asks for; see `strategies.base.SignalStrategy`."""
    held = account.size
    if held == 0.0:
        if code & GO_LONG:
            return Order(False, stake_size(equity_at(account, close), close, terms))
        if code & GO_SHORT:
            return Order(False, -stake_size(equity_at(account, close), close, terms))
        return Order(False, 0.0)
    if held > 0.0 and code & GO_SHORT:
        return Order(True, -stake_size(equity_at(account, close), close, terms))
    if held < 0.0 and code & GO_LONG:
        return Order(True, stake_size(equity_at(account, close), close, terms))
    leaves = LEAVE_LONG if held > 0.0 else LEAVE_SHORT
    return Order(code & leaves != 0, 0.0)


def is_idle(order: Order, account: Account, terms: Terms) -> bool:
    """Tell whether the coming bars have nothing to work, until the next decision: no order, nothing guarded."""
    if order.leave or order.enter != 0.0:
        return False
    return account.size == 0.0 or (terms.stop == 0.0 and terms.trail == 0.0 and terms.target == 0.0)


def stake_size(equity: float, close: float, terms: Terms) -> float:
    """Size an entry as `bt_run.core.money.Stake.size` does."""
    if terms.stake_kind == PERCENT:
        wanted = equity * terms.stake / 100.0 / close
    elif terms.stake_kind == QUOTE:
        wanted = terms.stake / close
    else:
        wanted = terms.stake
    if wanted <= 0.0:
        return 0.0
    if terms.lots_per_unit > 0.0:
        steps = wanted * terms.lots_per_unit // 1.0  # a float, because there may be more than an int64 holds
        above = (steps + 1.0) / terms.lots_per_unit
        return above if above <= wanted else steps / terms.lots_per_unit
    return wanted / terms.lot_step // 1.0 * terms.lot_step


def work_bar(account: Account, order: Order, was: float, bar: Bar, terms: Terms) -> tuple[Account, Worked]:
    """
    Work one bar: the orders of the last close, then the protective orders.

    Args:
        account: At the last close.
        order: Made at the last close.
        was: The last close, at which the cash is checked first; any number where nothing is ordered.
        bar: Its prices.
        terms: Of the run.

    Returns:
        The account at this close, and what happened.
    """
    leaves, enters, refused = _check_submitted(account, order, was, terms)
    left = entered = guarded = 0.0
    free = account.cash
    guard = 0
    if leaves:
        left = _slipped(-account.size, bar.open, bar, terms.slippage)
        account = _closed(account, left, terms)
    if enters:
        entered = _slipped(order.enter, bar.open, bar, terms.slippage)
        cash = account.cash - order.enter * entered
        cash -= abs(order.enter) * terms.commission * entered
        if cash < 0.0:  # the open lies above the last close: refused for good
            refused |= ENTER_REFUSED
            entered = 0.0
            free = account.cash
        else:
            account = _guarded(cash, order.enter, entered, terms)
    if account.stop != 0.0 or account.target != 0.0:
        guarded, guard = _guard_fill(account, bar, terms)
        if guarded != 0.0:
            account = _closed(account, guarded, terms)
        elif terms.trail > 0.0:
            account = _trailed(account, bar.close, terms)
    return account, Worked(left, entered, guarded, guard, refused, free)


def _check_submitted(account: Account, order: Order, was: float, terms: Terms) -> tuple[bool, bool, int]:
    """Refuse what the cash could not pay at the last close; that still counts against the next order."""
    due = account.cash
    refused = 0
    leaves, enters = order.leave, order.enter != 0.0
    if leaves:
        due += account.size * was
        due -= abs(account.size) * terms.commission * was
        if not due >= 0.0:
            leaves = False
            refused |= LEAVE_REFUSED
    if enters:
        due -= order.enter * was
        due -= abs(order.enter) * terms.commission * was
        if not due >= 0.0:
            enters = False
            refused |= ENTER_REFUSED
    return leaves, enters, refused


def _closed(account: Account, price: float, terms: Terms) -> Account:
    """Close what is held at a price; nobody asks whether the cash can pay that."""
    pnl = account.size * (price - account.price)
    cash = account.cash + (account.size * account.price + pnl)
    cash -= abs(account.size) * terms.commission * price
    return Account(cash, 0.0, 0.0, 0.0, 0.0)


def _guarded(cash: float, size: float, price: float, terms: Terms) -> Account:
    """Hold a new position, with protective orders reckoned from the price paid."""
    side = 1.0 if size > 0.0 else -1.0
    stop = target = 0.0
    if terms.stop > 0.0:
        stop = price * (1.0 - side * terms.stop)
    elif terms.trail > 0.0:
        stop = price - side * (price * terms.trail)
    if terms.target > 0.0:
        target = price * (1.0 + side * terms.target)
    return Account(cash, size, price, stop, target)


def _guard_fill(account: Account, bar: Bar, terms: Terms) -> tuple[float, int]:
    """Try the stop, then the target, on a bar; the price and the kind of what filled, 0 for nothing."""
    size, stop, target = account.size, account.stop, account.target
    is_long = size > 0.0
    if stop != 0.0:
        kind = STOP_LOSS if terms.stop > 0.0 else TRAILING_STOP
        if (bar.open <= stop) if is_long else (bar.open >= stop):
            return _slipped(-size, bar.open, bar, terms.slippage), kind
        if (bar.low <= stop) if is_long else (bar.high >= stop):
            return _slipped(-size, stop, bar, terms.slippage), kind
    if target != 0.0:
        if (target <= bar.open) if is_long else (target >= bar.open):
            # A sale may pass the low, a purchase not the high; neither passes its limit.
            within = Bar(bar.open, min(bar.high, target), target, bar.close)
            return _slipped(-size, bar.open, within, terms.slippage), TAKE_PROFIT
        if (target <= bar.high) if is_long else (target >= bar.low):
            return target, TAKE_PROFIT
    return 0.0, 0


def _trailed(account: Account, close: float, terms: Terms) -> Account:
    """Let the trailing stop follow the close where that brings it nearer."""
    side = 1.0 if account.size > 0.0 else -1.0
    stop = close - side * (close * terms.trail)
    if (stop > account.stop) if side > 0.0 else (stop < account.stop):
        return Account(account.cash, account.size, account.price, stop, account.target)
    return account


def _slipped(size: float, price: float, within: Bar, slippage: float) -> float:
    """Worsen the price of a purchase (size > 0) or a sale, not beyond the bar."""
    if slippage == 0.0:
        return price
    if size > 0.0:
        return min(price * (1.0 + slippage), within.high)
    return max(price * (1.0 - slippage), within.low)
