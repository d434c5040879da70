"""Write files whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_target", "replacing"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, the user's quota, the size a file may have


def check_target(target: Path | str) -> Path:
    """
    Check that a file could be written here, before the work whose result it shall hold; give its place.

    A link is followed, so that what it points to is replaced and not the link.

    Raises:
        ConfigError: the target is a folder, a device or a pipe, or its folder does not exist or cannot be
            written to.
    """
    path = Path(target)
    if path.is_symlink():
        path = path.resolve()
    if path.is_dir():
        raise ConfigError(f"{path} is a folder. Give the name of a file to write.")
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path} is a device or a pipe, which a file cannot replace. Write to a file.")
    if not path.parent.is_dir():
        raise ConfigError(f"The folder {path.parent} does not exist. Make it first, or write elsewhere.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigError(f"Cannot write to {path.parent}: permission denied.")
    return path


@contextmanager
def replacing(target: Path | str, *, durable: bool = False, private: bool = False) -> Iterator[Path]:
    """
    Yield a temporary path in the target's folder; rename it over the target when the block ends well.

    When the block raises (Ctrl-C too) the temporary file is removed and the target stays as it was.
    The temporary name keeps the target's suffix, because matplotlib and pandas choose by it. With `durable`
    the content is on the disk before the name is, so that a power failure leaves the old file or the new one.
    A `private` file, where it is new, can be read by its owner alone.

    Raises:
        ConfigError: the folder does not exist or cannot be written to, or its disk is full.
    """
    path = check_target(target)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise ConfigError(f"Cannot write to {path.parent}: {error.strerror}.") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _give_mode(temporary, path, private=private)
        if durable:
            _sync(temporary)
        temporary.replace(path)
        if durable:
            _sync(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        if error.errno in _FULL:
            raise ConfigError(f"{path} was not written: no space is left on its disk.") from error
        raise
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _give_mode(temporary: Path, target: Path, *, private: bool) -> None:
    """Give the file the target's mode, or what the umask allows; mkstemp makes private files."""
    if target.exists():
        temporary.chmod(target.stat().st_mode & 0o777)
        return
    if private:
        return
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(0o666 & ~umask)
