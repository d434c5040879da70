"""Venues and overrides."""

from __future__ import annotations

import pytest

from bt_run.core.errors import ConfigError, UnknownName
from bt_run.core.venue import VENUES, find_venue


def test_the_environment_overrides_each_origin():
    """A slash at the end does not matter; what is not named stays."""
    venue = find_venue("testnet", environ={"BT_RUN_REST_URL": "http://127.0.0.1:8080/"})

    assert venue.rest_url == "http://127.0.0.1:8080"
    assert venue.stream_url == VENUES["testnet"].stream_url


def test_users_add_venues():
    """Fields that are not given are empty, the archive stays Binance's."""
    venue = find_venue("mine", more={"mine": {"rest_url": "http://localhost:1"}}, environ={})

    assert ("mine", "http://localhost:1", "") == (venue.name, venue.rest_url, venue.stream_url)


def test_an_unknown_venue_suggests_the_nearest():
    """The list of known venues is in the message."""
    with pytest.raises(UnknownName, match="Did you mean 'testnet'"):
        find_venue("tesnet", environ={})


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", "http://h/api"])
def test_only_origins_are_taken(url: str):
    """A path would be doubled; a missing scheme would be guessed."""
    with pytest.raises(ConfigError, match="BT_RUN_REST_URL"):
        find_venue("testnet", environ={"BT_RUN_REST_URL": url})


def test_market_chooses_the_origins():
    """Futures data live on hosts of their own."""
    venue = VENUES["mainnet"]

    assert venue.rest_of("futures") == "https://fapi.binance.com"
    assert venue.stream_of("futures") == "wss://fstream.binance.com"
    assert venue.rest_of("spot") == "https://api.binance.com"
    assert venue.stream_of("spot") == "wss://stream.binance.com:9443"
