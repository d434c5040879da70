"""A dead bot for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from panic_bot import Bot, Exchange

from bt_run.journal.journal import Journal


@pytest.fixture
def bot(tmp_path: Path):
    with Journal(tmp_path / "bot.sqlite") as journal:
        yield Bot(journal, Exchange())
