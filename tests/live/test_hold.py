"""The practice exchange's clock is held until the bot has dealt with a bar, and never for ever."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import requests

from brokers.gateway import AccountReport, OrderSeen
from brokers.order_events import Submitted
from bt_run.core.background import Bell
from bt_run.run.live.barrier import Held
from bt_run.run.live.hold import ClockHold
from bt_run.run.live.log import BarSeen
from bt_run.run.live.practice import standing_clock
from bt_run.run.live.wire import Chime, LiveInbox


@dataclass
class FakeBarrier:
    """A barrier without a connection."""

    held: Held | None = None
    ended: bool = False
    failure: Any = None
    released: list[int] = field(default_factory=list)

    def start(self) -> None:
        """Nothing."""

    def wait_registered(self, timeout_s: float) -> bool:
        """It always is."""
        return True

    def release(self, open_time: int) -> None:
        """Remember it, and let go."""
        self.released.append(open_time)
        if self.held is not None and self.held.open_time <= open_time:
            self.held = None


def bar(open_time: int, source: Any = "live") -> BarSeen:
    return BarSeen("BTCUSDT", open_time, (1.0,) * 9, source)


def make(barrier: FakeBarrier, *, patience_s: float = 5.0, look: Any = None, begin: int = 0) -> Any:
    bell = Bell()
    inbox = LiveInbox(ring=bell.ring)
    hold = ClockHold(
        {"BTCUSDT": barrier},  # type: ignore[dict-item]
        inbox,
        bell,
        look=look or (lambda reason: False),
        last_execution=lambda: begin,
        patience_s=patience_s,
        hear_s=patience_s,
    )
    hold.start()
    return hold, inbox


def seen(execution_id: int) -> OrderSeen:
    return OrderSeen("BTCUSDT", "x", 1, Submitted(), execution_id)


def test_a_bar_is_released_one_turn_after_the_strategy() -> None:
    barrier = FakeBarrier(Held(100, 200, 0))
    hold, _ = make(barrier)
    hold.meet([bar(100)])
    hold.release(in_doubt=False)
    assert barrier.released == []
    hold.act()
    hold.release(in_doubt=True)
    assert barrier.released == []
    hold.release(in_doubt=False)
    assert barrier.released == [100]


def test_events_up_to_the_hold_are_heard_first() -> None:
    barrier = FakeBarrier(Held(100, 200, 7))
    hold, inbox = make(barrier)
    timer = threading.Timer(0.05, lambda: inbox.put(seen(7)))
    timer.start()
    hold.meet([bar(100)])
    assert inbox.execution_id == 7
    assert len(inbox) == 1


def test_what_happened_before_the_start_is_not_waited_for() -> None:
    asked: list[str] = []
    hold, inbox = make(
        FakeBarrier(Held(100, 200, 7)), begin=7, patience_s=60.0, look=lambda why: asked.append(why) is None
    )
    hold.meet([bar(100)])
    assert not asked
    assert inbox.execution_id == 7


def test_a_lost_event_is_looked_for_over_rest() -> None:
    barrier = FakeBarrier(Held(100, 200, 7))
    asked: list[str] = []

    def look(reason: str) -> bool:
        asked.append(reason)
        inbox.put(AccountReport(0, (), {}, (), {}))
        return True

    hold, inbox = make(barrier, patience_s=0.05, look=look)
    hold.meet([bar(100)])
    assert len(asked) == 1
    assert "execution 7" in asked[0]
    hold.meet([bar(100)])
    assert len(asked) == 1  # the check has answered for it


def test_a_bar_that_never_comes_holds_nothing_up() -> None:
    barrier = FakeBarrier(Held(100, 200, 0))
    hold, _ = make(barrier, patience_s=0.0)
    hold.release(in_doubt=False)
    hold.release(in_doubt=False)
    assert barrier.released == [100]


def test_the_end_comes_after_the_last_bar_was_dealt_with() -> None:
    barrier = FakeBarrier(Held(100, 200, 0))
    hold, _ = make(barrier)
    hold.meet([bar(100)])
    barrier.ended = True
    assert not hold.has_ended
    hold.act()
    assert not hold.has_ended
    hold.release(in_doubt=False)
    assert hold.has_ended


def test_every_bell_hears_every_ring() -> None:
    chime = Chime()
    bells = [chime.bell() for _ in range(3)]
    bells[1].ring()
    assert [bell.wait(0) for bell in bells] == [True, True, True]
    assert [bell.wait(0) for bell in bells] == [False, False, False]


def test_the_clock_stands_while_bots_register_and_is_left_as_it_was(start_site: Any) -> None:
    """At full speed it would go on with the first of them; one that somebody paused stays so."""
    venue = start_site(step=False).exchange.venue

    def tell(method: str, path: str) -> Any:
        return requests.request(method, f"{venue.rest_url}/practice/{path}", timeout=20).json()

    with standing_clock(venue, begins=False):
        assert tell("GET", "status")["paused"] is True
    assert tell("GET", "status")["paused"] is False
    tell("POST", "pause")
    with standing_clock(venue, begins=False):
        assert tell("GET", "status")["paused"] is True
    assert tell("GET", "status")["paused"] is True
    with standing_clock(venue, begins=True):
        assert tell("GET", "status")["paused"] is True
    assert tell("GET", "status")["paused"] is False
