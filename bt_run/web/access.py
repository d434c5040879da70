"""Who may use the web desk: a token, sessions, a password for other machines, and how often. Pure."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from hmac import compare_digest
from typing import TYPE_CHECKING

from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """

    def __init__(
        self, token: str, *, password_hash: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._token = token
        self._password_hash = password_hash
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
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
        return compare_digest(given.encode(), self._token.encode())

    def is_password(self, given: str) -> bool:
        """Compare with the password; slow on purpose."""
        return self.has_password and check_password(given, self._password_hash)

    def begin(self) -> tuple[str, Session]:
        """Let a browser in: the value of its cookie, and its session. The oldest of many is forgotten."""
        name, session = secrets.token_urlsafe(32), Session(secrets.token_urlsafe(32), self._clock())
        self._sessions[name] = session
        while len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return name, session

    def find(self, cookie: str) -> Session | None:
        """Find the session of a cookie; None where it is unknown or a week old."""
        session = self._sessions.get(cookie)
        if session is None or self._clock() - session.began_s > _SESSION_S:
            self._sessions.pop(cookie, None)
            return None
        return session

    def end(self, cookie: str) -> None:
        """Forget a session."""
        self._sessions.pop(cookie, None)
