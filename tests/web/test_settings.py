"""What is set on the page is kept in the journal, within bounds."""

from __future__ import annotations

import pytest

from bt_run.journal.journal import Journal
from bt_run.journal.settings_table import MOST_SETTINGS, find_setting, keep_setting

LAYOUT = {
    "symbol": "BTCUSDT",
    "interval": "1h",
    "theme": "light",
    "indicators": [{"name": "RSI", "colors": ["#fff"]}],
}


@pytest.fixture
def journal(desk, tmp_path):
    """Give the desk a journal that is not there yet."""
    desk.journal = str(tmp_path / "bot.sqlite")
    return tmp_path / "bot.sqlite"


@pytest.fixture
def put(client):
    """Give a sender of raw JSON."""

    def send(text, name="desk"):
        headers = {"x-csrf-token": client.csrf, "content-type": "application/json"}
        return client.put(f"/api/v1/settings/{name}", content=text, headers=headers)

    return send


def test_a_document_is_kept_whole_and_replaced(client, journal):
    """By its name; looking alone makes no journal."""
    headers = {"x-csrf-token": client.csrf}
    assert {"name": "desk", "document": None} == client.get("/api/v1/settings/desk").json()
    assert not journal.exists()
    for document in ({"theme": "dark"}, LAYOUT):
        assert 200 == client.put("/api/v1/settings/desk", json=document, headers=headers).status_code

    assert LAYOUT == client.get("/api/v1/settings/desk").json()["document"] == find_setting(journal, "desk")
    assert client.get("/api/v1/settings/other").json()["document"] is None


def test_it_is_kept_beside_a_bot_that_has_the_journal(client, journal):
    """Its lock is for orders."""
    with Journal(journal):
        answer = client.put("/api/v1/settings/desk", json=LAYOUT, headers={"x-csrf-token": client.csrf})
        assert LAYOUT == answer.json()["document"]


def test_without_a_journal_nothing_is_kept(client):
    """A sentence says how."""
    answer = client.get("/api/v1/settings/desk")

    assert (422, True) == (answer.status_code, "Give --journal" in answer.json()["detail"])


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        '{"a": "\\ud800"}',
        "[1]",
        '{"a": "' + "x" * 33_000 + '"}',
        '{"a": ' + "[" * 20 + "]" * 20 + "}",
        '{"a": ' + "[" * 20_000 + "]" * 20_000 + "}",
        "{",
    ],
    ids=["nan", "half-a-character", "list", "large", "deep", "very-deep", "torn"],
)
def test_what_is_too_large_or_no_json_is_refused(put, journal, text):
    """Never a 500, and nothing is kept."""
    answer = put(text)

    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["detail"]
    assert find_setting(journal, "desk") is None


def test_a_name_is_short_and_plain(put, journal):
    """Letters, digits and a dash."""
    assert 422 == put("{}", name="X" * 3).status_code
    assert 422 == put("{}", name="x" * 41).status_code


def test_names_are_listed_and_bounded(client, put, journal):
    """The one too many is refused with what to do; after a deletion there is room."""
    assert [] == client.get("/api/v1/settings").json()
    for number in range(MOST_SETTINGS):
        keep_setting(journal, f"n{number}", {}, changed_ms=1)
    refused = put("{}", name="one-more")
    assert (422, True) == (refused.status_code, "Delete one" in refused.json()["detail"])
    assert 200 == put('{"a": 1}', name="n0").status_code
    gone = client.delete("/api/v1/settings/n0", headers={"x-csrf-token": client.csrf})
    assert {"name": "n0", "document": {"a": 1}} == gone.json()
    assert 200 == put("{}", name="one-more").status_code

    names = client.get("/api/v1/settings").json()
    assert (MOST_SETTINGS, True, False) == (len(names), "one-more" in names, "n0" in names)


def test_what_is_not_there_cannot_be_deleted(client, journal):
    """And no journal is made by that."""
    gone = client.delete("/api/v1/settings/desk", headers={"x-csrf-token": client.csrf})

    assert (200, None) == (gone.status_code, gone.json()["document"])
    assert not journal.exists()
