"""The paper beside a file counts only if it is about that very file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bt_run.core.errors import DataError
from feeds import read_bars
from feeds.table.content import sha256_of


def make(folder: Path, **paper: Any) -> Path:
    path = folder / "series.csv"
    path.write_text("date,open,high,low,close\n2024-01-01,1,1,1,1\n2024-01-02,1,1,1,1\n")
    told = {"sha256": sha256_of(path), **paper}
    (folder / "series.metadata.json").write_text(json.dumps(told))
    return path


def test_symbol_interval_and_note_are_taken(tmp_path: Path) -> None:
    """A paper with the right digest names the market and carries the note."""
    found = read_bars(make(tmp_path, symbol="BTCUSDT", interval="1d", note="synthetic data", licence="MIT"))

    assert ("BTCUSDT", "1d", "synthetic data", ()) == (
        found.symbol,
        str(found.interval),
        found.note,
        found.warnings,
    )


def test_a_paper_about_another_version_is_left_aside(tmp_path: Path) -> None:
    """A digest that differs makes a warning, and nothing of the paper is used."""
    found = read_bars(make(tmp_path, sha256="0" * 64, symbol="BTCUSDT", note="synthetic data"))

    assert ("SERIES", "") == (found.symbol, found.note)
    assert ("series.metadata.json is about another version of the file (sha256 differs) and was left aside",) == found.warnings  # fmt: skip  # noqa: E501


@pytest.mark.parametrize("text", ["not json", "[]", '{"symbol": "X"}'])
def test_a_paper_that_is_none_is_left_aside(tmp_path: Path, text: str) -> None:
    """Broken JSON, no object, and a missing digest make a warning."""
    path = make(tmp_path)
    (tmp_path / "series.metadata.json").write_text(text)
    found = read_bars(path)

    assert "SERIES" == found.symbol
    assert 1 == len(found.warnings)


@pytest.mark.parametrize(
    ("interval", "words"), [("1h", "The bars are 1d apart, not 1h"), ("soon", "'soon' is not an interval")]
)
def test_an_interval_that_cannot_be_is_refused(tmp_path: Path, interval: str, words: str) -> None:
    """A paper that is about the file but contradicts it is an error."""
    with pytest.raises(DataError, match=words):
        read_bars(make(tmp_path, interval=interval))


def test_the_shipped_files_are_what_their_papers_say(root: Path) -> None:
    """Each shipped file has a paper with its digest, and a note that must be shown."""
    for path in (root / "data").glob("*.csv"):
        found = read_bars(path)

        assert () == found.warnings
        assert found.note
