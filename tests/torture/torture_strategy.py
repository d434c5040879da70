"""
The strategy of the torture test: it trades all the time, in every way that the broker knows.

bt-run loads it by file. What it does at a bar follows from its seed, the bar, and what it holds and has on
order. It writes what it sees, line by line as JSON, into the file that BT_RUN_TORTURE_LOG names.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta
from random import Random

import backtrader as bt

EPOCH_DAY = 719_163
DAY_MS = 86_400_000


class Torture(bt.Strategy):
    """Buys, sells, brackets, cancels and changes its mind."""

    params = (("seed", 1), ("worth", 900.0), ("busy", 0.3))

    def __init__(self):
        path = os.environ["BT_RUN_TORTURE_LOG"]
        self.log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.alive = {}
        self.draw = Random(0)
        self.price = 0.0

    def tell(self, **what):
        """Write a line, whole or not at all."""
        os.write(self.log, (json.dumps({"pid": os.getpid(), **what}) + "\n").encode())

    def books(self):
        """Give what the broker believes, to the last digit."""
        ledger = self.broker.ledger
        return {"cash": str(ledger.cash), "held": str(ledger.holding(self.data.symbol).quantity)}

    def next(self):
        opened = round((self.data.datetime[0] - EPOCH_DAY) * DAY_MS)
        live = bool(self.data.last_is_live)
        self.tell(bar=opened, live=live, size=self.position.size, close=self.data.close[0], **self.books())
        self.draw = Random(f"{self.p.seed} {opened}")
        self.price = self.data.close[0]
        if self.draw.random() >= self.p.busy:
            return
        if self.alive and self.draw.random() < 0.35:
            self.change_mind()
        elif self.position.size:
            self.draw.choice(self.OUT)(self)
        elif not self.alive or self.draw.random() < 0.2:
            self.draw.choice(self.IN)(self)

    def stop(self):
        self.tell(stop=True, size=self.position.size, **self.books())
        os.close(self.log)

    def notify_order(self, order):
        if order.alive():
            self.alive[order.ref] = order
        else:
            self.alive.pop(order.ref, None)
        self.tell(
            order=order.ref,
            status=order.getstatusname(),
            executed=order.executed.size,
            reason=str(order.info.get("reason", "")),
            restored=bool(order.info.get("restored")),
        )

    # Sizes and prices.

    def size(self):
        return self.p.worth / self.price * self.draw.uniform(0.2, 1.0)

    def at(self, low, high):
        """Give a price that many percent from the last."""
        return round(self.price * (1 + self.draw.uniform(low, high) / 100), 2)

    def until(self):
        """Give how long an order lasts: for ever, or some bars."""
        return self.draw.choice([None, timedelta(minutes=self.draw.randint(1, 9))])

    # In.

    def buy_now(self):
        self.buy(size=self.size())

    def buy_for_quote(self):
        self.buy(size=1, quote_quantity=round(self.p.worth * self.draw.uniform(0.2, 1), 2))

    def buy_limit(self):
        self.buy(size=self.size(), exectype=bt.Order.Limit, price=self.at(-0.3, -0.02), valid=self.until())

    def buy_through(self):
        """A limit order that trades at once."""
        force = self.draw.choice(["GTC", "IOC", "FOK"])
        self.buy(size=self.size(), exectype=bt.Order.Limit, price=self.at(0.05, 0.5), time_in_force=force)

    def buy_stop(self):
        self.buy(size=self.size(), exectype=bt.Order.Stop, price=self.at(0.05, 0.3), valid=self.until())

    def buy_stop_limit(self):
        trigger = self.at(0.05, 0.2)
        self.buy(size=self.size(), exectype=bt.Order.StopLimit, price=trigger, plimit=round(trigger * 1.001, 2))

    def buy_oco(self):
        size = self.size()
        below = self.buy(size=size, exectype=bt.Order.Limit, price=self.at(-0.4, -0.05))
        self.buy(size=size, exectype=bt.Order.Stop, price=self.at(0.05, 0.4), oco=below)

    def bracket(self):
        """A limit entry with stop and target."""
        self.buy_bracket(
            size=self.size(),
            price=self.at(-0.15, 0.05),
            exectype=bt.Order.Limit,
            stopprice=self.at(-0.9, -0.3),
            limitprice=self.at(0.2, 0.8),
        )

    def bracket_now(self):
        self.buy_bracket(
            size=self.size(),
            exectype=bt.Order.Market,
            stopprice=self.at(-0.9, -0.2),
            limitprice=self.at(0.2, 0.8),
        )

    def bracket_stop(self):
        trigger = self.at(0.03, 0.15)
        self.buy_bracket(
            size=self.size(),
            exectype=bt.Order.Stop,
            price=trigger,
            stopprice=round(trigger * 0.995, 2),
            limitprice=round(trigger * 1.005, 2),
        )

    def greedy(self):
        """More than the limit allows, more than there is."""
        self.buy(size=self.draw.choice([4, 20]) * self.p.worth / self.price)

    IN = (
        buy_now, buy_now, buy_for_quote, buy_limit, buy_limit, buy_through, buy_stop, buy_stop_limit,
        buy_oco, bracket, bracket, bracket_now, bracket_now, bracket_stop, greedy,
    )  # fmt: skip

    # Out.

    def sell_all(self):
        self.close()

    def sell_part(self):
        self.sell(size=self.position.size * self.draw.uniform(0.2, 0.8))

    def sell_limit(self):
        self.sell(
            size=self.position.size, exectype=bt.Order.Limit, price=self.at(0.02, 0.4), valid=self.until()
        )

    def sell_stop(self):
        self.sell(size=self.position.size, exectype=bt.Order.Stop, price=self.at(-0.4, -0.05))

    def sell_trailing(self):
        points = self.draw.randint(10, 60)
        self.sell(size=self.position.size, exectype=bt.Order.StopTrail, trailpercent=points / 10_000)

    def sell_oco(self):
        size = self.position.size * self.draw.choice([0.5, 1])
        above = self.sell(size=size, exectype=bt.Order.Limit, price=self.at(0.05, 0.5))
        self.sell(size=size, exectype=bt.Order.Stop, price=self.at(-0.5, -0.05), oco=above)

    def sell_too_much(self):
        self.sell(size=self.position.size * 3)

    OUT = (
        sell_all, sell_all, sell_all, sell_part, sell_limit, sell_limit, sell_stop, sell_trailing, sell_oco,
        sell_oco, sell_too_much, buy_now, buy_limit, bracket, greedy,
    )  # fmt: skip

    # Changing one's mind.

    def change_mind(self):
        order = self.draw.choice(sorted(self.alive.values(), key=lambda order: order.ref))
        kind = self.draw.random()
        if kind < 0.4:
            self.cancel(order)
        elif kind < 0.6:
            for each in sorted(self.alive.values(), key=lambda order: order.ref):
                self.cancel(each)
        elif kind < 0.8 and order.isbuy():
            price = self.at(-0.3, -0.02)
            self.buy(size=self.size(), exectype=bt.Order.Limit, price=price, replaces=order)
        elif self.position.size:
            self.close()
