"""Get the engine of a long run ready while its data are read."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from bt_run.core.errors import BtRunError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bt_run.core.settings import EngineChoice

__all__ = ["engine_ahead", "is_long"]

_LONG_BYTES = 16 * 1024 * 1024
"""About 100,000 bars as CSV, from which on the fast engine uses machine code."""

_LONG_STORED = 6 * 1024 * 1024
"""As many in the store."""


@contextmanager
def engine_ahead(
    engine: EngineChoice, data: str, *, is_ours: bool, store: Path | None = None
) -> Iterator[None]:
    """
    Load the fast engine's machine code on a second thread, where the run will need it.

    Numba and Backtrader take half a second to import, and reading leaves the interpreter alone most of the
    time. Nothing is done for a strategy that is not one of ours, which may need another engine, for short
    files, and where another engine was asked for. `store` is the folder of the store, None for the usual one.
    """
    if not is_ours or engine not in ("auto", "fast") or not is_long(data, store=store):
        yield
        return
    thread = Thread(target=_prepare, name="engine-ahead")
    thread.start()
    try:
        yield
    finally:
        thread.join()


def is_long(data: str, *, store: Path | None = None) -> bool:
    """Tell whether data take a while to read, by the size of the file, or of all months of a series."""
    path = Path(data).expanduser()
    if path.is_file():
        return path.stat().st_size >= _LONG_BYTES
    from feeds.storage.series import find_series
    from feeds.storage.store_paths import find_months, series_folder, store_root

    with suppress(BtRunError, OSError):  # it comes up again where the series is read
        series = find_series(data)
        if series is not None:
            months = find_months(series_folder(store_root(store), series))
            return sum(month.stat().st_size for month in months.values()) >= _LONG_STORED
    return False


def _prepare() -> None:
    with suppress(ImportError):  # it comes up again where the engine is used
        import numba  # noqa: F401  # first, so that reading knows that it may use it (feeds.table.blocks)

        from bt_run.fast.engine import prepare

        prepare()
