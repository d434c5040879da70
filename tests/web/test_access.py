"""Who is let in, how long, and how often one may try."""

from __future__ import annotations

import pytest

from bt_run.core.errors import ConfigError
from bt_run.web.access import Access, Attempts, check_password, hash_password


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_password_is_kept_as_a_hash_and_known_again():
    """Argon2id; another password and a broken hash are refused."""
    hashed = hash_password("correct horse battery")

    assert hashed.startswith("$argon2id$")
    assert check_password("correct horse battery", hashed)
    assert not check_password("correct horse batterz", hashed)
    assert not check_password("correct horse battery", "nonsense")


def test_a_short_password_is_refused():
    """It would be guessed."""
    with pytest.raises(ConfigError, match="12 characters"):
        hash_password("short")


def test_a_session_ends_after_a_week_and_when_it_is_ended():
    """Each has a CSRF token of its own."""
    clock = Clock()
    access = Access("t" * 32, clock=clock)
    first, second = access.begin(), access.begin()

    assert first[1].csrf != second[1].csrf
    assert first[1] == access.find(first[0])
    access.end(first[0])
    clock.now = 8 * 24 * 3600.0

    assert access.find(first[0]) is None
    assert access.find(second[0]) is None
    assert "t" * 32 not in repr(access)


def test_the_oldest_of_many_sessions_is_forgotten():
    """Memory is bounded."""
    access = Access("t" * 32)
    names = [access.begin()[0] for _ in range(70)]

    assert access.find(names[0]) is None
    assert access.find(names[-1]) is not None


def test_tries_are_counted_for_each_client_in_a_moving_window():
    """Five a minute; another client has its own."""
    clock = Clock()
    tries = Attempts(5, 60.0, clock)

    assert [True] * 5 + [False] == [tries.allow("a") for _ in range(6)]
    assert tries.allow("b")
    clock.now = 61.0
    assert tries.allow("a")
