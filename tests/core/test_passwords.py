"""Passwords in texts that people read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL

from bt_run.core.passwords import hide_password


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://bot:hush@db/journal", "postgresql+psycopg://bot:***@db/journal"),
        ("postgresql://:hush@db", "postgresql://:***@db"),
        ("postgresql://bot:hu:sh@db:5432/journal", "postgresql://bot:***@db:5432/journal"),
        ("postgresql://bot:hu@sh@db/journal", "postgresql://bot:***@db/journal"),
        ("postgresql://bot:h/u?sh@db/journal", "postgresql://bot:***@db/journal"),
        ("postgresql://db/journal?user=bot&password=hush&x=1", "postgresql://db/journal?user=bot&password=***&x=1"),
        ("postgresql://db/journal?sslpassword=hush", "postgresql://db/journal?sslpassword=***"),
        ("report --journal a://bot:hush@db/j --run 3", "report --journal a://bot:***@db/j --run 3"),
        ("postgresql://bot@db:5432/journal", "postgresql://bot@db:5432/journal"),
        ("http://127.0.0.1:8765/?token=1", "http://127.0.0.1:8765/?token=1"),
        ("mine.py:Mine@1", "mine.py:Mine@1"),
        ("bots/btc.sqlite", "bots/btc.sqlite"),
    ],
)  # fmt: skip
def test_what_is_hidden_and_what_is_not(text: str, shown: str):
    assert shown == hide_password(text)


@given(password=st.text(min_size=1), user=st.sampled_from(["bot", "b.o+t", ""]))
def test_no_password_of_a_url_is_shown(password: str, user: str):
    """Whatever it is made of; SQLAlchemy writes it so that it can be read back."""
    url = URL.create("postgresql+psycopg", username=user, password=password, host="db", database="journal")
    shown = hide_password(url.render_as_string(hide_password=False))
    assert shown == url.render_as_string(hide_password=True)
