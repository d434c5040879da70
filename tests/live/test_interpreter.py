"""Python's own pauses are kept away from orders, and everything is as before when a run is over."""

from __future__ import annotations

import gc
import sys

from bt_run.run.live.interpreter import SWITCH_S, prompt_interpreter, spare_what_lives_on


def test_threads_change_places_sooner_while_it_runs() -> None:
    before = sys.getswitchinterval()
    with prompt_interpreter():
        assert sys.getswitchinterval() == SWITCH_S < before
    assert sys.getswitchinterval() == before


def test_collections_look_at_new_objects_alone_until_the_end() -> None:
    with prompt_interpreter():
        spare_what_lives_on()
        frozen = gc.get_freeze_count()
        assert frozen > 10_000
        assert sum(len(gc.get_objects(generation=number)) for number in range(3)) < frozen
    assert gc.get_freeze_count() == 0


def test_a_run_spares_its_history(start_site) -> None:
    counts: list[int] = []
    site = start_site(at="2025-10-01")
    site.follower.on_say = lambda sentence: counts.append(gc.get_freeze_count())
    site.run("sar")
    assert counts[-1] > 10_000
    assert gc.get_freeze_count() == 0
