"""Compares what the exchange knows with what the journal, the broker and the strategy say."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from torture_conductor import Played
from torture_lives import Life, after_fills, lives_of, told_of_strays
from torture_market import MINUTE_MS
from torture_parts import BALANCES, MAX_POSITION, SYMBOL

from bt_run.core.market import BAR_COLUMNS
from bt_run.journal.queries import JournalReader
from bt_run.journal.records import BarRecord

LOT = Decimal("0.00001")
LEAST = Decimal(5)
SLACK = Decimal("1.02")
"""A purchase at market may cost a little more than the last price said."""

CLOCK_CODE = -1021
STATES = {
    "NEW": {"OPEN"},
    "PENDING_NEW": {"OPEN"},
    "PARTIALLY_FILLED": {"PARTIAL"},
    "FILLED": {"FILLED"},
    "CANCELED": {"CANCELED"},
    "EXPIRED": {"EXPIRED"},
    "EXPIRED_IN_MATCH": {"EXPIRED"},
    "REJECTED": {"REJECTED"},
}


WORKING = ("NEW", "PARTIALLY_FILLED", "PENDING_NEW")


def judge(played: Played) -> list[str]:
    """Give a sentence for each difference; empty where all agrees."""
    with JournalReader(played.folder / "journal.sqlite") as journal:
        lives = lives_of(played, journal)
        bars = list(journal.find(BarRecord))
        story = read_lines(played.folder / "strategy.jsonl")
        found = [*_bars(played, lives, bars, story), *_requests(played, lives)]
        for life in lives:
            about = f"life {life.number}: " if len(lives) > 1 else ""
            found += [about + sentence for sentence in _life(life)]
        found += _strategy(lives[-1], story)
    return found


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


# Bars.


def _bars(
    played: Played, lives: list[Life], bars: list[BarRecord], story: list[dict[str, Any]]
) -> Iterator[str]:
    truth = sorted(played.bars)
    place = {opened: number for number, opened in enumerate(truth)}
    by_run: dict[int, list[BarRecord]] = defaultdict(list)
    for bar in bars:
        by_run[bar.run].append(bar)
        if bar.open_time not in place:
            yield f"run {bar.run} saw a bar that never was: {bar.open_time}"
        elif [getattr(bar, name) for name in BAR_COLUMNS[1:]] != played.bars[bar.open_time]:
            yield f"run {bar.run} saw other values in bar {bar.open_time} ({bar.source})"
    for run, seen in by_run.items():
        yield from _gaps(f"the journal of run {run}", [bar.open_time for bar in seen], truth, place)
    for life in lives:
        numbers = {run.run for run in life.runs}
        told = Counter(bar.open_time for bar in bars if bar.run in numbers and bar.source != "history")
        yield from (f"bar {opened} was news {count} times" for opened, count in told.items() if count > 1)
        yield from _gaps(f"the news of life {life.number}", sorted(told), truth, place)
    if bars and max(bar.open_time for bar in bars) != truth[-1]:
        yield f"the last bar {truth[-1]} was not seen, but {max(bar.open_time for bar in bars)}"
    for pid, seen in _told_by(story).items():
        yield from _gaps(f"the strategy in process {pid}", seen, truth, place)


def _gaps(who: str, seen: list[int], truth: list[int], place: dict[int, int]) -> Iterator[str]:
    for before, after in pairwise(seen):
        if before not in place or after not in place:
            continue
        step = place[after] - place[before]
        if step != 1:
            what = f"misses {step - 1} bars after" if step > 1 else f"goes back {-step} bars from"
            yield f"{who} {what} {before} (to {after})"


def _told_by(story: list[dict[str, Any]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for line in story:
        if "bar" in line:
            found[line["pid"]].append(line["bar"])
    return found


# Requests.


def _requests(played: Played, lives: list[Life]) -> Iterator[str]:
    """No order left twice, and none that was not written down before; the power may have taken that away."""
    arrivals: Counter[str] = Counter()
    for line in read_lines(played.folder / "requests.jsonl"):
        if line["code"] != CLOCK_CODE:  # nothing was executed, and it may be signed anew
            arrivals.update(line["ids"])
    written = {order.client_id for life in lives for order in life.orders}
    written |= {order.list_id for life in lives for order in life.orders}
    for life in lives:
        written |= life.strays.keys() | {order.list_id for order in life.strays.values()}
    for client_id, count in arrivals.items():
        if count > 1:
            yield f"order {client_id} was sent {count} times"
        if client_id not in written and client_id not in played.lost:
            yield f"order {client_id} was sent, and the journal does not know it"


# Orders, fills, balances.


def _life(life: Life) -> Iterator[str]:
    yield from told_of_strays(life)
    yield from _orders(life)
    yield from _fills(life)
    yield from _positions(life)
    yield from _balances(life)


def _orders(life: Life) -> Iterator[str]:
    ours = {order.client_id: order for order in life.orders}
    theirs: dict[str, dict[str, Any]] = {}
    for told in life.told_orders:
        if told["clientOrderId"] in theirs:
            yield f"the exchange has two orders {told['clientOrderId']}"
        theirs[told["clientOrderId"]] = told
    for client_id, told in theirs.items():
        order = ours.get(client_id)
        if order is None:
            yield f"order {client_id} of the exchange ({told['type']} {told['status']}) is not in the journal"
            continue
        buried = not life.is_last and order.state == "EXPIRED"  # the reset has taken it
        if order.state not in STATES[told["status"]] and not (buried and told["status"] in WORKING):
            yield f"order {client_id} is {told['status']} on the exchange, {order.state} in the journal"
        if order.exchange_id != told["orderId"]:
            yield f"order {client_id} has number {told['orderId']}, the journal says {order.exchange_id}"
        executed = sum((fill.quantity for fill in life.fills if fill.client_id == client_id), Decimal(0))
        if executed != Decimal(told["executedQty"]):
            yield f"order {client_id} executed {told['executedQty']}, the journal's fills say {executed}"
    for client_id in ours.keys() - theirs.keys():
        if ours[client_id].state != "REJECTED":
            yield f"order {client_id} is {ours[client_id].state} in the journal, and the exchange has none"
    if len(life.orders) != len(ours):
        yield "the journal has a client id twice"


def _fills(life: Life) -> Iterator[str]:
    numbers = {told["orderId"]: told["clientOrderId"] for told in life.state["orders"]}
    theirs = {
        told["id"]: (
            numbers[told["orderId"]],
            "BUY" if told["isBuyer"] else "SELL",
            Decimal(told["qty"]),
            Decimal(told["price"]),
            Decimal(told["commission"]),
            told["commissionAsset"],
            told["time"],
            told["isMaker"],
        )
        for told in life.told_fills
    }
    ours = {
        fill.trade_id: (
            fill.client_id,
            fill.side,
            fill.quantity,
            fill.price,
            fill.fee,
            fill.fee_asset,
            fill.time_ms,
            fill.is_maker,
        )
        for fill in life.fills
    }
    for trade_id in sorted(theirs.keys() | ours.keys()):
        if theirs.get(trade_id) != ours.get(trade_id):
            yield f"trade {trade_id}: the exchange has {theirs.get(trade_id)}, the journal {ours.get(trade_id)}"


def _positions(life: Life) -> Iterator[str]:
    held = Decimal(0)
    for told in sorted(life.told_fills, key=lambda told: told["id"]):
        quantity, price = Decimal(told["qty"]), Decimal(told["price"])
        held += quantity if told["isBuyer"] else -quantity
        held -= Decimal(told["commission"]) if told["commissionAsset"] == "BTC" else 0
        if told["isBuyer"] and held * price > MAX_POSITION * SLACK:
            yield f"trade {told['id']} made the position {held * price:.2f}, the limit is {MAX_POSITION}"


def _balances(life: Life) -> Iterator[str]:
    held = {asset: Decimal(amount) for asset, amount in BALANCES.items()} | {"BTC": Decimal(0)}
    for fill in life.fills:
        sign = 1 if fill.side == "BUY" else -1
        held["BTC"] += sign * fill.quantity
        held["USDT"] -= sign * fill.quantity * fill.price
        held[fill.fee_asset] -= fill.fee
    for told in life.told_stray_fills:
        sign = 1 if told["isBuyer"] else -1
        held["BTC"] += sign * Decimal(told["qty"])
        held["USDT"] -= sign * Decimal(told["qty"]) * Decimal(told["price"])
        held[told["commissionAsset"]] -= Decimal(told["commission"])
    truth = life.totals()
    for asset, amount in held.items():
        if amount != truth.get(asset, 0):
            yield f"the exchange holds {truth.get(asset)} {asset}, the journal's fills say {amount}"
    if life.equity:
        yield from _last_equity(life)


def _last_equity(life: Life) -> Iterator[str]:
    """The broker's books at the last bar, moved on by what traded after it."""
    last = life.equity[-1]
    later = [fill for fill in life.fills if fill.time_ms >= last.open_time + MINUTE_MS - 1]
    cash, held = after_fills((last.cash, last.position), later)
    if (cash, held) != life.books():
        yield f"the broker's books end with {cash} USDT and {held} BTC, the exchange has {life.books()}"


# The strategy.


def _strategy(life: Life, story: list[dict[str, Any]]) -> Iterator[str]:
    ends = [line for line in story if "stop" in line]
    if not ends:
        yield "the strategy never came to its end"
        return
    end, (cash, held) = ends[-1], life.books()
    if (Decimal(end["cash"]), Decimal(end["held"])) != (cash, held):
        yield f"the broker ends with {end['cash']} USDT and {end['held']} BTC, the exchange has {cash}, {held}"
    visible = held // LOT * LOT
    price = [Decimal(told["price"]) for told in life.told_fills][-1:] or [Decimal(0)]
    if visible * price[0] < LEAST:
        visible = Decimal(0)
    if Decimal(repr(end["size"])) != visible:
        yield f"the strategy's position is {end['size']}, the exchange's {visible} {SYMBOL}"
