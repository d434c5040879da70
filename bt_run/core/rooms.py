"""Guard the three top-level packages against folders of the same name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from bt_run.core.errors import ShadowedRoom

__all__ = ["ROOMS", "check_rooms"]

ROOMS = ("strategies", "feeds", "brokers")


def check_rooms() -> None:
    """
    Check that ``strategies``, ``feeds`` and ``brokers`` are ours, without importing them.

    A room is ours when it lies beside ``bt_run``, which holds in a checkout, an editable install and a
    wheel alike. Raises ShadowedRoom.
    """
    home = Path(__file__).resolve().parents[2]
    for room in ROOMS:
        spec = importlib.util.find_spec(room)
        origin = spec.origin if spec is not None else None
        if origin is None or Path(origin).resolve().parent != home / room:
            raise ShadowedRoom(room, origin or _folder_of(spec))


def _folder_of(spec: object) -> str:
    """Name the folder of a package without __init__.py, which has locations but no origin."""
    locations = list(getattr(spec, "submodule_search_locations", None) or [])
    return str(locations[0]) if locations else "an incomplete installation"
