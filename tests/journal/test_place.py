"""Where a journal lies: files, URLs, and no password in any sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from bt_run.core.errors import ConfigError
from bt_run.journal.database import Place
from bt_run.journal.journal import Journal


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
