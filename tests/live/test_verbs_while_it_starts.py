"""``pause``, ``resume``, ``stop`` and ``panic`` before a bot's first bar: obeyed, or refused in words."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from bt_run.core.errors import NoAnswer
from bt_run.core.settings import Protection
from bt_run.journal.queries import JournalReader, Window
from bt_run.journal.records import CommandRecord
from bt_run.run.live import parts, run
from bt_run.run.live.turns import LiveTurns
from bt_run.run.safety_limits import SafetyFacts
from bt_run.run.verbs import Patience, Verb, tell_bot

D = Decimal
STOPS = Protection(stop_loss_pct=10.0)
LIMIT_S = 20.0


def ask(site: Any, what: str, **body: Any) -> dict[str, Any]:
    """Ask the exchange for something, or let something happen on it."""
    session = requests.Session()
    session.trust_env = False
    url = f"{site.exchange.venue.rest_url}/practice/{what}"
    answer = session.post(url, json=body, timeout=20) if body else session.get(url, timeout=20)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def open_orders(site: Any) -> int:
    return sum(order["status"] == "NEW" for order in ask(site, "state")["orders"])


def held(site: Any) -> Decimal:
    balance = ask(site, "state")["balances"]["BTC"]
    return D(balance["free"]) + D(balance["locked"])


@dataclass
class Teller:
    """Somebody at another terminal, who gives commands one after the other and hears what is said."""

    journal: Path
    verbs: tuple[Verb, ...]
    patience: Patience = Patience(taken_s=LIMIT_S)
    answers: list[str] = field(default_factory=list)
    thread: threading.Thread | None = None

    def begin(self) -> None:
        self.thread = threading.Thread(target=self._tell)
        self.thread.start()

    def _tell(self) -> None:
        for verb in self.verbs:
            try:
                self.answers += tell_bot(self.journal, verb, patience=self.patience, waits_for_end=False)
            except NoAnswer as error:
                self.answers.append(str(error))

    def has_asked(self) -> bool:
        """Tell whether the first command lies in the journal."""
        with JournalReader(self.journal) as reader:
            return bool(list(reader.find(CommandRecord, Window())))

    def end(self) -> None:
        if self.thread is not None:
            self.thread.join(60)
            assert not self.thread.is_alive()


def await_true(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < until
        threading.Event().wait(0.02)


@pytest.fixture
def at_turn(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int, Teller], None]]:
    """Give what lets somebody give a command at a turn, counted from 0; the bot goes on once it is given."""
    plain, tellers = LiveTurns.get_notifications, []

    def arrange(number: int, teller: Teller) -> None:
        turns: list[None] = []
        tellers.append(teller)

        def get_notifications(self: LiveTurns) -> list[Any]:
            if len(turns) == number:
                teller.begin()
                await_true(teller.has_asked)
            turns.append(None)
            return plain(self)

        monkeypatch.setattr(LiveTurns, "get_notifications", get_notifications)

    yield arrange
    for teller in tellers:
        teller.end()


@pytest.fixture
def holding(start_site: Any, journal_file: Path) -> tuple[Any, dict[str, Any]]:
    """Give an exchange and settings of a bot that holds coins under a stop, and whose bars take a day now."""
    site = start_site("2025-09-15", step=False)
    changes = {"journal": journal_file, "origin": None, "protection": STOPS}
    first = site.make("sar", **changes)
    site.follower.on_say = lambda said: first.ask_to_stop("it holds") if "is placed" in said else None
    first.run()
    site.follower.on_say = lambda said: None
    ask(site, "speed", speed=1)
    assert (open_orders(site), held(site) > 0) == (1, True)
    return site, {**changes, "history": 100, "duration_s": 40.0}


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 40], ids=["at once", "in its history"])
def test_stop_ends_it_and_leaves_protection(
    holding: Any, journal_file: Path, at_turn: Callable[..., None], turn: int
) -> None:
    site, changes = holding
    teller = Teller(journal_file, ("stop",))
    at_turn(turn, teller)
    outcome = site.run("sar", **changes)
    teller.end()

    assert "bt-run stop" == outcome.reason
    assert teller.answers[0].startswith("The bot has ended.\nStill held: ")
    assert (1, True) == (open_orders(site), held(site) > 0)


@pytest.mark.parametrize(
    "turn", [0, pytest.param(40, marks=pytest.mark.slow)], ids=["at once", "in its history"]
)
def test_panic_cancels_and_sells(
    holding: Any, journal_file: Path, at_turn: Callable[..., None], turn: int
) -> None:
    site, changes = holding
    teller = Teller(journal_file, ("panic",))
    at_turn(turn, teller)
    outcome = site.run("sar", **changes)
    teller.end()

    assert "bt-run panic" == outcome.reason
    assert "BTCUSDT: 1 order cancelled.\nBTCUSDT: sold " in teller.answers[0]
    assert (0, D(0)) == (open_orders(site), held(site))
    with JournalReader(journal_file) as reader:
        assert "since bt-run panic" == SafetyFacts.of(reader.state(2)).paused


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 40], ids=["at once", "in its history"])
def test_pause_and_resume_hold(
    holding: Any, journal_file: Path, at_turn: Callable[..., None], turn: int
) -> None:
    site, changes = holding
    teller = Teller(journal_file, ("pause", "resume", "pause", "stop"))
    at_turn(turn, teller)
    site.run("sar", **changes)
    teller.end()

    paused = "Paused: no new entries. Exits and protective orders go on."
    assert [paused, "Entries are allowed again; losses count from here on.", paused] == teller.answers[:3]
    with JournalReader(journal_file) as reader:
        assert SafetyFacts.of(reader.state(2)).paused
    assert (1, True) == (open_orders(site), held(site) > 0)


@pytest.fixture
def in_flight(
    start_site: Any, journal_file: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, dict[str, Any]]:
    """Give a bot that died while it did not know whether its purchase was done; it was, and lies bare."""
    site = start_site("2025-09-15", step=False)
    changes = {"journal": journal_file, "origin": None, "protection": STOPS}
    ask(site, "faults", kind="lost_answer", method="order.place", count=1)
    first = site.make("sar", **changes)
    site.follower.on_say = lambda said: first.ask_to_stop("dead") if "got no answer" in said else None
    with monkeypatch.context() as patch:
        patch.setattr(run, "leave_orders", lambda *asked, **more: [])  # a dead bot asks for nothing any more
        first.run()
    site.follower.on_say = lambda said: None
    ask(site, "speed", speed=1)
    assert (0, True) == (open_orders(site), held(site) > 0)
    return site, {**changes, "history": 100, "duration_s": 40.0}


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "is_held"), [("stop", True), ("panic", False)])
def test_what_was_in_flight_is_covered_or_sold(
    in_flight: Any, journal_file: Path, at_turn: Callable[..., None], verb: Verb, is_held: bool
) -> None:
    """The purchase whose answer was lost lies bare when the command comes: before any bar, and any turn."""
    site, changes = in_flight
    teller = Teller(journal_file, (verb,))
    at_turn(0, teller)
    site.run("sar", **changes)
    teller.end()

    assert (is_held, is_held) == (held(site) > 0, open_orders(site) == 1)


def test_a_command_during_recovery_waits_for_its_end(
    holding: Any, journal_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bot compares its journal with the exchange and listens to nobody yet; then it obeys."""
    site, changes = holding
    plain, teller = parts.open_books, Teller(journal_file, ("stop",))
    hasty = Teller(journal_file, ("panic",), Patience(taken_s=0.1))

    def open_books(*asked: Any, **more: Any) -> Any:
        hasty.begin()
        hasty.end()
        teller.begin()
        return plain(*asked, **more)

    monkeypatch.setattr(parts, "open_books", open_books)
    outcome = site.run("sar", **changes)
    teller.end()

    assert "but took no commands within 0 seconds" in hasty.answers[0]
    assert "bt-run stop" == outcome.reason
    assert teller.answers[0].startswith("The bot has ended.")
    assert (1, True) == (open_orders(site), held(site) > 0)
