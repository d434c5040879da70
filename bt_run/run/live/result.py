"""The result of a live run, in the same form as a backtest's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from brokers.ledger import round_trips
from bt_run.core.market import BarFile
from bt_run.core.results import EquityCurve, Fill, RejectedOrder, RunResult
from bt_run.core.settings import BacktestSettings
from bt_run.reports.metrics import compute_metrics
from feeds.history import digest_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.market import Bars, FloatArray
    from bt_run.run.live.log import SymbolLog
    from bt_run.run.live.plan import LivePlan

__all__ = ["live_result"]

RESTORED = "restored"
"""The tag of what was held before the run."""


def live_result(
    plan: LivePlan,
    symbol: str,
    log: SymbolLog,
    bars: Bars,
    *,
    commission: float,
    lot_step: float,
    start_equity: float,
    curves: tuple[Mapping[str, FloatArray], Mapping[str, FloatArray]] = ({}, {}),
) -> RunResult | None:
    """
    Reckon what came of one symbol of a live run; None where no bar closed in it.

    Of several symbols each is reckoned as if it had had its share of the equity at the start.

    Args:
        plan: The settings.
        symbol: Which.
        log: What was written down.
        bars: All bars of its feed, those of the history too.
        commission: Fraction of the traded value that a taker pays.
        lot_step: Quantity step of its orders.
        start_equity: Of the whole run.
        curves: Panels and overlays over all bars; those that are not as long are left out.
    """
    if not log.times:
        return None
    first = int(np.searchsorted(bars.open_time, log.times[0]))
    own = bars[first : first + len(log.times)]
    count = len(own)
    fills = _fills(log, own)
    curve = _curve(log, own, fills, share=None if len(plan.symbols) == 1 else start_equity / len(plan.symbols))
    settings = BacktestSettings(
        cash=max(float(curve.equity[0]) - _earned_at_first(fills, own), 1e-8),
        commission=commission,
        stake=plan.stake,
        lot_step=lot_step,
        protection=plan.protection,
    )
    trades, open_position = round_trips(fills, own)
    panels, overlays = ({name: curve[first : first + count] for name, curve in part.items()} for part in curves)
    return RunResult(
        strategy=plan.strategy.name,
        params=dict(plan.strategy.params),
        data=_data(plan, symbol, own),
        settings=settings,
        engine=plan.mode,
        curve=curve,
        trades=trades,
        fills=fills,
        rejected=_rejected(log, own),
        open_position=open_position,
        panels={name: curve for name, curve in panels.items() if len(curve) == count},
        overlays={name: curve for name, curve in overlays.items() if len(curve) == count},
        metrics=compute_metrics(
            curve=curve, bars=own, trades=trades, fills=fills, cash=settings.cash, interval=plan.interval
        ),
        defaults=plan.strategy.defaults,
    )


def _place(bars: Bars, time_ms: int) -> int:
    """Give the bar in which something happened; the last one for what came after it."""
    return max(0, min(len(bars) - 1, int(np.searchsorted(bars.open_time, time_ms, side="right")) - 1))


def _fills(log: SymbolLog, bars: Bars) -> tuple[Fill, ...]:
    found = []
    held, price = (float(amount) for amount in log.opening)
    if held:
        found.append(Fill(0, int(bars.open_time[0]), held, price, 0.0, held, RESTORED))
    for seen in log.fills:
        place = _place(bars, seen.time_ms)
        found.append(Fill(place, seen.time_ms, seen.size, seen.price, seen.fee, seen.position, seen.tag))
    return tuple(found)


def _rejected(log: SymbolLog, bars: Bars) -> tuple[RejectedOrder, ...]:
    found = []
    for refused in log.refusals:
        place = _place(bars, refused.time_ms)
        found.append(
            RejectedOrder(
                place, refused.time_ms, refused.side, refused.size, float(bars.close[place]), refused.reason
            )
        )
    return tuple(found)


def _curve(log: SymbolLog, bars: Bars, fills: tuple[Fill, ...], *, share: float | None) -> EquityCurve:
    """Give the account's curve; of an account that is shared, what this symbol alone did to its share."""
    equity, cash, position = (np.array(values) for values in (log.equity, log.cash, log.position))
    if share is None:
        return EquityCurve(equity, cash, position)
    moved = np.zeros(len(bars))
    for fill in fills:
        if fill.tag != RESTORED:
            moved[fill.bar] -= fill.size * fill.price + fill.fee
    held = float(log.opening[0]) * float(bars.close[0])
    own_cash = share - held + np.cumsum(moved)
    return EquityCurve(own_cash + position * bars.close, own_cash, position)


def _earned_at_first(fills: tuple[Fill, ...], bars: Bars) -> float:
    """Give what trades within the first bar had earned by its close: the run began before it."""
    close = float(bars.close[0])
    return sum(
        fill.size * (close - fill.price) - fill.fee for fill in fills if not fill.bar and fill.tag != RESTORED
    )


def _data(plan: LivePlan, symbol: str, bars: Bars) -> BarFile:
    told: Any = plan.origin
    is_named = told is not None and len(plan.symbols) == 1
    return BarFile(
        path=Path(told.name if is_named else f"{plan.venue.name}:{symbol}"),
        symbol=symbol,
        interval=plan.interval,
        bars=bars,
        sha256=digest_of(bars),
        format="live",
        warnings=told.warnings if told is not None else (),
        note=_note(plan, symbol),
    )


def _note(plan: LivePlan, symbol: str) -> str:
    """Say wherever the result is shown that these are no prices of the market's."""
    parts = (plan.notes.get(symbol, ""), "practice exchange" if plan.is_practice else "")
    return ", ".join(part for part in parts if part)
