"""Client order ids: legal, unique, sortable, ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.client_ids import MOST, ClientId, run_tag
from bt_run.core.errors import ConfigError

LEGAL = re.compile(r"[a-zA-Z0-9-_]{1,36}")
STARTS = st.integers(0, 4_000_000_000_000)
SALTS = st.integers(0, 29**3 - 1)
COUNTERS = st.integers(0, MOST)


@given(STARTS, SALTS, COUNTERS)
def test_an_id_is_legal_and_reads_back(started_ms, salt, counter):
    """Binance takes it, nothing in it looks like SQL, and it says whose it is."""
    given_id = ClientId(run_tag(started_ms, salt), counter)
    text = str(given_id)

    assert LEGAL.fullmatch(text)
    assert not re.search(r"[aeiouyAEIOUY]|--", text)
    assert given_id == ClientId.parse(text)
    assert text == str(ClientId(given_id.run, counter))


@given(st.lists(st.tuples(STARTS, SALTS, COUNTERS), min_size=2, max_size=4))
def test_ids_sort_by_start_then_salt_then_number(made):
    """Text sorts as the orders were made, so a journal or a table can be read from top to bottom."""
    by_time = sorted({(ms // 1000, salt, number) for ms, salt, number in made})

    texts = [str(ClientId(run_tag(second * 1000, salt), number)) for second, salt, number in by_time]

    assert sorted(set(texts)) == texts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "and_f4ebcde107ba499db8572eb01d0c304c",
        "x-HNA2TXFJb1f9c0",
        "btr-",
        "btr-0b-1",
        "btr-0b-000000001",
        "btr-select-00000001",
        "BTR-0b-00000001",
        "btr-0b-00000001 ",
        "btr-0b-0000000\u0661",
    ],
)
def test_ids_of_others_are_not_ours(text):
    """Another program's, the web site's, and what only looks like ours."""
    assert ClientId.parse(text) is None


def test_the_next_id_counts_up():
    """One more, same run; a run does not start over when its numbers are used up."""
    assert "btr-0b-00000002" == str(ClientId("0b", 1).next())
    with pytest.raises(ConfigError, match="Start a new run"):
        ClientId("0b", MOST).next()
    with pytest.raises(ConfigError, match="run tag 'drop-table'"):
        ClientId("drop-table", 1)
