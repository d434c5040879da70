"""A background thread loses no error and ends in time; a bell wakes whoever waits, and forgets no ring."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections import deque

import pytest

from bt_run.core.background import BackgroundLoop, Bell
from bt_run.core.errors import ConfigError


@pytest.fixture
def background():
    """Give a running background thread, and stop it."""
    with BackgroundLoop("tested") as running:
        yield running


def poll(condition, limit_s=20.0):
    until = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.002)


def test_a_ring_wakes_the_one_who_waits():
    """Long before its patience is over."""
    bell, woken = Bell(), []
    waiting = threading.Thread(target=lambda: woken.append(bell.wait(30.0)), daemon=True)
    waiting.start()
    bell.ring()
    waiting.join(5)

    assert [True] == woken


def test_a_ring_before_the_wait_is_kept_once():
    """What was put between a look and the wait is not overslept; the next wait is a real one."""
    bell = Bell()
    bell.ring()
    bell.ring()

    assert [True, False] == [bell.wait(30.0), bell.wait(0.0)]


def test_of_many_rings_from_many_threads_none_is_overslept():
    """Rings that meet are heard as one, but whoever has put something and then rang is always met."""
    bell, waiting, taken = Bell(), deque(), 0

    def bring():
        for number in range(500):
            waiting.append(number)
            bell.ring()

    threads = [threading.Thread(target=bring, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    while taken < 2000:
        assert bell.wait(20.0)
        while waiting:
            waiting.popleft()
            taken += 1
    for thread in threads:
        thread.join(20)

    assert 2000 == taken


def test_no_ring_is_told_when_the_time_is_over():
    """The caller goes on with other work."""
    assert Bell().wait(0.001) is False


def test_a_coroutine_runs_in_the_named_daemon_thread(background):
    """Its result comes back in a future."""

    async def where():
        return threading.current_thread().name, threading.current_thread().daemon

    assert ("tested", True) == background.submit(where()).result(5)


def test_starting_twice_makes_one_thread(background):
    """Several users may start what they share."""
    assert background.start() is background
    assert 1 == [thread.name for thread in threading.enumerate()].count("tested")


def test_errors_are_in_the_future_and_told(caplog):
    """Who does not look at the future learns it too."""
    told = []

    async def fail():
        raise ValueError("broken")

    with BackgroundLoop(on_error=told.append) as background, pytest.raises(ValueError, match="broken"):
        background.submit(fail()).result(5)

    assert ["broken"] == [str(error) for error in told]
    assert "broken" in caplog.text


def test_an_error_of_ours_is_told_in_its_sentence_alone(caplog):
    """A traceback is for bugs; a key that is refused is none."""

    async def refuse():
        raise ConfigError("The key is not known.")

    with BackgroundLoop("wire") as background, pytest.raises(ConfigError):
        background.submit(refuse()).result(5)

    assert "wire: The key is not known." in caplog.text
    assert "Traceback" not in caplog.text


def test_errors_of_tasks_that_nobody_awaits_are_told(caplog):
    """They reach the handler when the task is thrown away."""
    told = []

    async def fail():
        raise ValueError("nobody looked")

    async def begin():
        task = asyncio.create_task(fail())
        await asyncio.wait({task})

    with BackgroundLoop(on_error=told.append) as background:
        background.submit(begin()).result(5)
        poll(lambda: told)

    assert ["nobody looked"] == [str(error) for error in told]
    assert "nobody looked" in caplog.text


def test_what_blocks_runs_beside_the_loop(background):
    """The loop goes on meanwhile, and an error comes out where it is awaited."""
    release = threading.Event()

    async def story():
        call = asyncio.create_task(background.call_blocking(lambda: release.wait(5)))
        await asyncio.sleep(0)
        release.set()
        result = await call
        with pytest.raises(ZeroDivisionError):
            await background.call_blocking(lambda: 1 // 0)
        return result

    assert background.submit(story()).result(5) is True


def test_stop_closes_then_cancels_and_ends_the_thread():
    """The last closer goes first; a task that runs is cancelled; nothing is left."""
    order = []
    background = BackgroundLoop("ending").start()

    async def forever():
        try:
            await asyncio.sleep(3600)
        finally:
            order.append("cancelled")

    async def close(name):
        order.append(name)

    background.at_stop(lambda: close("first"))
    background.at_stop(lambda: close("second"))
    future = background.submit(forever())
    poll(lambda: not future.done())
    begun = time.monotonic()

    assert background.stop() is True
    assert background.stop() is True
    assert time.monotonic() - begun < 5.0
    assert ["second", "first", "cancelled"] == order
    assert "ending" not in {thread.name for thread in threading.enumerate()}


def test_a_task_that_will_not_end_holds_up_nobody(caplog):
    """Stop tells that something is left."""
    background = BackgroundLoop().start()
    release = threading.Event()

    async def call():
        await background.call_blocking(lambda: release.wait(10))

    async def close():
        await asyncio.sleep(3600)

    background.at_stop(close)
    future = background.submit(call())
    poll(lambda: background._calls)
    begun = time.monotonic()
    ended = background.stop(limit_s=0.6)
    took_s = time.monotonic() - begun
    release.set()

    assert ended is False
    assert took_s < 5.0
    assert future.cancelled()
    assert "goodbye took too long" in caplog.text


def test_a_closer_that_fails_keeps_no_other_from_closing():
    """Its error is told."""
    told, closed = [], []
    background = BackgroundLoop(on_error=told.append).start()

    async def fail():
        raise OSError("gone")

    async def close():
        closed.append(1)

    background.at_stop(close)
    background.at_stop(fail)
    background.stop()

    assert ["gone"] == [str(error) for error in told]
    assert [1] == closed


def test_nothing_is_submitted_before_the_start_or_after_the_stop():
    """The coroutine is closed, so that Python does not complain of it."""
    background = BackgroundLoop()

    async def nothing():
        return None

    with pytest.raises(RuntimeError, match="does not run"):
        background.submit(nothing())
    background.start().stop()
    with pytest.raises(RuntimeError, match="does not run"):
        background.submit(nothing())
    with pytest.raises(RuntimeError, match="make a new one"):
        background.start()


def test_one_that_was_never_started_can_be_stopped():
    """Its loop is closed."""
    assert BackgroundLoop().stop() is True


def test_it_cannot_stop_itself(background):
    """It would wait for its own end."""

    async def stop():
        background.stop()

    with pytest.raises(RuntimeError, match="cannot stop itself"):
        background.submit(stop()).result(5)


def test_a_process_that_forgets_to_stop_ends_all_the_same():
    """As after Ctrl-C in a place that cleans up nothing."""
    code = (
        "import asyncio\n"
        "from bt_run.core.background import BackgroundLoop\n"
        "background = BackgroundLoop().start()\n"
        "async def close(): print('closed')\n"
        "background.at_stop(close)\n"
        "background.submit(asyncio.sleep(3600))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert ("closed\n", "") == (done.stdout, done.stderr)
