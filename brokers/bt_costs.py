"""Stakes as a Backtrader sizer, costs as Backtrader's own settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import backtrader as bt

from bt_run.core.money import DEFAULT_LOT_STEP, Stake

if TYPE_CHECKING:
    from bt_run.core.settings import BacktestSettings

__all__ = ["StakeSizer", "set_costs"]


class StakeSizer(bt.Sizer):  # type: ignore[misc]  # backtrader ships no types
    """
    Size entries by a `Stake`, and orders against a position by what is held.

    A sell() while long, or a buy() while short, is an exit of the whole position, as in Backtrader's own
    PercentSizer, unless the strategy says ``reversing`` (see SignalStrategy). Percent and quote stakes
    are sized from equity and close of the bar on which the order is made, and rounded down to the lot
    step. A size of 0 means that Backtrader makes no order.
    """

    params = (("stake", Stake(95.0, "percent")), ("lot_step", DEFAULT_LOT_STEP))

    def _getsizing(self, comminfo: Any, cash: float, data: Any, isbuy: bool) -> float:  # Backtrader's signature
        held = self.broker.getposition(data).size
        is_exit = held < 0 if isbuy else held > 0
        if is_exit and not getattr(self.strategy, "reversing", False):
            return float(abs(held))
        stake: Stake = self.p.stake
        return stake.size(equity=self.broker.getvalue(), close=data.close[0], lot_step=self.p.lot_step)


def set_costs(broker: Any, settings: BacktestSettings) -> None:
    """
    Tell any Backtrader broker the starting cash, the commission and the slippage of the settings.

    Slippage worsens market, stop and limit fills by a fraction of the price, but never beyond the bar's
    high or low; only a limit sale that gaps up may pass the low (docs/fill-rules.md).
    """
    broker.setcash(settings.cash)
    broker.setcommission(commission=settings.commission)
    broker.set_slippage_perc(
        settings.slippage, slip_open=True, slip_limit=True, slip_match=True, slip_out=False
    )
