"""A capture plays back as it was recorded, at any speed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bt_run.core.errors import ConfigError, DataError
from feeds.codec import stream_of
from feeds.recording.capture_writer import CaptureWriter
from feeds.replay import replay
from feeds.wire.stream_events import Connected, Disconnected, Frame, Gap, Started, StreamEvent

START = 1_706_702_400_000
EVENTS: list[StreamEvent] = [
    Connected(START, "wss://x"),
    Frame(START + 500, "a@trade", "1"),
    Frame(START + 1_500, "a@trade", "2"),
    Disconnected(START + 1_200, "the clock was set back"),
    Gap(START + 3_200, "a@trade", START + 1_500, START + 3_000),
]


class Time:
    """A clock that goes on when somebody sleeps, and while the listener works."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 9))
        self.now += seconds


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Give a capture of five events."""
    writer = CaptureWriter(tmp_path, symbols=["A"], streams=["a@trade"])
    for event in EVENTS:
        writer.write(event)
    writer.close()
    return tmp_path


def play(path: Path, *, speed: float | None, work_s: float = 0.0) -> tuple[list[StreamEvent], list[float]]:
    time = Time()

    async def listen() -> list[StreamEvent]:
        found = []
        async for event in replay(path, speed=speed, clock=time.clock, sleep=time.sleep):
            found.append(event)
            time.now += work_s
        return found

    return asyncio.run(listen()), [pause for pause in time.slept if pause]


def test_events_come_with_their_pauses(capture: Path) -> None:
    """All of them, in order, each after the time that was between it and the one before."""
    found, slept = play(capture, speed=1.0)

    assert [Started(START, "spot", ("a@trade",)), *EVENTS] == found
    assert [0.5, 1.0, 2.0] == slept


def test_pauses_shrink_with_the_speed(capture: Path) -> None:
    """At ten times the speed the same takes a tenth."""
    assert [0.05, 0.1, 0.2] == play(capture, speed=10.0)[1]


def test_without_a_speed_there_is_no_pause(capture: Path) -> None:
    """As fast as the listener can."""
    found, slept = play(capture, speed=None)

    assert (len(EVENTS) + 1, []) == (len(found), slept)


def test_a_slow_listener_does_not_make_it_late_for_good(capture: Path) -> None:
    """The time that the listener takes is part of the pause."""
    assert [0.1, 0.8, 1.6] == play(capture, speed=1.0, work_s=0.2)[1]


def test_other_tasks_run_while_it_plays_without_pauses(capture: Path) -> None:
    """A replay at full speed does not stop the rest of a program."""

    async def both() -> list[str]:
        seen = []

        async def other() -> None:
            seen.append("other")

        task = asyncio.create_task(other())
        seen += [type(event).__name__ async for event in replay(capture, speed=None)]
        await task
        return seen

    assert ["other", "Started", "Connected"] == asyncio.run(both())[:3]


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_a_speed_that_is_none_is_refused(capture: Path, speed: float) -> None:
    """Standing still and going back are no replays."""
    with pytest.raises(ConfigError, match="it must be above zero"):
        play(capture, speed=speed)


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    """As when it is read as bars."""
    with pytest.raises(DataError, match="There is no such file"):
        play(tmp_path / "missing.jsonl", speed=None)


def test_a_recorded_session_plays_whole(cryptofeed: dict[str, list[tuple[int, str]]], tmp_path: Path) -> None:
    """Every frame comes out as it went in, and decodes."""
    frames = [frame for frames in cryptofeed.values() for frame in frames]
    writer = CaptureWriter(tmp_path, symbols=[], streams=[])
    for time_ms, text in frames:
        writer.write(Frame(time_ms, stream_of(text), text))
    writer.close()
    found = [event for event in play(tmp_path, speed=None)[0] if isinstance(event, Frame)]

    assert sorted(frames) == sorted((event.receive_ms, event.text) for event in found)
    assert all(event.messages() for event in found)
