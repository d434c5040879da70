"""
The plain side: a Backtrader script as a user writes it, with nothing of bt-run but the strategy class.

    python benchmarks/bt_plain.py rsi BARS.csv OUT.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import backtrader as bt

from bt_generic_csv import generic_csv
from bt_tutorial import TutorialRsi
from strategies.rsi import Rsi

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["main"]

STRATEGIES = {"rsi": Rsi, "tutorial": TutorialRsi}


def main() -> None:
    """Run the strategy and write final equity and closed trades."""
    parser = argparse.ArgumentParser(description="Backtest with Backtrader alone.")
    parser.add_argument("strategy", choices=STRATEGIES)
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    given = parser.parse_args()

    cerebro = bt.Cerebro()
    cerebro.broker.setcash(10_000_000.0)
    cerebro.broker.setcommission(commission=0.001)
    cerebro.addsizer(bt.sizers.FixedSize, stake=1)
    cerebro.adddata(generic_csv(bt, given.data))
    cerebro.addstrategy(STRATEGIES[given.strategy])
    strategy = cerebro.run()[0]

    trades = [
        {
            "entry_bar": trade.baropen - 1,
            "exit_bar": trade.barclose - 1,
            "entry_time": _iso(trade.open_datetime()),
            "exit_time": _iso(trade.close_datetime()),
            "entry_price": trade.price,
            "pnl": trade.pnlcomm,
            "fees": trade.commission,
        }
        for trade in strategy._trades[strategy.data][0]
        if trade.isclosed
    ]
    given.out.write_text(json.dumps({"equity_final": cerebro.broker.getvalue(), "trades": trades}))


def _iso(moment: datetime) -> str:
    return moment.replace(microsecond=0).isoformat() + "Z"


if __name__ == "__main__":
    main()
