"""Commands for a process that has the journal and takes none."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from bt_run.core.errors import NoAnswer
from bt_run.journal.journal import Journal
from bt_run.run.verbs import Patience, tell_bot


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Give a journal that is held by somebody who listens to nobody."""
    return Journal(tmp_path / "held.sqlite")


def test_who_takes_no_commands_is_waited_for_and_then_told_of(journal: Journal) -> None:
    """With what to do next."""
    ticks, slept = count(), []
    with journal, pytest.raises(NoAnswer, match=r"took no commands within 3 seconds: it begins.*--kill"):
        tell_bot(
            str(journal.place),
            "stop",
            patience=Patience(taken_s=3.0),
            sleep=slept.append,
            steady=lambda: next(ticks),
        )

    assert 2 == len(slept)


def test_who_ends_before_it_takes_commands_is_told_of(journal: Journal) -> None:
    """The command was given to nobody, so it is not lost in silence."""
    ticks = count(step=2)
    with pytest.raises(NoAnswer, match="has ended before it took commands"):
        tell_bot(str(journal.place), "panic", sleep=lambda seconds: journal.close(), steady=lambda: next(ticks))
