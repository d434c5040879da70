"""Each shipped data file has a paper beside it, and the paper tells the truth."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[2] / "data"
FILES = sorted(path for path in DATA.glob("*.csv"))
KEYS = {"title", "symbol", "interval", "note", "origin", "about", "generator", "licence"}


def paper(path: Path) -> dict:
    """Read the metadata beside a data file."""
    return json.loads(path.with_suffix(".metadata.json").read_text(encoding="utf-8"))


def test_every_file_in_data_belongs_to_a_data_file():
    """Nothing lies in data/ but data files, their metadata and their licences."""
    known = {path.stem for path in FILES}

    assert len(known) == 2
    assert set() == {path.name for path in DATA.iterdir() if path.name.split(".")[0] not in known}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_paper_is_complete(path):
    """Origin, licence, units, range and an honest word are all there, and no field is empty."""
    found = paper(path)

    assert set() == (KEYS | {"sha256", "bars", "start", "end", "columns"}) - found.keys()
    assert [] == [name for name in KEYS if not found[name]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_paper_describes_this_very_file(path):
    """sha256, count, range and columns are those of the bytes on the disk."""
    found = paper(path)
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = csv.reader(stream)

    assert hashlib.sha256(path.read_bytes()).hexdigest() == found["sha256"]
    assert (len(rows), rows[0][0], rows[-1][0]) == (found["bars"], found["start"], found["end"])
    assert header == list(found["columns"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_foreign_licence_lies_beside_the_data(path):
    """Data under another licence than ours carries the licence's text with its copyright line."""
    found = paper(path)
    if found["licence"] == "GPL-3.0-or-later":
        assert "licence_file" not in found
        return
    text = (DATA / found["licence_file"]).read_text(encoding="utf-8")

    assert found["copyright"] in text
    assert text.startswith(f"{found['licence']} License")
