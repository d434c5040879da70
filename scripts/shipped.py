"""Write the files of data/ that a script makes, or compare them with what lies there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DATA", "settle"]

DATA = Path(__file__).resolve().parents[1] / "data"


def settle(files: Mapping[str, bytes], *, check: bool) -> int:
    """
    Write each file, name to content, into data/; with `check` only say which differ from it.

    Returns:
        The exit code: 1 where `check` found a difference or an absent file, else 0.
    """
    differing = [name for name, content in files.items() if _read(name) != content]
    for name, content in files.items():
        if not check:
            with replacing(DATA / name) as temporary:
                temporary.write_bytes(content)
        done = (
            "as made" if name not in differing else "DIFFERS from what the script makes" if check else "written"
        )
        print(f"{name}: {done}")
    return 1 if check and differing else 0


def _read(name: str) -> bytes | None:
    """Give what lies in data/ under this name; None where nothing does."""
    path = DATA / name
    return path.read_bytes() if path.is_file() else None
