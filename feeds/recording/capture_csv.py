"""Keep CSV files that grow while data comes: closed bars, trades, liquidations; one file a stream."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from bt_run.core.clock import iso_utc, parse_time
from bt_run.core.errors import ConfigError
from bt_run.core.market import BAR_COLUMNS
from feeds.wire.messages import AggTrade, KlineFrame, Liquidation, Trade
from feeds.wire.stream_names import StreamName

if TYPE_CHECKING:
    from pathlib import Path
    from typing import NoReturn

    from bt_run.core.interval import Interval
    from bt_run.core.venue import Market
    from feeds.wire.messages import Message

__all__ = ["CsvLog", "find_columns"]

_COLUMNS: dict[str, tuple[str, ...]] = {
    "trade": ("trade_id", "time", "price", "quantity", "buyer_is_maker"),
    "aggTrade": ("agg_id", "time", "price", "quantity", "first_id", "last_id", "buyer_is_maker"),
    "forceOrder": ("time", "side", "quantity", "price", "average_price", "filled", "status"),
}
_TAIL = 1 << 16


def find_columns(stream: str) -> tuple[str, ...] | None:
    """Find the columns for a stream: those of a download for bars; None where a stream makes no CSV."""
    name = StreamName.parse(stream)
    return BAR_COLUMNS if name.interval is not None else _COLUMNS.get(name.kind)


class CsvLog:
    """
    The CSV file of one stream, such as ``BTCUSDT-5m.csv`` or ``BTCUSDT-aggTrade.csv``.

    Rows wait until `release`, which writes them in order, each position (open time or id) once and never
    one before the last that is in the file: a file of an earlier run is continued. A row that a crash cut
    in half is taken away first. Times are ISO 8601 UTC. From its first row until `close` the file is locked
    against another capture.

    Args:
        folder: Where the file lies; made by the first row.
        stream: One for which `find_columns` finds columns.
        market: Futures carry that word in their file's name.

    Raises:
        ConfigError: a file of that name has other columns, or cannot be read.
    """

    def __init__(self, folder: Path, stream: str, *, market: Market = "spot") -> None:
        columns = find_columns(stream)
        if columns is None:
            raise ValueError(stream)
        name = StreamName.parse(stream)
        what = name.kind if name.interval is None else _label(name.interval)
        ending = "-futures" if market == "futures" else ""
        self.path = folder / f"{name.symbol}-{what}{ending}.csv"
        self.rows = 0
        self._columns = columns
        self._waiting: dict[int, str] = {}
        self._lock: FileLock | None = None
        self._last, self._size = self._read_end()

    @property
    def last(self) -> int | None:
        """Give the position of the last row, an open time in ms or an id; None for an empty file."""
        return self._last

    def add(self, message: Message) -> None:
        """Take a message; bars that are still open and what is in the file already are passed over."""
        found = _row(message)
        if found is None:
            return
        position, cells = found
        if position is None:
            position = max([self._last or 0, *self._waiting]) + 1
        if self._last is None or position > self._last:
            self._waiting.setdefault(position, ",".join(cells))

    def release(self, before: int | None = None) -> None:
        """
        Write the rows with a position below `before` (None: all) and flush them.

        Raises:
            ConfigError: the folder cannot be written to, its disk is full, or another capture has the file.
        """
        if self._waiting and self._lock is None:
            self._take_lock()
        ready = sorted(position for position in self._waiting if before is None or position < before)
        if not ready:
            return
        text = "".join(f"{self._waiting.pop(position)}\n" for position in ready)
        try:
            with self.path.open("r+b" if self.path.exists() else "xb") as file:
                file.seek(self._size)
                file.truncate()
                file.write((text if self._size else f"{','.join(self._columns)}\n{text}").encode())
                file.flush()
                self._size = file.tell()
        except OSError as error:
            self._explain(error)
        self._last = ready[-1]
        self.rows += len(ready)

    def close(self) -> None:
        """Let others write the file; rows that were not released are not in it."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _take_lock(self) -> None:
        lock = FileLock(self.path.with_name(f".{self.path.name}.lock"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
        except Timeout:
            raise ConfigError(f"Another capture writes {self.path}. Choose another --out.") from None
        except OSError as error:
            self._explain(error)
        self._lock = lock
        self._last, self._size = self._read_end()
        if self._last is not None:
            self._waiting = {one: row for one, row in self._waiting.items() if one > self._last}

    def _read_end(self) -> tuple[int | None, int]:
        """Give the position of the last whole row, and the size up to its end."""
        try:
            with self.path.open("rb") as file:
                header = file.readline()
                if header.endswith(b"\n") and header.decode().strip() != ",".join(self._columns):
                    raise ConfigError(f"{self.path} has other columns. Move it away, or choose another --out.")
                file.seek(0, 2)
                start = max(0, file.tell() - _TAIL)
                file.seek(start)
                tail = file.read()
        except FileNotFoundError:
            return None, 0
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.path} cannot be read as CSV. Move it away.") from error
        whole = tail[: tail.rfind(b"\n") + 1]
        lines = whole.decode().splitlines()[0 if start else 1 :]
        return self._position(lines[-1]) if lines else None, start + len(whole)

    def _position(self, line: str) -> int | None:
        cell = line.partition(",")[0]
        if self._columns[0] == "time":
            return None
        return parse_time(cell) if self._columns[0] == "open_time" else int(cell)

    def _explain(self, error: OSError) -> NoReturn:
        reason = (error.strerror or str(error)).lower()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = "no space is left on its disk"
        raise ConfigError(f"{self.path} could not be continued: {reason}.") from error


def _label(interval: Interval) -> str:
    """Write an interval as file names do: 1mo for a month, because 1M and 1m are one name on many disks."""
    return f"{interval.count}mo" if interval.unit == "M" else str(interval)


def _row(message: Message) -> tuple[int | None, list[str]] | None:
    """Give position and cells of a message; a liquidation has no position, other kinds make no row."""
    if isinstance(message, KlineFrame):
        cells = [iso_utc(message.open_time), *(_number(getattr(message, name)) for name in BAR_COLUMNS[1:])]
        return (message.open_time, cells) if message.closed else None
    if isinstance(message, Trade | AggTrade):
        amounts = [iso_utc(message.time_ms), _number(message.price), _number(message.quantity)]
        maker = "true" if message.buyer_is_maker else "false"
        if isinstance(message, Trade):
            return message.trade_id, [str(message.trade_id), *amounts, maker]
        ids = [str(message.first_id), str(message.last_id)]
        return message.agg_id, [str(message.agg_id), *amounts, *ids, maker]
    if isinstance(message, Liquidation):
        values = (message.quantity, message.price, message.average_price, message.filled)
        return None, [iso_utc(message.time_ms), message.side, *map(_number, values), message.status]
    return None


def _number(value: float) -> str:
    """Write a number to its last bit, a whole one without the point."""
    return repr(value).removesuffix(".0")
