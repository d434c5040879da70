"""A process that has a journal as a bot has it: it answers commands, hangs, or dies of one; then it ends."""

from __future__ import annotations

import sys
import time

from bt_run.journal.commands import CommandBox
from bt_run.journal.journal import Journal

path, how, mode = sys.argv[1:]
with Journal(path) as journal:
    boxes = {}
    for symbol in ("BTCUSDT", "ETHUSDT"):
        run = journal.begin_run(
            venue="practice",
            symbol=symbol,
            interval="1m",
            strategy="sar",
            started_ms=1_789_000_000_000,
            mode=mode,
        )
        boxes[symbol] = CommandBox(journal, run.run)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    until = time.monotonic() + 60
    ended = set()
    while len(ended) < len(boxes) and time.monotonic() < until:
        time.sleep(0.02)
        for symbol, box in boxes.items() if how != "hangs" else ():
            for command in box.poll():
                if how == "dies":
                    sys.exit(1)
                box.answer(command, f"{symbol}: heard {command.verb}.")
                ended |= {symbol} if command.verb in ("stop", "panic") else set()
