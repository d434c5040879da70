"""The disk is full once an order has been sent: what it bought is protected, and a restart mends all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from live_truth import assert_journal_is_true, tell, truth

from brokers.order_events import Accepted, Submitted, TimedOut
from brokers.orders import Order, Purpose, Side, apply
from bt_run.core.errors import JournalError
from bt_run.core.settings import Protection
from bt_run.journal.journal import Journal
from bt_run.journal.queries import JournalReader
from bt_run.run.live.recorder import JournalRecorder

FULL = "The journal failed: database or disk is full."
STOPS = Protection(stop_loss_pct=3.0, take_profit_pct=6.0)
WRITING = ("write_intents", "write_orders", "write_fill", "write_equity", "write_bars", "write_connection",
           "write_balances", "write_state", "write_signal", "end_run")  # fmt: skip


@dataclass
class Disk:
    """A disk of which a test says when it is full."""

    is_full: bool = False


@contextmanager
def filling_up(*, after: str, of: str) -> Iterator[None]:
    """Let the disk be full once this event of an order of this purpose is on it; there is room at the end."""
    disk, write = Disk(), {name: getattr(Journal, name) for name in WRITING}

    def writing(name: str) -> Callable[..., Any]:
        def act(self: Journal, *given: Any, **named: Any) -> Any:
            if disk.is_full:
                raise JournalError(FULL)
            done = write[name](self, *given, **named)
            if name in ("write_intents", "write_orders"):
                disk.is_full = any(line.kind == after and record.purpose == of for record, line in given[0])
            return done

        return act

    with pytest.MonkeyPatch.context() as patch:
        for name in WRITING:
            patch.setattr(Journal, name, writing(name))
        yield


def open_orders(site: Any) -> dict[str, str]:
    """Give the quantities of the open orders by type."""
    return {order["type"]: order["origQty"] for order in truth(site)["orders"] if order["status"] == "NEW"}


def fails(site: Any, journal: Path, **changes: Any) -> None:
    """Run until the journal cannot be written."""
    with pytest.raises(JournalError, match="disk is full"):
        site.run("sar", journal=journal, origin=None, **changes)


def goes_on(site: Any, journal: Path) -> None:
    """Run to the end of the data; what the strategy decided at the last bar before is in the history."""
    site.run("sar", journal=journal, origin=None, protection=STOPS, history=100)


@pytest.mark.parametrize("after", ["Intent", pytest.param("Accepted", marks=pytest.mark.slow)])
def test_what_was_bought_has_its_stop_and_a_restart_knows_all(
    start_site: Any, journal_file: Path, after: str
) -> None:
    """Nothing of the entry's answer can be written, or its acceptance only; the legs have no line at all."""
    site = start_site("2025-10-01", fee_asset="received", step=False)
    with filling_up(after=after, of="entry"):
        fails(site, journal_file, protection=STOPS)
    (bought,) = truth(site)["fills"]
    assert set(open_orders(site)) == {"STOP_LOSS", "LIMIT_MAKER"}
    assert site.follower.warned[0].startswith("Still held: ")
    assert sum("Still open: BTCUSDT sell" in words for words in site.follower.warned) == 2

    goes_on(site, journal_file)
    assert any(f"Missed trade {bought['id']}" in said for said in site.follower.said)
    assert_journal_is_true(journal_file, truth(site))


def test_a_stop_that_has_no_line_and_has_sold_is_found_by_the_next_start(
    start_site: Any, journal_file: Path
) -> None:
    """The coins are gone, and the trade's number leads to an order with one of our ids."""
    site = start_site("2025-10-01", fee_asset="received", step=False)
    with filling_up(after="Intent", of="entry"):
        fails(site, journal_file, protection=Protection(stop_loss_pct=0.5, take_profit_pct=0.5))
    for _ in range(60):
        if not open_orders(site):
            break
        tell(site, "step", bars=1)
    assert [fill["isBuyer"] for fill in truth(site)["fills"]] == [True, False]

    goes_on(site, journal_file)
    assert any("is ours, the journal had lost it" in said for said in site.follower.said)
    with JournalReader(journal_file) as reader:
        assert {fill.trade_id for fill in reader.fills()} == {fill["id"] for fill in truth(site)["fills"]}


class Broken:
    """A journal that cannot write, until it can."""

    def __init__(self) -> None:
        self.is_full = True
        self.written: list[Any] = []

    def write_orders(self, changes: Any) -> None:
        """Write, or fail."""
        if self.is_full:
            raise JournalError(FULL)
        self.written += changes

    write_intents = write_orders


def order(purpose: Purpose) -> Order:
    side: Side = "BUY" if purpose == "entry" else "SELL"
    return Order("btr-0b-00000001", "BTCUSDT", side, "MARKET", quantity=Decimal(1), purpose=purpose)


def test_only_what_protects_leaves_without_a_line() -> None:
    journal = Broken()
    recorder = JournalRecorder(journal, 1)  # type: ignore[arg-type]
    recorder.intent(order("stop_loss"))
    recorder.intent(order("take_profit"))
    for purpose in ("entry", "exit", "manual"):
        with pytest.raises(JournalError, match="disk is full"):
            recorder.intent(order(purpose))


def test_after_a_failure_no_order_s_story_goes_on() -> None:
    """A story with a gap could not be followed; the error is told once by `check`, at each turn by `flush`."""
    heard: list[str] = []
    journal = Broken()
    recorder = JournalRecorder(
        journal,  # type: ignore[arg-type]
        1,
        on_order=lambda order, event: heard.append(type(event).__name__),
    )
    sent = apply(order("entry"), Submitted())
    recorder.changed(apply(sent, Accepted(7, 1)), Accepted(7, 1))
    with pytest.raises(JournalError, match="disk is full"):
        recorder.check()
    recorder.check()
    journal.is_full = False
    recorder.changed(apply(sent, TimedOut("late")), TimedOut("late"))
    for _ in range(2):
        with pytest.raises(JournalError, match="disk is full"):
            recorder.flush()
    assert heard == ["Accepted", "TimedOut"]
    assert journal.written == []
