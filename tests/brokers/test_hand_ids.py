"""Ids of orders by hand: the same for the same wish, and of no run."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from brokers.client_ids import ClientId
from brokers.hand_ids import hand_id, hand_list_id, is_hand_id

KEYS = st.text("abcxyzABC019 .:_-", min_size=1, max_size=100)


@given(key=KEYS, leg=st.integers(0, 9))
def test_binance_takes_it_and_no_run_has_it(key, leg):
    """At most 36 of its characters; never two hyphens together, which its firewall stops."""
    for text in (hand_id("testnet", key, leg), hand_list_id("testnet", key)):
        assert re.fullmatch(r"[a-zA-Z0-9-]{1,36}", text)
        assert "--" not in text
        assert is_hand_id(text)
        assert ClientId.parse(text) is None


def test_it_follows_from_venue_key_and_leg():
    """The same for the same, another for another."""
    ids = [hand_id("demo", "a", 0), hand_id("demo", "a", 1), hand_id("demo", "b", 0), hand_id("mine", "a", 0)]

    assert ids[0] == hand_id("demo", "a", 0)
    assert 4 == len(set(ids))


def test_a_runs_id_is_none_of_these():
    """Nor is another program's."""
    assert not is_hand_id(str(ClientId("bcd", 7)))
    assert not is_hand_id("web_0123456789")
