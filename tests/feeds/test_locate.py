"""A name is found where the user is, in the user's folder, and in what ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from bt_run.core.errors import DataError
from feeds.locate import DATA_DIR_VARIABLE, find_data, shipped_data


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in an empty folder, with no data folder set."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv(DATA_DIR_VARIABLE, raising=False)
    return folder


def put(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("x")
    return folder / name


def test_a_path_is_taken_as_it_is(here: Path) -> None:
    """An existing path needs no looking up, be it a folder; the reader will say so."""
    assert here == find_data(here)


def test_the_places_come_in_order(here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Current directory before data folder before shipped data; an argument before the variable."""
    shipped = find_data("btc_1d.csv")
    in_variable = put(tmp_path / "variable", "btc_1d.csv")
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(in_variable.parent))

    assert "btc_1d.csv" == shipped.name
    assert in_variable == find_data("btc_1d.csv")
    in_argument = put(tmp_path / "argument", "btc_1d.csv")
    assert in_argument == find_data("btc_1d.csv", data_dir=in_argument.parent)
    in_here = put(here, "btc_1d.csv")
    assert in_here == find_data("btc_1d.csv", data_dir=in_argument.parent).resolve()


def test_a_name_that_is_nowhere_tells_where_it_was_looked_for(here: Path, tmp_path: Path) -> None:
    """The error lists the places and near names."""
    own = put(tmp_path / "own", "ETHUSDT-1h.csv").parent
    with pytest.raises(DataError) as caught:
        find_data("ethusdt-1h.cvs", data_dir=own)

    for part in ("'ethusdt-1h.cvs'", str(here), str(own), str(shipped_data()), "Did you mean ETHUSDT-1h.csv"):
        assert part in str(caught.value)


def test_a_data_folder_that_is_not_there_is_said_to_be_missing(here: Path, tmp_path: Path) -> None:
    """A wrong --data-dir shows in the error."""
    with pytest.raises(DataError, match=r"gone \(no such folder\)"):
        find_data("nothing-like-it.csv", data_dir=tmp_path / "gone")


def test_an_absolute_path_is_looked_up_nowhere_else(here: Path, tmp_path: Path) -> None:
    """A wrong absolute path is not replaced by a file of the same name."""
    with pytest.raises(DataError, match="There is no data file"):
        find_data(tmp_path / "btc_1d.csv")


def test_shipped_data_of_a_checkout(root: Path) -> None:
    """In a checkout the data lies beside the package."""
    assert root / "data" == shipped_data()
