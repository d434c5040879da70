"""The power fails under a request whose intent is not on the disk yet: the next start finds its orders."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from live_truth import assert_journal_is_true, truth

from brokers.binance.credentials import Credentials
from brokers.binance.rest_client import RestClient
from brokers.binance.rest_gateway import BinanceGateway
from brokers.client_ids import ClientId
from bt_run.core.settings import Protection
from bt_run.journal.journal import Journal
from bt_run.journal.queries import JournalReader
from bt_run.run.live.books import last_ids
from bt_run.run.live.following import MOST_IDS, find_following
from bt_run.run.panic.all_symbols import close_all, find_target

STOPS = Protection(stop_loss_pct=3.0, take_profit_pct=6.0)


class PowerFailure(BaseException):
    """Nothing that runs hears of it."""


@contextmanager
def power_failing(journal: Path, *, at: str) -> Iterator[None]:
    """
    Let the power fail once an order of this purpose is with the exchange, and leave what the disk has.

    That is the journal before the request: what was committed since has not been waited for.
    """
    saved = journal.with_suffix(".saved")
    write, send = Journal.write_intents, RestClient.send_timely

    def write_intents(self: Journal, changes: Any) -> None:
        if not saved.exists() and any(record.purpose == at for record, _ in changes):
            for ending in ("", "-wal"):
                shutil.copy(f"{journal}{ending}", f"{saved}{ending}")
        write(self, changes)

    def send_timely(self: RestClient, verb: Any, *given: Any) -> Any:
        answer = send(self, verb, *given)
        if saved.exists() and verb == "post":
            raise PowerFailure
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "write_intents", write_intents)
        patch.setattr(RestClient, "send_timely", send_timely)
        yield
    for ending in ("-shm", "-wal", ""):
        Path(f"{journal}{ending}").unlink(missing_ok=True)
    for ending in ("", "-wal"):
        shutil.move(f"{saved}{ending}", f"{journal}{ending}")


def dies(site: Any, journal: Path, *, at: str, **changes: Any) -> None:
    """Run until the power fails."""
    with power_failing(journal, at=at), pytest.raises(PowerFailure):
        site.run("sar", journal=journal, origin=None, **changes)


def lost(site: Any, journal: Path) -> list[dict[str, Any]]:
    """Give the orders of the exchange that the journal does not have."""
    with JournalReader(journal) as reader:
        known = {order.client_id for order in reader.orders()}
    return [order for order in truth(site)["orders"] if order["clientOrderId"] not in known]


@pytest.mark.parametrize(
    ("purpose", "count"), [("entry", 1), pytest.param("stop_loss", 2, marks=pytest.mark.slow), ("exit", 1)]
)
def test_the_next_start_asks_for_what_follows(
    start_site: Any, journal_file: Path, purpose: str, count: int
) -> None:
    """A market order, a list of two, an exit: each is taken in once, booked, and what is held is protected."""
    site = start_site("2025-10-01", fee_asset="received", step=False)
    protection = Protection() if purpose == "exit" else STOPS
    dies(site, journal_file, at=purpose, protection=protection)
    assert len(lost(site, journal_file)) == count
    made = len(truth(site)["orders"])

    site.run("sar", journal=journal_file, origin=None, protection=protection, history=100, duration_s=2.0)
    assert sum("is ours, the journal had lost it" in said for said in site.follower.said) == count
    assert not lost(site, journal_file)
    assert_journal_is_true(journal_file, truth(site))
    if purpose == "stop_loss":  # the list that was lost protects; there is no second one beside it
        assert len([o for o in truth(site)["orders"][:made] if o["status"] == "NEW"]) <= 2


def test_it_is_asked_once(start_site: Any, journal_file: Path) -> None:
    """A start that has asked says so, for those that come after it."""
    site = start_site("2025-10-01", fee_asset="received", step=False)
    dies(site, journal_file, at="entry")
    with JournalReader(journal_file) as reader:
        assert len(last_ids(reader, reader.runs())) == 1
    site.run("sar", journal=journal_file, origin=None, history=100, duration_s=2.0)
    with JournalReader(journal_file) as reader:
        assert last_ids(reader, reader.runs()) == ()


def test_a_panic_sells_what_a_lost_order_bought(start_site: Any, journal_file: Path) -> None:
    """The journal holds nothing and knows of no order, and the bot is dead."""
    site = start_site("2025-10-01", fee_asset="received", step=False)
    dies(site, journal_file, at="entry")
    with JournalReader(journal_file) as reader:
        assert not list(reader.orders())
    gateway = BinanceGateway(site.exchange.venue, Credentials(site.exchange.api_key, site.exchange.secret))
    with Journal(journal_file) as journal:
        target = find_target(journal)
        assert target.symbols == ("BTCUSDT",)
        (report,), failures = close_all(journal, gateway, target, patience_s=10)
    assert (report.is_done, failures) == (True, ())
    (bought, sold) = truth(site)["fills"]
    assert (bought["isBuyer"], sold["isBuyer"]) == (True, False)


class Exchange:
    """It knows orders of one symbol by their numbers."""

    def __init__(self, *numbers: int) -> None:
        self.known = {str(ClientId("0b", number)) for number in numbers}
        self.asked: list[str] = []

    def query(self, symbol: str, client_id: str) -> Any:
        """Give the order, or None."""
        self.asked.append(client_id)
        return client_id if symbol == "ETHUSDT" and client_id in self.known else None


def follow(exchange: Exchange, *last: int) -> list[int]:
    given = [ClientId("0b", number) for number in last]
    found = find_following(given, exchange, ["BTCUSDT", "ETHUSDT"])  # type: ignore[arg-type]
    return [int(str(told)[-8:]) for told in found]


@pytest.mark.parametrize(
    ("known", "found"),
    [((), []), ((6,), [6]), ((7, 8, 9), [7, 8, 9]), ((6, 10), [6, 10]), ((10,), []), ((4, 5), [])],
)
def test_so_many_ids_in_a_row_are_asked_for(known: tuple[int, ...], found: list[int]) -> None:
    """The list's own id is none of an order; what came before the last known one was known."""
    exchange = Exchange(*known)
    assert follow(exchange, 5) == found
    assert len(set(exchange.asked)) == (max(found) - 5 if found else 0) + MOST_IDS


def test_nothing_is_asked_where_every_run_wrote_its_end() -> None:
    exchange = Exchange(1, 2)
    assert follow(exchange) == []
    assert exchange.asked == []
