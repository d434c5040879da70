"""
Sessions that outlive the desk: a file of their fingerprints, so that a page goes on after a restart.

What lets in, the value of the cookie, is in the browser alone: 256 random bits, of which the file has the
SHA-256. Nobody gets in with what it says; who could write it would, so it is read only where nobody else can.
"""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bt_run.core.atomic import replacing
from bt_run.core.errors import BtRunError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SessionFile", "default_session_file"]

_log = logging.getLogger(__name__)


def default_session_file(environ: Mapping[str, str] | None = None) -> Path:
    """Give where the sessions of this user's desks are kept: below XDG_DATA_HOME, as the store is."""
    known = os.environ if environ is None else environ
    return Path(known.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "bt-run" / "web-sessions.json"


class SessionFile:
    """
    Fingerprints of sessions, each with the time at which it began, seconds since 1970.

    All desks of a user share it: a browser has one cookie for this machine, whatever the port.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: object = None

    def read_if_changed(self) -> dict[str, float] | None:
        """Give what it holds; None where that is what was read or written last."""
        stamp = self._now()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        found: object = None
        with suppress(OSError, ValueError, RecursionError):
            if _is_ours_alone(self.path):
                found = json.loads(self.path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            return {}
        return {str(key): float(began) for key, began in found.items() if isinstance(began, int | float)}

    def write(self, sessions: Mapping[str, float]) -> None:
        """Put these in the place of what it holds; where that cannot be done it is said in the log."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with replacing(self.path, private=True) as temporary:
                temporary.write_text(json.dumps(dict(sessions)), encoding="utf-8")
        except (BtRunError, OSError) as error:
            _log.warning("Sessions of the web desk end with it: %s", error)
        self._stamp = self._now()

    def _now(self) -> object:
        try:
            stat = self.path.stat()
        except OSError:
            return ()
        return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _is_ours_alone(path: Path) -> bool:
    stat = path.stat()
    return not hasattr(os, "getuid") or (stat.st_uid == os.getuid() and not stat.st_mode & 0o022)
