"""Find a data file by name: where the user is, in the user's data folder, or in what ships with bt-run."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DATA_DIR_VARIABLE", "find_data", "shipped_data"]

DATA_DIR_VARIABLE = "BT_RUN_DATA_DIR"

_PACKAGE = "bt-run"
_INSTALLED = ("share", "bt-run", "data")  # options.data_files in setup.cfg


def find_data(name: str | Path, *, data_dir: Path | None = None) -> Path:
    """
    Find the file that `name` means.

    An existing path is taken as it is. Any other name is looked up in the current directory, then in
    `data_dir` (default: the environment variable BT_RUN_DATA_DIR), then in the data that ships with
    bt-run. An absolute path is looked up nowhere else.

    Raises:
        DataError: nothing was found; names the places and up to three near names.
    """
    given = Path(name).expanduser()
    if given.exists():
        return given
    places = [] if given.is_absolute() else _places(data_dir)
    for place in places:
        if (place / given).is_file():
            return place / given
    raise DataError(f"There is no data file {str(name)!r}.", hint=_advice(given, [Path.cwd(), *places]))


def shipped_data() -> Path | None:
    """
    Find the folder of the data that ships with bt-run; None where this installation has none.

    In a checkout or an editable install it lies beside the package; a wheel puts it under
    ``share/bt-run/data``, wherever the installer keeps such files (environment, user, target folder).
    """
    root = Path(__file__).resolve().parents[1]
    if (root / "setup.cfg").is_file() and (root / "data").is_dir():
        return root / "data"
    return next((folder for folder in _installed_folders(root) if folder.is_dir()), None)


def _places(data_dir: Path | None) -> list[Path]:
    own = data_dir or os.environ.get(DATA_DIR_VARIABLE) or None
    shipped = shipped_data()
    return [Path(place).expanduser() for place in (own, shipped) if place is not None]


def _installed_folders(root: Path) -> Iterable[Path]:
    from importlib import metadata  # noqa: PLC0415  # brings e-mail, which a run on a file need not wait for

    try:
        listed = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        listed = []
    for entry in listed:
        if entry.parent.parts[-3:] == _INSTALLED:
            yield Path(str(entry.locate())).resolve().parent
    # "pip install --target" moves the files after it has written the list, so the list then points elsewhere.
    yield root.joinpath(*_INSTALLED)


def _advice(wanted: Path, places: list[Path]) -> str:
    looked = ", ".join(str(place) + ("" if place.is_dir() else " (no such folder)") for place in places)
    known = {entry.name for place in places if place.is_dir() for entry in place.iterdir() if _is_data(entry)}
    folded = {entry.casefold(): entry for entry in sorted(known)}
    near = difflib.get_close_matches(wanted.name.casefold(), folded, n=3, cutoff=0.5)
    guess = f" Did you mean {' or '.join(folded[entry] for entry in near)}?" if near else ""
    return f"Looked in {looked}.{guess}"


def _is_data(entry: Path) -> bool:
    wanted = (".csv", ".txt", ".tsv", ".gz", ".zip", ".json", ".feather", ".parquet")
    return entry.name.endswith(wanted) and not entry.name.endswith(".metadata.json")
