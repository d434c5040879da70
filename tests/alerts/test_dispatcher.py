"""Sending from the outbox, by threads that nobody waits for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback import Loopback
from telegram_server import TOKEN, TelegramServer

from bt_run.alerts.delivery import Delivery, Outcome
from bt_run.alerts.dispatcher import Dispatcher
from bt_run.alerts.happening import Happening, Picture
from bt_run.alerts.target import make_targets
from bt_run.core.errors import JournalError
from bt_run.journal.alert_tables import AlertTables
from bt_run.run.alerting.outbox import JournalOutbox


class Target:
    """Takes messages; the first `refusals` of them are not taken."""

    def __init__(self, name: str = "t", *, refusals: int = 0) -> None:
        self.name = name
        self.gap_s = 0.0
        self.refusals = refusals
        self.got: list[tuple[str, bytes | None]] = []
        self.open = threading.Event()
        self.open.set()

    def send(self, title: str, body: str, image: bytes | None) -> Outcome:
        """Take a message."""
        self.open.wait(30)
        if self.refusals:
            self.refusals -= 1
            return Outcome(is_sent=False, reason="not now")
        self.got.append((title, image))
        return Outcome(is_sent=True)


@pytest.fixture
def tables(tmp_path: Path):
    """Give the tables of a new journal."""
    with AlertTables(tmp_path / "bot.sqlite") as opened:
        yield opened


def wait_until(is_so: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Look until it is so."""
    until = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < until, "waited too long"
        threading.Event().wait(0.01)


def test_messages_arrive_in_order_and_are_marked(tables: AlertTables, happened: Callable[..., Happening]):
    """Each once."""
    target = Target()
    dispatcher = Dispatcher(JournalOutbox(tables), [target])
    dispatcher.start()
    for number in range(20):
        assert dispatcher.post(happened(f"k{number}", title=str(number)))
    assert not dispatcher.post(happened("k3", title="again"))

    assert dispatcher.close(limit_s=10)
    assert [str(number) for number in range(20)] == [title for title, _ in target.got]
    assert {"sent"} == {way.state for _, way in tables.newest(30)}


def test_what_is_posted_as_a_target_looks_goes_before_the_end(
    tables: AlertTables, happened: Callable[..., Happening]
):
    """It has seen an empty outbox; the message comes, and the end: it looks once more."""
    has_looked, may_go_on = threading.Event(), threading.Event()

    class Outbox(JournalOutbox):
        def waiting(self, target: str) -> list[Delivery]:
            seen = super().waiting(target)
            has_looked.set()
            may_go_on.wait(10)
            return seen

    target = Target()
    dispatcher = Dispatcher(Outbox(tables), [target])
    dispatcher.start()
    assert has_looked.wait(10)
    dispatcher.post(happened(title="last"))
    ending = threading.Thread(target=dispatcher.close, kwargs={"limit_s": 10})
    ending.start()
    wait_until(lambda: dispatcher._lanes[0]._is_over)
    may_go_on.set()
    ending.join(10)

    assert ["last"] == [title for title, _ in target.got]


def test_a_chart_is_drawn_once_for_all_targets(
    tables: AlertTables, happened: Callable[..., Happening], picture: Picture, image: bytes
):
    """And off the thread that posts."""
    drawn: list[tuple[Picture, str]] = []

    def draw(given: Picture) -> bytes:
        drawn.append((given, threading.current_thread().name))
        return image

    targets = [Target("a"), Target("b")]
    dispatcher = Dispatcher(JournalOutbox(tables), targets, draw=draw)
    dispatcher.start()
    dispatcher.post(happened(picture=picture))

    assert dispatcher.close(limit_s=10)
    assert [[image], [image]] == [[chart for _, chart in target.got] for target in targets]
    assert [picture] == [given for given, _ in drawn]
    assert threading.current_thread().name != drawn[0][1]


def test_a_chart_that_fails_does_not_keep_the_words(
    tables: AlertTables, happened: Callable[..., Happening], picture: Picture
):
    """The message goes without."""
    target = Target()
    dispatcher = Dispatcher(JournalOutbox(tables), [target], draw=lambda given: 1 / 0)
    dispatcher.start()
    dispatcher.post(happened(picture=picture))

    assert dispatcher.close(limit_s=10)
    assert [("BTCUSDT long", None)] == target.got


def test_what_cannot_be_kept_is_sent_at_once(
    tables: AlertTables, happened: Callable[..., Happening], monkeypatch: pytest.MonkeyPatch
):
    """It may be about the very disk that is full."""

    def full(*_: object, **__: object) -> bool:
        raise JournalError("The journal failed: database or disk is full.")

    for name in ("add", "claim", "settle"):
        monkeypatch.setattr(tables, name, full)
    targets = [Target("a"), Target("b")]
    dispatcher = Dispatcher(JournalOutbox(tables), targets)
    dispatcher.start()
    with pytest.raises(JournalError):
        dispatcher.post(happened(title="the disk is full"))

    assert dispatcher.close(limit_s=10)
    assert [[("the disk is full", None)]] * 2 == [target.got for target in targets]


def test_a_service_that_hangs_holds_up_nobody(tables: AlertTables, happened: Callable[..., Happening]):
    """Neither the one that posts, nor the other services, nor the end; its messages wait."""
    dead, well = Target("dead"), Target("well")
    dead.open.clear()
    dispatcher = Dispatcher(JournalOutbox(tables), [dead, well])
    dispatcher.start()
    began = time.monotonic()
    for number in range(30):
        dispatcher.post(happened(f"k{number}"))
    wait_until(lambda: len(well.got) == 30)
    is_ended = dispatcher.close(limit_s=0.2)

    assert not is_ended
    assert time.monotonic() - began < 10
    assert 30 == len(tables.waiting("dead"))
    dead.open.set()


def test_what_was_not_sent_is_sent_by_the_next_process(tables: AlertTables, happened: Callable[..., Happening]):
    """With the chart's content as it was, and only to the target that lacks it."""
    first = [Target("a", refusals=1), Target("b")]
    dispatcher = Dispatcher(JournalOutbox(tables), first)
    dispatcher.start()
    dispatcher.post(happened())
    wait_until(lambda: bool(first[1].got) and not first[0].refusals)
    assert dispatcher.close(limit_s=5)

    late = time.time_ns() // 1_000_000 + 60_000
    second = [Target("a"), Target("b")]
    again = Dispatcher(JournalOutbox(tables), second, clock_ms=lambda: late)
    again.start()
    assert again.close(limit_s=10)
    assert [1, 0] == [len(target.got) for target in second]
    assert [2, 1] == [way.attempts for _, way in tables.newest(1)]


def test_two_processes_of_a_journal_send_each_message_once(
    tables: AlertTables, happened: Callable[..., Happening]
):
    """A run and a watch beside it have the same targets."""
    target = Target()
    both = [Dispatcher(JournalOutbox(tables), [target]) for _ in range(2)]
    for dispatcher in both:
        dispatcher.start()
    for number in range(30):
        both[number % 2].post(happened(f"k{number}", title=str(number)))
    for dispatcher in both:
        assert dispatcher.close(limit_s=10)
    wait_until(lambda: not tables.count_waiting())

    assert sorted(map(str, range(30))) == sorted(title for title, _ in target.got)


def test_quiet_hours_keep_a_message_back(tables: AlertTables, happened: Callable[..., Happening]):
    """Until they end; what comes later and is urgent goes first."""
    now = [1_789_000_000_000]
    target = Target()
    dispatcher = Dispatcher(JournalOutbox(tables), [target], clock_ms=lambda: now[0])
    dispatcher.start()
    dispatcher.post(happened("a", title="morning"), not_before_ms=now[0] + 5_000)
    dispatcher.post(happened("b", title="now"))
    wait_until(lambda: bool(target.got))
    assert ["now"] == [title for title, _ in target.got]

    now[0] += 5_000
    assert dispatcher.close(limit_s=10)
    assert ["now", "morning"] == [title for title, _ in target.got]


@pytest.mark.slow
def test_telegram_is_left_alone_as_long_as_it_wants(
    tables: AlertTables, happened: Callable[..., Happening], telegram: TelegramServer
):
    """After 429 the same message comes, once, when the time is over."""
    telegram.faults, telegram.retry_after = [429], 1
    targets = make_targets([f"tgram://{TOKEN}/55"], telegram_url=telegram.url)
    dispatcher = Dispatcher(JournalOutbox(tables), targets)
    dispatcher.start()
    dispatcher.post(happened(title="long"))
    wait_until(lambda: bool(telegram.sent))
    assert dispatcher.close(limit_s=5)

    assert ["long\nat 64,000"] == [sent.text for sent in telegram.sent]
    assert 2 == len(telegram.requests)


@pytest.mark.slow
def test_a_webhook_that_answers_with_an_error_is_tried_again(
    tables: AlertTables, happened: Callable[..., Happening], webhook: Loopback
):
    """Until it takes the message."""
    answers = [(500, b""), (200, b"")]
    webhook.answer = lambda request: answers.pop(0)
    dispatcher = Dispatcher(JournalOutbox(tables), make_targets([webhook.url.replace("http", "json")]))
    dispatcher.start()
    dispatcher.post(happened())
    wait_until(lambda: len(webhook.requests) == 2)
    assert dispatcher.close(limit_s=5)

    assert [("sent", 2)] == [(way.state, way.attempts) for _, way in tables.newest(1)]
