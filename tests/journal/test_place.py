"""Where a journal lies: files, URLs, and no password in any sentence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from bt_run.core.errors import ConfigError
from bt_run.journal.database import Place
from bt_run.journal.journal import Journal
from bt_run.journal.queries import JournalReader
from bt_run.journal.records import OrderEvent
from bt_run.journal.schema import METADATA, VERSION_TABLE


def test_a_file_and_its_url_are_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Relative, absolute, by URL, by a link."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link.sqlite").symlink_to(tmp_path / "bot.sqlite")
    found = [Place.parse(given) for given in ("bot.sqlite", "sqlite:///bot.sqlite", Path("link.sqlite"))]

    assert {tmp_path / "bot.sqlite"} == {place.file for place in found}
    assert str(tmp_path / "bot.sqlite") == str(found[0])


def test_no_text_shows_a_password():
    """Of the place, and of what goes wrong with it."""
    url = "postgresql+psycopg://bot:hush@127.0.0.1:1/journal"
    place = Place.parse(url)

    assert "postgresql+psycopg://bot:***@127.0.0.1:1/journal" == str(place)
    assert "hush" not in repr(place)
    assert "hush" not in repr(Place.parse("postgresql+psycopg://127.0.0.1/journal?user=bot&password=hush"))
    assert Place.parse(place.address) == place
    with pytest.raises(ConfigError) as caught:
        Place.parse("nonsense://bot:hush@host/journal")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("given", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_journal_in_memory_is_refused(given: str):
    """It would be lost."""
    with pytest.raises(ConfigError, match="in memory would be lost"):
        Place.parse(given)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path):
    """Before anything is made."""
    with pytest.raises(ConfigError, match=r"folder .*none does not exist"):
        Journal(tmp_path / "none" / "bot.sqlite")
    with pytest.raises(ConfigError, match="is a folder"):
        Journal(tmp_path)


@pytest.fixture
def database() -> Iterator[str]:
    """Give the URL of an empty database that is no file, and empty it again."""
    url = os.environ.get("BT_RUN_TEST_JOURNAL_URL")
    if not url:
        pytest.skip("NOT TESTED: BT_RUN_TEST_JOURNAL_URL names no database to test with, such as PostgreSQL")
    yield url
    engine = create_engine(url)
    with engine.begin() as connection:
        METADATA.drop_all(connection)
        connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")
    engine.dispose()


def test_another_database(database: str, begin, make):
    """Made, written, read, locked, opened again."""
    with Journal(database) as journal:
        run = begin(journal)
        bar = make.bar(run=run, volume=float("nan"))
        filled = make.order(run=run, state="FILLED")
        journal.write_order(make.order(run=run), OrderEvent("Submitted", 1, {"why": "signal"}))

        assert [1, 0] == [journal.write_bars([bar]) for _ in range(2)]
        assert journal.write_fill(make.fill(run=run), filled, OrderEvent("Fill", 2))
        assert not journal.write_fill(make.fill(run=run))
        with pytest.raises(ConfigError, match="is being written by process"):
            Journal(database)
        with JournalReader(database) as reader:
            assert [filled] == reader.orders(run=run)
            assert [1, 2] == [line.sequence for line in reader.story(filled.client_id)]
            assert [make.fill(run=run)] == reader.fills()
            assert [str(bar)] == [str(found) for found in reader.bars(run)]
    with Journal(database) as journal:
        assert 1 == len(journal.runs())
