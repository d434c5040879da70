"""On a practice exchange: what a run holds is covered without waiting for a bar, or it is sold."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from brokers.binance.credentials import Credentials
from brokers.binance.rest_gateway import BinanceGateway
from brokers.live.bt_families import Families
from brokers.orders import Order
from bt_run.core.errors import StrategyError
from bt_run.core.settings import Protection
from bt_run.journal.queries import JournalReader

D = Decimal
DAY_MS = 86_400_000
STOPS = Protection(stop_loss_pct=3.0, take_profit_pct=6.0)

BRACKET = """\
import backtrader as bt

class Mine(bt.Strategy):
    def next(self):
        if self.data.datetime.date(0).isoformat() == "2025-10-03" and not self.position:
            close = self.data.close[0]
            kind = bt.Order.{kind}
            self.buy_bracket(size=0.02, price={price}, exectype=kind, stopprice={stop}, limitprice=close * 2)

    def notify_order(self, order):
        if order.status in (order.Rejected, order.Completed):
            with open({told!r}, "a") as file:
                print(order.ordtypename(), order.getstatusname(), order.info.get("tag", ""), file=file)
"""


def ask(site: Any, what: str, **body: Any) -> dict[str, Any]:
    """Ask the exchange for something, or let something happen on it."""
    session = requests.Session()
    session.trust_env = False
    url = f"{site.exchange.venue.rest_url}/practice/{what}"
    answer = session.post(url, json=body, timeout=20) if body else session.get(url, timeout=20)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def write_strategy(folder: Path, **words: str) -> tuple[str, Path]:
    told = folder / "told.txt"
    (folder / "mine.py").write_text(BRACKET.format(told=str(told), **words), encoding="utf-8")
    return f"{folder / 'mine.py'}:Mine", told


@pytest.mark.parametrize(
    "entry",
    [
        {"price": "None", "kind": "Market"},
        pytest.param({"price": "close * 1.02", "kind": "Limit"}, marks=pytest.mark.slow),
    ],
    ids=["follows its entry", "in a list"],
)
def test_a_bracket_whose_stop_was_passed_is_sold_and_a_restart_agrees(
    start_site: Any, journal_file: Path, tmp_path: Path, entry: dict[str, str]
) -> None:
    """The exchange takes no stop above the market, neither alone nor when the entry of a list has filled."""
    mine, told = write_strategy(tmp_path, stop="close * 1.01", **entry)
    site = start_site("2025-10-01", step=False)
    changes = {"journal": journal_file, "origin": None}
    site.run(mine, **changes)

    found = ask(site, "state")
    assert [True, False] == [fill["isBuyer"] for fill in found["fills"]]
    assert D(0) == D(found["balances"]["BTC"]["free"]) + D(found["balances"]["BTC"]["locked"])
    lines = told.read_text(encoding="utf-8").splitlines()
    assert ["Buy Completed ", "Sell Completed stop_loss"] == [line for line in lines if "Completed" in line]
    assert 2 == sum(line.startswith("Sell Rejected") for line in lines)
    assert any("what the bracket bought is sold at market" in said for said in site.follower.warned)

    site.follower.said.clear()
    site.run(mine, **changes, duration_s=1.0)
    assert not [
        said for said in site.follower.said if "UNPROTECTED" in said or "bought" in said or "sold" in said
    ]
    assert len(ask(site, "state")["fills"]) == 2


def cancel_by_hand(site: Any, order: dict[str, Any]) -> None:
    """Cancel an order, and its list with it, as the web site of an exchange does."""
    gateway = BinanceGateway(site.exchange.venue, Credentials(site.exchange.api_key, site.exchange.secret))
    gateway.connect()
    known = Order(order["clientOrderId"], "BTCUSDT", "SELL", "STOP_LOSS", quantity=D(1), stop_price=D(1))
    gateway.cancel(known)
    gateway.close()


def start_slow(site: Any) -> None:
    """Let the exchange's clock, well within a bar, be as slow as ours: no bar of a day closes in this test."""
    ask(site, "speed", speed=3600)
    until = time.monotonic() + 20
    while ask(site, "status")["now"] % DAY_MS < 60_000:
        assert time.monotonic() < until
    ask(site, "speed", speed=1)


def stop_when(site: Any, run: Any, done: Any) -> None:
    """Look at the exchange whenever the run shows its state, and end the run once it is as it should be."""
    until = time.monotonic() + 30

    def show(snapshot: Any) -> None:
        if done(ask(site, "state")) or time.monotonic() > until:
            run.ask_to_stop("the test has seen enough")

    site.follower.show = show


@pytest.mark.slow
def test_an_adopted_holding_is_protected_before_the_first_bar(start_site: Any, journal_file: Path) -> None:
    """With bars of a day and no history it would lie bare until midnight."""
    site = start_site("2025-08-15", balances={"USDT": D(5000), "BTC": D("0.5")}, step=False, speed=1)
    adopt = {"BTCUSDT": (D("0.2"), None)}
    run = site.make("sar", journal=journal_file, origin=None, adopt=adopt, protection=STOPS, duration_s=None)
    stop_when(site, run, lambda told: len(told["orders"]) == 2)
    run.run()

    orders = ask(site, "state")["orders"]
    assert {("STOP_LOSS", "NEW"), ("LIMIT_MAKER", "NEW")} == {(o["type"], o["status"]) for o in orders}
    with JournalReader(journal_file) as reader:
        assert [] == list(reader.bars(1))


@pytest.mark.slow
def test_a_restart_protects_before_the_first_bar_what_lost_its_stop(
    start_site: Any, journal_file: Path
) -> None:
    """Somebody has cancelled it while the bot was away."""
    site = start_site("2025-08-15", step=False)
    changes = {"journal": journal_file, "origin": None, "protection": STOPS}
    first = site.make("sar", **changes)
    site.follower.on_say = lambda said: first.ask_to_stop("it holds") if "is placed" in said else None
    first.run()
    stops = [order for order in ask(site, "state")["orders"] if order["status"] == "NEW"]
    assert len(stops) == 2
    cancel_by_hand(site, stops[0])
    start_slow(site)

    site.follower.on_say = lambda said: None
    again = site.make("sar", **changes, duration_s=None)
    stop_when(site, again, lambda told: sum(order["status"] == "NEW" for order in told["orders"]) == 2)
    again.run()
    assert 2 == sum(order["status"] == "NEW" for order in ask(site, "state")["orders"])
    with JournalReader(journal_file) as reader:
        assert [] == list(reader.bars(2))


def test_what_a_bracket_left_bare_is_sold_before_the_first_bar(
    start_site: Any, journal_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot dies between the entry and its stop; with bars of a day a live one would come too late."""
    mine, _ = write_strategy(tmp_path, price="None", kind="Market", stop="close * 0.5")
    site = start_site("2025-10-01", step=False)
    changes = {"journal": journal_file, "origin": None}

    def die(families: Families, parent: Any) -> None:
        raise RuntimeError("no power")

    with monkeypatch.context() as patch:
        patch.setattr(Families, "release", die)
        with pytest.raises((StrategyError, RuntimeError)):
            site.run(mine, **changes)
    start_slow(site)
    again = site.make(mine, **changes, duration_s=None)
    stop_when(site, again, lambda told: len(told["fills"]) == 2)
    again.run()

    assert [True, False] == [fill["isBuyer"] for fill in ask(site, "state")["fills"]]
    assert any(said.endswith("It is sold at market.") for said in site.follower.said)
    with JournalReader(journal_file) as reader:
        assert [] == list(reader.bars(2))
