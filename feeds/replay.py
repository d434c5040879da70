"""Play a capture back as if it came from the exchange now, at any speed."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError
from feeds.recording.capture_file import CaptureReader

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from feeds.wire.stream_events import StreamEvent

__all__ = ["replay"]

_BREATH = 100


async def replay(
    path: Path,
    *,
    speed: float | None = 1.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> AsyncIterator[StreamEvent]:
    """
    Give the events of a capture with the pauses that were between them: ``async for event in replay(path)``.

    The interface is that of the live stream. Events keep the receive times of the recording. A listener that
    is slow is not waited for twice: each event has its own due time. Time that went back in the recording,
    because the clock was set, makes no pause.

    Args:
        path: A capture, a file or a folder.
        speed: 1 as it was, 60 a minute a second, None without any pause.
        clock: Seconds that only go forward.
        sleep: Waits that many seconds; called with 0 once in a while where there are no pauses, so that other
            tasks run.

    Raises:
        ConfigError: a speed that is not above zero.
        DataError: no capture, or damaged; at the event where it is found.
    """
    if speed is not None and not speed > 0:
        raise ConfigError(f"The speed is {speed}; it must be above zero.")
    started, latest_ms = clock(), None
    due_s = 0.0
    for number, event in enumerate(CaptureReader(path)):
        if latest_ms is not None and speed is not None:
            due_s += max(event.receive_ms - latest_ms, 0) / 1000 / speed
        latest_ms = event.receive_ms
        wait_s = started + due_s - clock()
        if speed is not None and wait_s > 0:
            await sleep(wait_s)
        elif number % _BREATH == 0:
            await sleep(0)
        yield event
