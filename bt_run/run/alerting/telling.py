"""What happens in a run, as happenings that may become messages. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from brokers.amounts import minus
from brokers.order_events import Canceled, Expired, Filled, Rejected
from bt_run.alerts.happening import Happening, Mark
from bt_run.core.clock import iso_utc
from bt_run.run.live.words import amount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from brokers.order_events import Event
    from brokers.orders import Order
    from bt_run.run.safety_rules import Breach

__all__ = [
    "breach_told",
    "clock_words",
    "error_told",
    "is_difference",
    "order_told",
    "reconcile_told",
    "refusal_told",
    "restart_told",
    "signal_told",
    "values_words",
]

_DAY_WORDS = slice(0, 16)


def clock_words(time_ms: int) -> str:
    """Write a time as people read it: ``2026-11-29 12:05 UTC``."""
    return f"{iso_utc(time_ms)[_DAY_WORDS].replace('T', ' ')} UTC"


def values_words(values: Mapping[str, float]) -> str:
    """Write indicator values in a line; those that are not known are left out."""
    known = {name: value for name, value in values.items() if math.isfinite(value)}
    return ", ".join(f"{name} {value:,.6g}" for name, value in known.items())


def signal_told(
    *,
    scope: str,
    symbol: str,
    interval: str,
    words: str,
    time_ms: int,
    price: float,
    values: Mapping[str, float],
    more: str = "",
) -> Happening:
    """
    Tell of a signal: `words` is such as ``long entry``, `time_ms` the close of its bar.

    `scope` tells runs apart, so that a signal of another run is another message; `more` is put below.
    """
    lines = [f"at {amount(price)}, {clock_words(time_ms)}", values_words(values), more]
    return Happening(
        kind="signal",
        key=f"signal:{scope}:{symbol}:{interval}:{time_ms}:{words}",
        time_ms=time_ms,
        symbol=symbol,
        title=f"{symbol} {interval}: {words}",
        text="\n".join(line for line in lines if line),
        mark=Mark(time_ms, price, words.partition(",")[0], words),
    )


def order_told(order: Order, event: Event, *, scope: str, earned: Decimal | None = None) -> Happening | None:
    """
    Tell of an order that was refused, or that is done and has traded; None where there is nothing to tell.

    `earned` is what its sales earned after fees, quote asset, where that is known.
    """
    if isinstance(event, Rejected):
        return _rejected(order, event.reason, scope=scope)
    is_done = order.is_terminal and isinstance(event, Filled | Canceled | Expired)
    if not is_done or not order.fills:
        return None
    time_ms = max(fill.time_ms for fill in order.fills)
    is_stop = order.purpose == "stop_loss"
    kind = "stop" if is_stop else "entry" if order.side == "BUY" else "exit"
    did = "bought" if order.side == "BUY" else "sold"
    why = {"stop_loss": "Stop hit: ", "take_profit": "Take-profit: "}.get(order.purpose, "")
    price = order.average_price
    lines = [clock_words(time_ms)]
    if earned is not None and order.side == "SELL":
        lines.insert(0, f"earned {'+' if earned > 0 else ''}{amount(earned)} after fees")
    if order.whole is not None and order.whole > order.executed:
        lines.append(f"{amount(minus(order.whole, order.executed))} of it did not trade")
    mark = Mark(time_ms, float(price or 0), "long entry" if order.side == "BUY" else "long exit", did)
    return Happening(
        kind=kind,  # type: ignore[arg-type]  # one of the three
        key=f"order:{scope}:{order.client_id}:{len(order.fills)}",
        time_ms=time_ms,
        symbol=order.symbol,
        title=f"{why}{order.symbol}: {did} {amount(order.executed)} at {amount(price)}",
        text="\n".join(lines),
        mark=mark,
    )


def _rejected(order: Order, reason: str, *, scope: str) -> Happening:
    what = f"{order.side.lower()} {amount(order.quantity or order.quote_quantity)}"
    return Happening(
        kind="rejected",
        key=f"rejected:{scope}:{order.client_id}",
        time_ms=order.created_ms,
        symbol=order.symbol,
        title=f"{order.symbol}: an order was rejected",
        text=f"{what}: {reason}",
    )


def refusal_told(symbol: str, wish: str, reason: str, *, time_ms: int, scope: str) -> Happening:
    """Tell of an order that never left."""
    return Happening(
        kind="rejected",
        key=f"refused:{scope}:{symbol}:{time_ms}",
        time_ms=time_ms,
        symbol=symbol,
        title=f"{symbol}: an order was not sent",
        text=f"{wish.lower()}: {reason}",
    )


def breach_told(breach: Breach, *, time_ms: int, scope: str) -> Happening:
    """Tell of a limit that stops entries."""
    return Happening(
        kind="limit",
        key=f"limit:{scope}:{breach.rule}:{breach.symbol}:{time_ms}",
        time_ms=time_ms,
        symbol=breach.symbol,
        title=f"Limit reached: {breach.rule}",
        text=breach.sentence,
    )


def restart_told(symbols: str, *, time_ms: int, scope: str, strategy: str) -> Happening:
    """Tell that a run goes on from an earlier one."""
    return Happening(
        kind="restart",
        key=f"restart:{scope}",
        time_ms=time_ms,
        symbol=symbols,
        title=f"{strategy} on {symbols} was restarted",
        text=clock_words(time_ms),
    )


def is_difference(sentence: str) -> bool:
    """Tell a difference from what the report of a start says beside: what it goes on from, what is others'."""
    is_others = sentence.endswith(("left alone.", "is not touched."))
    return not is_others and not sentence.startswith("Goes on from run")


def reconcile_told(sentence: str, *, time_ms: int, scope: str, number: int) -> Happening:
    """Tell of a difference between journal and exchange."""
    return Happening(
        kind="reconcile",
        key=f"reconcile:{scope}:{number}",
        time_ms=time_ms,
        symbol="",
        title="Journal and exchange differed",
        text=sentence,
    )


def error_told(error: BaseException, symbols: str, *, time_ms: int, scope: str) -> Happening:
    """Tell of an error that ended a run."""
    words = str(error).splitlines() or [type(error).__name__]
    return Happening(
        kind="error",
        key=f"error:{scope}:{time_ms}",
        time_ms=time_ms,
        symbol=symbols,
        title=f"The run on {symbols} ended with an error",
        text=words[0],
    )
