"""Who may use the web desk: a token, sessions, a password for other machines, and how often. Pure."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.web.session_file import SessionFile

__all__ = ["Access", "Attempts", "Session", "check_password", "hash_password"]

COOKIE = "bt_run_session"
CSRF_HEADER = "x-csrf-token"

_LEAST_PASSWORD = 12
_MOST_SESSIONS = 64
_SESSION_S = 7 * 24 * 3600.0


def hash_password(password: str) -> str:
    """Hash a password with Argon2id. Raises ConfigError where it is shorter than 12 characters."""
    from argon2 import PasswordHasher  # noqa: PLC0415  # few commands need it

    if len(password) < _LEAST_PASSWORD:
        raise ConfigError(f"The password has fewer than {_LEAST_PASSWORD} characters. Choose a longer one.")
    return PasswordHasher().hash(password)


def check_password(password: str, hashed: str) -> bool:
    """Tell whether a password is the one that was hashed."""
    from argon2 import PasswordHasher  # noqa: PLC0415
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    try:
        return PasswordHasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that was let in; `csrf` must come back with all that changes something."""

    csrf: str
    began_s: float


@dataclass(slots=True)
class Attempts:
    """
    Counts tries of each client in a moving window.

    `most` tries within `window_s` seconds; a client that tried more is refused until they are over.
    """

    most: int
    window_s: float
    clock: Callable[[], float] = time.monotonic
    _tries: dict[str, deque[float]] = field(default_factory=dict)

    def allow(self, client: str) -> bool:
        """Count a try and tell whether it may go on."""
        now = self.clock()
        tries = self._tries.setdefault(client, deque())
        while tries and tries[0] <= now - self.window_s:
            tries.popleft()
        if len(tries) >= self.most:
            return False
        tries.append(now)
        if len(self._tries) > 1024:
            self._tries = {
                name: kept for name, kept in self._tries.items() if kept and kept[-1] > now - self.window_s
            }
        return True


class Access:
    """
    The token that was printed, the sessions that it began, and the password for other machines.

    Args:
        token: Printed at the start; at least 32 characters.
        password_hash: Of the user's password; empty where only this machine may ask.
        clock: Seconds that nobody sets.
        wall: Seconds since 1970, by which sessions are a week old, over restarts too.
        kept: Where sessions are kept; None forgets them at the end.
    """

    def __init__(
        self,
        token: str,
        *,
        password_hash: str = "",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        kept: SessionFile | None = None,
    ) -> None:
        self._token = token
        self._password_hash = password_hash
        self._wall = wall
        self._kept = kept
        self._sessions: dict[str, float] = {}
        self.logins = Attempts(5, 60.0, clock)
        self.requests = Attempts(600, 10.0, clock)
        self.signals = Attempts(30, 60.0, clock)

    def __repr__(self) -> str:
        return f"Access({len(self._sessions)} sessions)"

    @property
    def has_password(self) -> bool:
        """Whether somebody may log in with a password."""
        return bool(self._password_hash)

    def is_token(self, given: str) -> bool:
        """Compare with the token in constant time."""
        return hmac.compare_digest(given.encode(), self._token.encode())

    def is_password(self, given: str) -> bool:
        """Compare with the password; slow on purpose."""
        return self.has_password and check_password(given, self._password_hash)

    def begin(self) -> tuple[str, Session]:
        """Let a browser in: the value of its cookie, and its session. The oldest of many is forgotten."""
        self._refresh()
        name, now = secrets.token_urlsafe(32), self._wall()
        self._sessions[_fingerprint(name)] = now
        newest = sorted(self._sessions.items(), key=lambda item: item[1])[-_MOST_SESSIONS:]
        self._keep(dict(newest))
        return name, Session(_csrf_of(name), now)

    def find(self, cookie: str) -> Session | None:
        """Find the session of a cookie; None where it is unknown or a week old."""
        self._refresh()
        began = self._sessions.get(_fingerprint(cookie))
        if began is None or self._wall() - began > _SESSION_S:
            return None
        return Session(_csrf_of(cookie), began)

    def end(self, cookie: str) -> None:
        """Forget a session."""
        self._refresh()
        gone = _fingerprint(cookie)
        if gone in self._sessions:
            self._keep({key: began for key, began in self._sessions.items() if key != gone})

    def _refresh(self) -> None:
        """Take what another desk of this user has begun or ended."""
        found = None if self._kept is None else self._kept.read_if_changed()
        if found is not None:
            self._sessions = found

    def _keep(self, sessions: dict[str, float]) -> None:
        self._sessions = sessions
        if self._kept is not None:
            self._kept.write(sessions)


def _fingerprint(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def _csrf_of(cookie: str) -> str:
    """Derive the CSRF token, so that it is the same after a restart and nobody needs to keep it."""
    return hmac.new(cookie.encode(), b"csrf", hashlib.sha256).hexdigest()
