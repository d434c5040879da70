"""
Random order flow on three markets that share assets: no money is made or lost, locked or freed by mistake.

What must hold is reckoned here from the told events and the orders alone, by other ways than the code's.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from decimal import Decimal

import pytest

from bt_run.practice.events import BalancesChanged, Deposited, Executed
from bt_run.practice.orders import ListTicket
from bt_run.practice.refusal import Refusal
from bt_run.practice.rules import Fees, SymbolRules
from bt_run.practice.trading import Trading

D = Decimal
START = {"BTC": D(2), "USDT": D(600), "ETH": D(5), "BNB": D("0.01")}
STEPS = 2_500
MARKETS = (("BTCUSDT", "BTC", "USDT"), ("ETHUSDT", "ETH", "USDT"), ("ETHBTC", "ETH", "BTC"))
LIMITS = {"min_notional": D("0.05"), "max_orders": 12, "max_algo_orders": 6, "max_order_lists": 3}


def rules(fees):
    return [
        SymbolRules(symbol, base, quote, step_size=D("0.001"), min_quantity=D("0.001"), fees=fees, **LIMITS)
        for symbol, base, quote in MARKETS
    ]


class Flow:
    """A client that does anything, and keeps its own books of what it is told."""

    def __init__(self, rig, seed):
        self.rig = rig
        self.draw = random.Random(seed)
        self.total = defaultdict(D, START)
        self.view = dict(rig.trading.balances())
        self.seen = {}
        self.last_execution = 0
        self.told = []
        self.counts = Counter()

    def step(self):
        kinds = {self.market_moves: 8, self.place: 8, self.place_list: 3, self.cancel: 1, self.amend: 1}
        kinds |= {self.replace: 1, self.deposit: 0.2, self.cancel_all: 0.05}
        action = self.draw.choices(list(kinds), list(kinds.values()))[0]
        try:
            action()
        except Refusal as refusal:
            self.counts[refusal.reason] += 1
        self.hear()

    def hear(self):
        events, self.rig.events[:] = list(self.rig.events), []
        self.told += events
        for event in events:
            if isinstance(event, Executed):
                self.hear_execution(event)
            elif isinstance(event, BalancesChanged):
                self.view |= event.balances
            elif isinstance(event, Deposited):
                self.total[event.asset] += event.amount

    def hear_execution(self, event):
        assert event.execution_id > self.last_execution
        self.last_execution = event.execution_id
        order, ticket = event.order, event.order.ticket
        former = self.seen.get(order.order_id)
        assert (former is None) <= (event.kind in ("NEW", "REJECTED"))
        assert former is None or former.is_open
        self.seen[order.order_id] = order
        self.counts[f"{event.kind} {order.status} {order.expiry_reason}"] += 1
        if event.fill is None:
            return
        fill = event.fill
        rule = self.rig.markets[fill.symbol].rules
        sign = 1 if fill.is_buyer else -1
        self.total[rule.base] += sign * fill.quantity
        self.total[rule.quote] -= sign * fill.price * fill.quantity
        self.total[fill.commission_asset] -= fill.commission
        assert ticket.price is None or (sign * (ticket.price - fill.price)) >= 0
        assert fill.is_maker <= (fill.price == ticket.price)

    # What may be asked for.

    def symbol(self):
        return self.draw.choice(MARKETS)[0]

    def near(self, symbol, spread=8):
        last = self.rig.markets[symbol].last_price
        return max(D(20), last + D(self.draw.randint(-spread * 4, spread * 4)) / 4)

    def quantity(self):
        return D(self.draw.choice((1, 5, 10, 50, 200, 900, 2500))) / 1000

    def ticket(self, symbol=None, side=None, *, types=None, quantity=None, tells_last=True):
        symbol = symbol or self.symbol()
        side = side or self.draw.choice(("BUY", "SELL"))
        types = types or ("LIMIT", "MARKET", "LIMIT_MAKER", *("STOP_LOSS", "TAKE_PROFIT") * 2)
        kind = self.draw.choice(types)
        if kind in ("STOP_LOSS", "TAKE_PROFIT") and self.draw.random() < 0.4:
            kind += "_LIMIT"
        given = {"symbol": symbol}
        if kind.endswith(("LIMIT", "MAKER")):
            given["price"] = self.near(symbol)
        if kind.endswith("LIMIT"):
            given["time_in_force"] = self.draw.choice(("GTC", "GTC", "GTC", "IOC", "FOK"))
        if kind.startswith(("STOP", "TAKE")):
            given |= self.trigger(symbol, side, kind, tells_last=tells_last)
        if kind == "MARKET" and quantity is None and self.draw.random() < 0.5:
            return self.rig.ticket(side, kind, None, quote_quantity=self.draw.randint(1, 300), **given)
        if self.draw.random() < 0.05:
            given["id"] = f"c{self.draw.randint(1, 40)}"
        return self.rig.ticket(side, kind, quantity or self.quantity(), **given)

    def trigger(self, symbol, side, kind, *, tells_last):
        away = D(self.draw.randint(1, 40)) / 4
        above = kind.startswith("STOP") == (side == "BUY")
        stop = self.rig.markets[symbol].last_price + (away if above else -away)
        delta = self.draw.randint(20, 600)
        choices = [{"stop_price": stop}, {"stop_price": stop, "trailing_delta": delta}]
        if tells_last or kind.endswith("LIMIT") or side == "SELL":
            choices.append({"trailing_delta": delta})
        return self.draw.choice(choices)

    def pair(self, symbol, side):
        quantity = self.quantity()
        stop = self.draw.choice(("STOP_LOSS", "STOP_LOSS_LIMIT"))
        profit = self.draw.choice(("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))
        last = self.rig.markets[symbol].last_price
        up, down = (last + self.draw.randint(1, 9), last - self.draw.randint(1, 9))
        types = (profit, stop) if side == "SELL" else (stop, profit)
        legs = []
        for kind, level in zip(types, (up, down), strict=True):
            given = {"symbol": symbol}
            if kind.endswith(("LIMIT", "MAKER")):
                given["price"] = level
            if kind != "LIMIT_MAKER":
                given["stop_price"] = level
            legs.append(self.rig.ticket(side, kind, quantity, **given))
        return tuple(legs)

    # What happens.

    def market_moves(self):
        symbol = self.symbol()
        price = self.near(symbol, self.draw.choice((1, 3, 10)))
        quantity = self.draw.choice((D(0), D("0.03"), D("0.4"), D(500)))
        self.rig.print(price, quantity, continuous=self.draw.random() < 0.7, symbol=symbol)

    def place(self):
        self.rig.trading.place(self.ticket())

    def place_list(self):
        symbol, side = self.symbol(), self.draw.choice(("BUY", "SELL"))
        kind = self.draw.choice(("OCO", "OTO", "OTOCO"))
        name = f"l{self.draw.randint(1, 30)}"
        if kind == "OCO":
            self.rig.trading.place_list(ListTicket(kind, name, self.pair(symbol, side)))
            return
        working = self.ticket(symbol, side, types=("LIMIT", "LIMIT", "LIMIT_MAKER"))
        other = "SELL" if side == "BUY" else "BUY"
        if kind == "OTO":
            legs = (self.ticket(symbol, other, quantity=self.quantity(), tells_last=False),)
        else:
            legs = self.pair(symbol, other)
        self.rig.trading.place_list(ListTicket(kind, name, legs, working))

    def any_open(self):
        found = self.rig.trading.open_orders()
        return self.draw.choice(found) if found else None

    def cancel(self):
        order = self.any_open()
        if order is not None:
            self.rig.trading.cancel(order.ticket.symbol, order_id=order.order_id)

    def cancel_all(self):
        self.rig.trading.cancel_all(self.symbol())

    def amend(self):
        order = self.any_open()
        if order is not None:
            quantity = order.quantity - self.quantity()
            keep = self.draw.choice((None, order.client_order_id))
            self.rig.trading.amend(
                order.ticket.symbol, order_id=order.order_id, new_quantity=quantity, new_client_order_id=keep
            )

    def replace(self):
        order = self.any_open()
        if order is not None:
            symbol = order.ticket.symbol
            mode = self.draw.choice(("STOP_ON_FAILURE", "ALLOW_FAILURE"))
            self.rig.trading.cancel_replace(
                symbol, mode=mode, ticket=self.ticket(symbol), cancel_order_id=order.order_id
            )

    def deposit(self):
        self.rig.trading.deposit(self.draw.choice(list(START)), D(self.draw.randint(1, 50)) / 100)

    # What must hold.

    def check(self):
        balances = self.rig.trading.balances()
        assert balances == self.view
        for asset, balance in balances.items():
            assert balance.free >= 0
            assert balance.locked >= 0
            assert balance.total == self.total[asset], asset
        assert {asset: value for asset, value in self.locked().items() if value} == {
            asset: balance.locked for asset, balance in balances.items() if balance.locked
        }
        self.check_orders()

    def locked(self):
        """Reckon what must be locked from the open orders alone; of an OCO's two legs the larger."""
        needs = defaultdict(list)
        for order in self.rig.trading.open_orders():
            if order.status != "PENDING_NEW":
                alone = order.list_id == -1 or self.is_working_order(order)
                needs[order.order_id if alone else -order.list_id].append(self.need(order))
        found = defaultdict(D)
        for needed in needs.values():
            found[needed[0][0]] += max(amount for _, amount in needed)
        return found

    def is_working_order(self, order):
        found = self.rig.trading.order_list(list_id=order.list_id)
        return found.kind != "OCO" and found.order_ids[0] == order.order_id

    def need(self, order):
        ticket, rule = order.ticket, self.rig.markets[order.ticket.symbol].rules
        if ticket.side == "SELL":
            return rule.base, order.rest
        fee = max(rule.fees.maker, rule.fees.taker) if rule.fees.pay_in == "quote" else D(0)
        price = ticket.price
        if price is None:
            price = ticket.stop_price or self.last_at(order)
            price *= 1 + D(ticket.trailing_delta or 0) / 10_000
        return rule.quote, order.rest * price * (1 + fee)

    def last_at(self, order):
        """Find the last price when an order came that trails from there; kept by the rig."""
        return self.rig.last_at[order.order_id]

    def check_orders(self):
        open_ids = set()
        for order in self.rig.trading.open_orders():
            open_ids.add(order.order_id)
            assert order == self.seen[order.order_id] or order.trailing_time is not None
            assert order.executed == sum((fill.quantity for fill in order.fills), D(0)) < order.quantity
            listing = self.rig.trading._desk.listings[order.ticket.symbol]
            rests, waits = listing.place_of(order.order_id) is not None, order.order_id in listing.watches
            assert (order.is_working, not order.is_working and order.status == "NEW") == (rests, waits)
        for found in self.rig.trading.all_lists(limit=20):
            assert (found.order_status == "EXECUTING") == bool(open_ids & set(found.order_ids))


def build(make_rig, fees, seed):
    rig = make_rig(START, *rules(fees))
    rig.last_at = {}
    for market in rig.markets.values():
        market.last_price = D(60)
    rig.connect()

    def remember(event):
        rig.events.append(event)
        if isinstance(event, Executed) and event.kind == "NEW":
            last = rig.markets[event.order.ticket.symbol].last_price
            rig.last_at.setdefault(event.order.order_id, last)

    rig.tell = remember
    rig.trading.connect(rig.markets, lambda: rig.now, remember)
    return Flow(rig, seed)


FEES = {
    "received": Fees(),
    "quote": Fees(pay_in="quote", maker=D("0.00075"), taker=D("0.00111")),
    "BNB": Fees(pay_in="BNB", bnb_price=D(600)),
    "none": Fees(D(0), D(0)),
}


@pytest.mark.parametrize(("paid", "seed"), [(paid, seed) for seed, paid in enumerate(FEES)])
def test_no_money_is_made_or_lost(make_rig, paid, seed):
    flow = build(make_rig, FEES[paid], seed)
    for _ in range(STEPS):
        flow.step()
        flow.check()
    happened = set(flow.counts)
    # The flow must have come everywhere, or it shows nothing.
    for reached in (
        "NEW NEW None",
        "NEW PENDING_NEW None",
        "TRADE FILLED None",
        "TRADE PARTIALLY_FILLED None",
        "CANCELED CANCELED None",
        "REPLACED NEW None",
        "REJECTED REJECTED None",
        "EXPIRED EXPIRED OCO_TRIGGER",
        "EXPIRED EXPIRED OTO_PHASE_ONE_EXPIRED",
        "EXPIRED EXPIRED REJECTED",
        "EXPIRED EXPIRED UNFILLED_IOC_QUANTITY_EXPIRED",
        "EXPIRED EXPIRED UNFILLED_FOK_ORDER_EXPIRED",
        "Account has insufficient balance for requested action.",
        "Order would immediately match and take.",
        "Duplicate order sent.",
    ):
        assert reached in happened, flow.counts


def test_a_restart_in_the_middle_changes_nothing(make_rig):
    """Two exchanges get the same flow; one is stopped and started again every few steps."""
    steady, restarted = (build(make_rig, FEES["BNB"], 99) for _ in range(2))
    for number in range(350):
        steady.step()
        restarted.step()
        assert steady.told == restarted.told
        steady.told, restarted.told = [], []
        if number % 7 == 0:
            state = json.loads(json.dumps(restarted.rig.trading.snapshot()))
            rig = restarted.rig
            rig.trading = Trading({"BTC": D(1)})
            rig.trading.connect(rig.markets, lambda: restarted.rig.now, rig.tell)
            rig.trading.restore(state)
            assert state == rig.trading.snapshot()
    first, second = steady.rig.trading, restarted.rig.trading
    assert first.snapshot() == second.snapshot()
    assert first.balances() == second.balances()
    for symbol in steady.rig.markets:
        assert first.all_orders(symbol) == second.all_orders(symbol)
        assert first.fills(symbol) == second.fills(symbol)
    assert first.all_lists() == second.all_lists()
