"""
A process that writes to a journal until it is killed.

After each call that returned it says what it wrote, one line each, so that the parent knows what must be there.
"""

from __future__ import annotations

import itertools
import os
import sys
from decimal import Decimal

from bt_run.journal.journal import Journal
from bt_run.journal.records import BarRecord, FillRecord, OrderEvent, OrderRecord


def say(*words: object) -> None:
    """Tell the parent at once."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main(path: str) -> None:
    """Write for ever."""
    with Journal(path) as journal:
        run = journal.begin_run(
            venue="testnet", symbol="BTCUSDT", interval="1m", strategy="rsi", started_ms=1
        ).run
        say("run", run)
        for number in itertools.count(1):
            name = f"{run}-{number}"
            order = OrderRecord(run, name, "BTCUSDT", "BUY", "MARKET", Decimal("0.001"), number, number, "NEW")
            journal.write_order(order, OrderEvent("Submitted", number))
            say("order", run, name)
            bar = BarRecord(run, "BTCUSDT", "1m", number, *(1.5,) * 9, source="live", tradable=True)
            journal.write_bars([bar])
            say("bar", run, number)
            done = OrderRecord(
                run, name, "BTCUSDT", "BUY", "MARKET", Decimal("0.001"), number, number, "FILLED"
            )
            fill = FillRecord(
                run, "BTCUSDT", number, name, "BUY", Decimal("0.001"), Decimal(64000), Decimal(0), "BNB", number
            )
            journal.write_fill(fill, done, OrderEvent("Fill", number))
            say("fill", run, name)
            journal.write_state(run, "last", number)
            say("state", run, number)


main(sys.argv[1])
