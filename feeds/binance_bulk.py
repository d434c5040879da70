"""
Fetch bars from Binance's public archive: one zip a month or a day, each with its sha256 beside it.

Paths: ``/data/spot/monthly/klines/BTCUSDT/1h/BTCUSDT-1h-2024-01.zip`` (``daily``: ``-2024-01-31``; USD-M
futures under ``/data/futures/um``; months as ``1mo``), and the same with ``.CHECKSUM`` added. A day appears
on the next day, a month on the next month's first Monday. Spot files count in microseconds from 2025-01-01
on and have no header; those of futures have one since 2022. Both are told by the content.
Source: github.com/binance/binance-public-data, README and issues, read 2025-01-09 to 2026-03-22.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import time
import zipfile
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from bt_run.core.binance_errors import connection_error, refusal
from bt_run.core.errors import DataError, Disconnected, RateLimited
from bt_run.core.market import Bars
from bt_run.core.retry import retrying
from bt_run.core.venue import VENUES
from feeds.binance_rest import bypass_proxy
from feeds.quality import check_values, find_order
from feeds.table.content import Content
from feeds.table.text_table import read_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.errors import ExchangeError
    from bt_run.core.interval import Interval
    from bt_run.core.venue import Market, Venue

__all__ = ["ArchiveFile", "BinanceArchive", "day_file", "has_archive", "month_file"]

_TIMEOUT_S = 15
_PIECE = 1 << 18
_HEAD_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """
    One file of the archive; `period` is ``2024-01`` or ``2024-01-31``.

    `first` and `last` (ms since 1970, inclusive) bound the open times of its bars.
    """

    market: Market
    symbol: str
    interval: Interval
    period: str
    first: int
    last: int

    @property
    def path(self) -> str:
        """Give the path on the archive's host."""
        folder = "spot" if self.market == "spot" else "futures/um"
        label = f"{self.interval.count}mo" if self.interval.unit == "M" else str(self.interval)
        span = "monthly" if len(self.period) == len("2024-01") else "daily"
        name = f"{self.symbol}-{label}-{self.period}.zip"
        return f"/data/{folder}/{span}/klines/{self.symbol}/{label}/{name}"

    @property
    def name(self) -> str:
        """Give the file's name without folders."""
        return self.path.rsplit("/", 1)[1]


def month_file(market: Market, symbol: str, interval: Interval, time_ms: int) -> ArchiveFile:
    """Give the file of the month (UTC) that holds this time, ms since 1970."""
    first = _day(time_ms).replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return ArchiveFile(market, symbol, interval, f"{first:%Y-%m}", _ms(first), _ms(following) - 1)


def day_file(market: Market, symbol: str, interval: Interval, time_ms: int) -> ArchiveFile:
    """Give the file of the day (UTC) that holds this time, ms since 1970."""
    first = _day(time_ms)
    return ArchiveFile(
        market, symbol, interval, f"{first:%Y-%m-%d}", _ms(first), _ms(first + timedelta(days=1)) - 1
    )


class BinanceArchive:
    """
    The archive of one venue; safe to share between threads, each of which gets its own connection.

    Args:
        venue: Whose ``archive_url`` to ask.
        sleep: Waits some seconds between attempts.
    """

    def __init__(self, venue: Venue, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self.url = venue.archive_url
        self._sleep = sleep
        self._own = threading.local()

    def fetch(self, file: ArchiveFile) -> Bars | None:
        """
        Fetch, verify and read one file; None where the archive does not have it.

        A file that fails its checksum, or cannot be unpacked or read, is fetched a second time: Binance
        replaces files now and then, and a file and its checksum may belong to different versions for a moment.

        Raises:
            DataError: it failed twice.
            Disconnected, RateLimited, Rejected: the host could not be reached, or refused.
        """
        try:
            return self._fetch_once(file)
        except DataError:
            return self._fetch_once(file)

    def _fetch_once(self, file: ArchiveFile) -> Bars | None:
        body = self._get(file.path, what=file.name)
        if body is None:
            return None
        checksum = self._get(f"{file.path}.CHECKSUM", what=f"{file.name}.CHECKSUM")
        self._verify(file, body, checksum)
        return _read(file, body)

    def _verify(self, file: ArchiveFile, body: bytes, checksum: bytes | None) -> None:
        if checksum is None:
            raise DataError("the archive has no checksum for it.", path=file.name)
        told = re.match(rb"([0-9a-fA-F]{64})\b", checksum.strip())
        if told is None or told[1].decode().lower() != hashlib.sha256(body).hexdigest():
            raise DataError("the sha256 is not the one beside it in the archive.", path=file.name)

    def _get(self, path: str, *, what: str) -> bytes | None:
        for attempt in retrying(self._sleep):
            with attempt:
                return self._get_once(path, what=what)
        raise AssertionError("the last attempt returns or raises")

    def _get_once(self, path: str, *, what: str) -> bytes | None:
        try:
            with self._session().get(self.url + path, timeout=_TIMEOUT_S, stream=True) as response:
                if response.status_code == requests.codes.not_found:
                    return None
                if response.status_code != requests.codes.ok:
                    now_ms = round(time.time() * 1000)
                    status, headers = response.status_code, response.headers
                    raise _passing(
                        what, refusal(what, status=status, headers=headers, body=response.text, now_ms=now_ms)
                    )
                body = b"".join(response.iter_content(_PIECE))
        except requests.RequestException as error:
            raise connection_error(what, error, url=self.url) from error
        promised = response.headers.get("Content-Length", "")
        if promised.isdigit() and int(promised) != len(body):
            raise Disconnected(what, reason=f"{len(body)} of {promised} bytes came")
        return body

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["Accept-Encoding"] = "identity"
            bypass_proxy(session, self.url)
            self._own.session = session
        return session


def _passing(what: str, error: ExchangeError) -> ExchangeError:
    """Let a limit of the archive's host pass with growing pauses: it has no weights to wait for."""
    return Disconnected(what, reason=str(error)) if isinstance(error, RateLimited) else error


def has_archive(venue: Venue, market: Market) -> bool:
    """
    Tell whether the archive of a venue holds the bars that its REST interface serves.

    Binance's own archive is that of the real market: not of the testnet, and not of a host that the
    environment puts in the place of the real one.
    """
    real = {VENUES[name].rest_of(market) for name in ("data", "mainnet")}
    return venue.rest_of(market) in real or venue.archive_url != VENUES["data"].archive_url


def _read(file: ArchiveFile, body: bytes) -> Bars:
    """Unpack and read a file, and check that its bars are those that its name promises."""
    text = _unpack(file, body)
    head = text[:_HEAD_BYTES]
    content = Content(Path(file.name), file.name, "text", text, head, len(text) <= _HEAD_BYTES)
    raw = read_text(content)
    check_values(raw)
    rows = find_order(raw).rows
    times = raw.times if rows is None else raw.times[rows]
    if int(times[0]) < file.first or int(times[-1]) > file.last:
        raise DataError("it holds bars of another time than its name says.", path=file.name)
    columns = {name: values if rows is None else values[rows] for name, values in raw.columns.items()}
    return Bars.of(times, **columns)


def _unpack(file: ArchiveFile, body: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [info for info in archive.infolist() if not info.is_dir()]
            if len(members) != 1:
                raise DataError(f"the zip holds {len(members)} files, not one.", path=file.name)
            return archive.read(members[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise DataError("the zip is damaged.", path=file.name) from error


def _day(time_ms: int) -> datetime:
    moment = datetime.fromtimestamp(time_ms / 1000, tz=UTC)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
