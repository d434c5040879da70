"""Leaving is made up for where its bar came too late to trade on; entering is not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import backtrader as bt
import pytest
import requests

from bt_run.journal.queries import JournalReader
from bt_run.run.live.log import BarSeen
from bt_run.run.live.missed import MissedExits
from bt_run.run.parity.check import run_parity

SYMBOL = "BTCUSDT"

MINE = """\
import backtrader as bt

class Mine(bt.Strategy):
    def next(self):
        day = self.data.datetime.date(0).isoformat()
        if day in ("2025-10-02", "2025-10-20"):
            self.buy(size=0.02)
        elif day == "2025-10-06" and self.position:
            self.close()
"""


def bar(number: int, source: Any) -> BarSeen:
    return BarSeen(SYMBOL, number, (1.0,) * 9, source)


def order(size: float, kind: int = bt.Order.Market, parent: Any = None) -> Any:
    """Make what the memory looks at of an order; below 0 it sells."""
    return SimpleNamespace(
        isbuy=lambda: size > 0, exectype=kind, parent=parent, owner="me", data="feed",
        created=SimpleNamespace(size=size),
    )  # fmt: skip


class Books:
    """A broker that holds something and takes every sale."""

    def __init__(self, held: float = 3.0, asks: tuple[Any, ...] = ()) -> None:
        self.held, self.asks = held, asks
        self.sold: list[float] = []

    def getposition(self, data: Any) -> Any:
        """Give the holding."""
        return SimpleNamespace(size=self.held)

    def sell(self, owner: Any, data: Any, size: float) -> None:
        """Note it."""
        assert (owner, data) == ("me", "feed")
        self.sold.append(size)


def play(*steps: tuple[int, Any, Any], books: Books | None = None, **told: Any) -> list[float]:
    """Meet bars one by one (number, source, order at it or None), and give what was made up for."""
    broker, missed = books or Books(), MissedExits(**told)
    for number, source, ordered in steps:
        missed.met([bar(number, source)])
        if ordered is not None:
            missed.ordered(SYMBOL, ordered)
        missed.make_up(broker, lambda sentence: None)
    return broker.sold


def test_an_exit_is_made_up_for_once_at_the_first_live_bar() -> None:
    assert play((1, "backfill", order(-3)), (2, "backfill", None), (3, "live", None), (4, "live", None)) == [3]


def test_never_more_is_sold_than_is_held_and_was_wanted() -> None:
    steps = ((1, "backfill", order(-1)), (2, "backfill", order(-2)), (3, "live", None))
    assert play(*steps) == [2]
    assert play(*steps, books=Books(1.5)) == [1.5]
    assert play(*steps, books=Books(0.0)) == []


@pytest.mark.parametrize(
    "steps",
    [
        ((1, "history", order(-3)), (2, "live", None)),
        ((1, "backfill", order(3)), (2, "live", None)),
        ((1, "backfill", order(-3)), (2, "backfill", order(3)), (3, "live", None)),
        ((1, "backfill", order(-3)), (2, "live", order(-3))),
        ((1, "backfill", order(-3, bt.Order.Stop)), (2, "live", None)),
        ((1, "backfill", order(-3, parent="an entry")), (2, "live", None)),
    ],
    ids=["history", "an entry", "in again", "leaves by itself", "rests", "of a bracket"],
)
def test_what_is_not_made_up_for(steps: Any) -> None:
    assert play(*steps) == []


def test_what_an_earlier_run_sent_already_is_not_sent_again() -> None:
    steps = ((1, "backfill", order(-3)), (2, "live", None))
    assert play(*steps, acted={SYMBOL: 1}) == []
    assert play(*steps, acted={SYMBOL: 0}) == [3]


def test_a_bar_that_an_earlier_run_has_decided_on_is_no_news() -> None:
    """However fresh it is when the bot is back: it would act on it twice."""
    missed = MissedExits(acted={SYMBOL: 3}, seen={SYMBOL: 2})
    assert [missed.is_news(SYMBOL, number) for number in (2, 3, 4, None)] == [False, False, True, True]
    assert missed.is_news("ETHUSDT", 0)


def test_it_can_be_left_out() -> None:
    assert play((1, "backfill", order(-3)), (2, "live", None), is_on=False) == []


def test_an_order_in_doubt_is_waited_for() -> None:
    books = Books(asks=((SYMBOL, "x"),))
    missed = MissedExits()
    missed.met([bar(1, "backfill")])
    missed.ordered(SYMBOL, order(-3))
    missed.met([bar(2, "live")])
    missed.make_up(books, lambda sentence: None)
    assert books.sold == []
    books.asks = ()
    missed.make_up(books, lambda sentence: None)
    assert books.sold == [3]


@pytest.mark.parametrize("makes_up", [True, False])
def test_a_bot_that_was_away_leaves_when_it_is_back(
    start_site: Any, journal_file: Path, tmp_path: Path, makes_up: bool
) -> None:
    """The exit of the 6th is sent at the bar of the 10th; parity does the same, and finds no difference."""
    mine = tmp_path / "mine.py"
    mine.write_text(MINE, encoding="utf-8")
    site = start_site("2025-10-01", step=False)
    changes = {"journal": journal_file, "origin": None, "missed_exits": makes_up, "history": 5}
    first = site.make(f"{mine}:Mine", **changes)

    def stop_when_bought(sentence: str) -> None:
        if "bought" in sentence:
            first.ask_to_stop("the test has seen enough")

    site.follower.on_say = stop_when_bought
    first.run()
    site.follower.on_say = lambda sentence: None
    step_to(site, 8)
    site.run(f"{mine}:Mine", **changes)

    with JournalReader(journal_file) as reader:
        run = reader.last_run()
        assert run is not None
        report = run_parity(reader, run, strategy=f"{mine}:Mine")
        live = [bar.open_time for bar in reader.bars(run.run) if bar.source == "live"]
        sides = [(fill.side, fill.time_ms // 86_400_000 - live[0] // 86_400_000) for fill in reader.fills()]
    after = [("SELL", 1), ("BUY", sides[-1][1])] if makes_up else [("BUY", sides[-1][1])]
    assert sides[1:] == after
    assert makes_up == any("is made up for" in said for said in site.follower.said)
    assert report.outage.decisions == 1
    assert report.comparison.is_explained
    assert not [one for one in report.comparison.differences if one.subject == "order"]


def step_to(site: Any, bars: int) -> None:
    """Let days pass."""
    session = requests.Session()
    session.trust_env = False
    url = f"{site.exchange.venue.rest_url}/practice/step"
    session.post(url, json={"bars": bars}, timeout=20).raise_for_status()
