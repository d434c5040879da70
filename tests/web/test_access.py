"""Who is let in, how long, and how often one may try."""

from __future__ import annotations

import json

import pytest

from bt_run.core.errors import ConfigError
from bt_run.web.access import Access, Attempts, check_password, hash_password
from bt_run.web.session_file import SessionFile


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
    access = Access("t" * 32, wall=clock)
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


def test_a_session_outlives_the_desk(tmp_path):
    """With the same CSRF token; other desks know it, and that it has ended; the file lets nobody in."""
    file = tmp_path / "new" / "web-sessions.json"
    first, other = (Access(letter * 32, kept=SessionFile(file)) for letter in "ab")
    cookie, session = first.begin()
    told = file.read_text(encoding="utf-8")

    assert session == other.find(cookie) == Access("c" * 32, kept=SessionFile(file)).find(cookie)
    assert (False, False) == (cookie in told, session.csrf in told)
    assert all(other.find(fingerprint) is None for fingerprint in json.loads(told))
    assert 0o600 == file.stat().st_mode & 0o777
    other.end(cookie)
    assert first.find(cookie) is None


@pytest.mark.parametrize("text", ["", "[]", '{"a": "b"}', "[" * 100_000])
def test_a_broken_file_of_sessions_is_begun_anew(tmp_path, text):
    """Nobody is let in by it, and the next session is kept."""
    file = tmp_path / "web-sessions.json"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    cookie, session = Access("a" * 32, kept=SessionFile(file)).begin()

    assert session == Access("b" * 32, kept=SessionFile(file)).find(cookie)


def test_a_file_that_others_can_write_is_not_believed(tmp_path):
    """They could let themselves in."""
    file = tmp_path / "web-sessions.json"
    cookie, _ = Access("a" * 32, kept=SessionFile(file)).begin()
    file.chmod(0o620)

    assert Access("b" * 32, kept=SessionFile(file)).find(cookie) is None


def test_where_nothing_can_be_kept_sessions_end_with_the_desk(tmp_path, caplog):
    """It is said, and who is in stays in."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    access = Access("a" * 32, kept=SessionFile(tmp_path / "file" / "web-sessions.json"))
    cookie, session = access.begin()

    assert session == access.find(cookie)
    assert "Sessions of the web desk" in caplog.text
