"""Taking a snapshot of a live run, in the thread that trades."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from brokers.amounts import ZERO, exact
from bt_run.run.live.status import LiveSnapshot, OpenOrder, SymbolView

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from brokers.orders import Order
    from bt_run.run.live.log import RunLog
    from bt_run.run.live.plan import LivePlan
    from bt_run.run.live.wire import Account
    from bt_run.run.safety import Safety

__all__ = ["take_snapshot"]


def take_snapshot(
    plan: LivePlan,
    *,
    broker: Any,
    feeds: Mapping[str, Any],
    account: Account,
    safety: Safety,
    log: RunLog,
    started_ms: int,
    start_equity: Decimal,
) -> LiveSnapshot:
    """Give the run as it stands."""
    ledger = broker.ledger
    halts = [breach.sentence for breach in safety.breaches]
    if broker.trouble:
        halts.append(broker.trouble)
    return LiveSnapshot(
        strategy=_label(plan),
        venue=plan.venue.name,
        mode=plan.mode,
        started_ms=started_ms,
        now_ms=time.time_ns() // 1_000_000,
        symbols=tuple(
            _symbol(symbol, feed, ledger, log, holds=broker.is_worth_telling(symbol))
            for symbol, feed in feeds.items()
        ),
        quote_asset=ledger.quote_asset,
        cash=ledger.cash,
        equity=exact(broker.getvalue()),
        start_equity=start_equity,
        orders=tuple(_order(order) for order in broker.orders.values() if not order.is_terminal),
        words=tuple(log.words),
        halts=tuple(halts),
        account_up=account.is_up,
        trouble=account.trouble,
        bars=log.bars,
        fills=log.fills,
    )


def _label(plan: LivePlan) -> str:
    strategy = plan.strategy
    given = ", ".join(f"{name}={value}" for name, value in strategy.params.items())
    return f"{strategy.name}({given})" if given else strategy.name


def _symbol(symbol: str, feed: Any, ledger: Any, log: RunLog, *, holds: bool) -> SymbolView:
    """Give how a symbol stands; what is too little to sell is no position, though it counts in the equity."""
    holding, status = ledger.holding(symbol), feed.status()
    price = None if status.last_price is None else exact(status.last_price)
    if price is None and len(feed):
        price = exact(float(feed.close[0]))
    unrealised = None
    if holds and price is not None:
        unrealised = holding.unrealised(price)
    return SymbolView(
        symbol=symbol,
        base_asset=holding.base_asset,
        held=holding.quantity if holds else ZERO,
        average=holding.average_price,
        price=price,
        unrealised=unrealised if holds else ZERO,
        realised=holding.realised,
        feed=status,
        signal=log.signals.get(symbol),
    )


def _order(order: Order) -> OpenOrder:
    return OpenOrder(
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        purpose=order.purpose,
        quantity=order.whole,
        price=order.price,
        trigger=order.stop_price,
        trailing=order.trailing_delta,
        state=str(order.state),
    )
