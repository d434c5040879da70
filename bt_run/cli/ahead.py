"""Get the engine of a long run ready while its data are read."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.core.settings import EngineChoice

__all__ = ["engine_ahead", "is_long"]

_LONG_BYTES = 16 * 1024 * 1024
"""About 100,000 bars as CSV, from which on the fast engine uses machine code."""


@contextmanager
def engine_ahead(engine: EngineChoice, data: str, *, is_ours: bool) -> Iterator[None]:
    """
    Load the fast engine's machine code on a second thread, where the run will need it.

    Numba and Backtrader take half a second to import, and reading leaves the interpreter alone most of the
    time. Nothing is done for a strategy that is not one of ours, which may need another engine, for short
    files, and where another engine was asked for.
    """
    if not is_ours or engine not in ("auto", "fast") or not is_long(data):
        yield
        return
    thread = Thread(target=_prepare, name="engine-ahead")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def is_long(data: str) -> bool:
    """Tell whether data take a while to read: by a file's size; a series of the store does, as most do."""
    path = Path(data).expanduser()
    return path.stat().st_size >= _LONG_BYTES if path.is_file() else ":" in data


def _prepare() -> None:
    with suppress(ImportError):  # it comes up again where the engine is used
        from bt_run.fast.engine import prepare

        prepare()
