"""Open a data file: unpack it, tell text from Arrow from junk by its first bytes, and take its digest."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Literal

from bt_run.core.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Content", "read_content", "sha256_of"]

Kind = Literal["text", "json", "feather", "parquet"]

_HEAD_BYTES = 65_536
_FOREIGN = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "Save it as CSV first."),
    (b"\x89HDF", "an HDF5 file", "Save it as CSV, feather or Parquet first."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV first."),
    (b"%PDF", "a PDF", "bt-run reads CSV, JSON, feather and Parquet."),
    (b"\xff\xfe", "UTF-16 text", "Save it as UTF-8."),
    (b"\xfe\xff", "UTF-16 text", "Save it as UTF-8."),
    (b"<!doctype html", "a web page", "Download the file itself, not the page that shows it."),
    (b"<html", "a web page", "Download the file itself, not the page that shows it."),
)


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """
    One file, unpacked.

    `name` is the file's name inside the archive, or its own without ``.gz``. `body` holds the unpacked
    bytes, None where the file needs no unpacking and is better read from the disk. `head` are the first
    64 KiB, or all of it where `complete`.
    """

    path: Path
    name: str
    kind: Kind
    body: bytes | None
    head: bytes
    complete: bool

    def open(self) -> IO[bytes]:
        """Open the unpacked bytes from the beginning."""
        return self.path.open("rb") if self.body is None else io.BytesIO(self.body)


def sha256_of(path: Path) -> str:
    """Give the hex digest of the file as it lies on the disk, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_content(path: Path) -> Content:
    """
    Open `path`, unpack gzip and zip, and tell what kind of file it is by its bytes, not by its name.

    A zip must hold exactly one data file (what macOS adds is ignored).

    Raises:
        DataError: missing, a folder, unreadable, empty, damaged, or of a kind that bt-run does not read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
            rest = bool(stream.read(1))
    except FileNotFoundError:
        raise DataError("There is no such file.", path=path) from None
    except IsADirectoryError:
        raise DataError("This is a folder, not a file.", path=path, hint="Name a file in it.") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"The file cannot be read: {reason}.", path=path) from error
    name, body = path.name, None
    if head.startswith(b"\x1f\x8b"):
        name, body = name.removesuffix(".gz"), _gunzip(path)
    elif head.startswith(b"PK"):
        name, body = _unzip(path)
    if body is not None:
        head, rest = body[:_HEAD_BYTES], len(body) > _HEAD_BYTES
    if not head.strip():
        raise DataError("The file is empty.", path=path)
    return Content(path, name, _kind_of(path, head), body, head, not rest)


def _gunzip(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") as stream:
            return stream.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            "The gzip data is cut short or damaged.", path=path, hint="Download the file again."
        ) from error


def _unzip(path: Path) -> tuple[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if _is_member(info)]
            if any(info.filename.startswith("xl/") for info in members):
                raise DataError("This is an Excel workbook.", path=path, hint="Save it as CSV first.")
            if len(members) != 1:
                listed = ", ".join(info.filename for info in members[:5]) or "nothing"
                raise DataError(
                    f"The zip holds {len(members)} files ({listed}); bt-run reads a zip of one.",
                    path=path,
                    hint="Unpack it and name the file you want.",
                )
            return PurePosixPath(members[0].filename).name, archive.read(members[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        locked = "password" in str(error)
        problem = "The zip is locked with a password." if locked else "The zip is cut short or damaged."
        hint = "Unpack it first." if locked else "Download the file again."
        raise DataError(problem, path=path, hint=hint) from error


def _is_member(info: zipfile.ZipInfo) -> bool:
    name = PurePosixPath(info.filename)
    return not (info.is_dir() or name.parts[0] == "__MACOSX" or name.name.startswith("."))


def _kind_of(path: Path, head: bytes) -> Kind:
    if head.startswith((b"ARROW1", b"FEA1")):
        return "feather"
    if head.startswith(b"PAR1"):
        return "parquet"
    for magic, what, advice in _FOREIGN:
        if head[: len(magic)].lower() == magic.lower():
            raise DataError(f"This is {what}.", path=path, hint=advice)
    control = sum(head.count(bytes([code])) for code in range(32) if code not in b"\t\n\r\f")
    if control * 50 > len(head):
        raise DataError(
            "This is not text.",
            path=path,
            hint="bt-run reads CSV, JSON, feather and Parquet, also in gz and zip.",
        )
    first = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return "json" if first in (b"[", b"{") else "text"
