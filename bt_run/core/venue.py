"""Where Binance's services live: one table of venues, and the ways to point elsewhere."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from bt_run.core.errors import ConfigError, UnknownName

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VENUES", "Market", "Venue", "find_venue"]

Market = Literal["spot", "futures"]
"""Spot, or USD-M futures."""


@dataclass(frozen=True, slots=True)
class Venue:
    """
    One place that speaks Binance's protocol.

    Every URL is an origin: scheme, host, port. Binance's own paths (``/api/v3/...``, ``/fapi/...``,
    ``/ws/...``, ``/stream``, ``/ws-api/v3``, ``/market/...``, and ``/data/...`` of the archive) are
    appended to it.
    """

    name: str
    rest_url: str
    stream_url: str
    ws_api_url: str
    futures_rest_url: str
    futures_stream_url: str
    archive_url: str = "https://data.binance.vision"

    def rest_of(self, market: Market) -> str:
        """Give the origin of the REST interface of a market."""
        return self.futures_rest_url if market == "futures" else self.rest_url

    def stream_of(self, market: Market) -> str:
        """Give the origin of the market streams of a market."""
        return self.futures_stream_url if market == "futures" else self.stream_url


VENUES: Mapping[str, Venue] = {
    "testnet": Venue(
        "testnet",
        rest_url="https://testnet.binance.vision",
        stream_url="wss://stream.testnet.binance.vision",
        ws_api_url="wss://ws-api.testnet.binance.vision",
        futures_rest_url="https://testnet.binancefuture.com",
        futures_stream_url="wss://fstream.binancefuture.com",
    ),
    "demo": Venue(
        "demo",
        rest_url="https://demo-api.binance.com",
        stream_url="wss://demo-stream.binance.com",
        ws_api_url="wss://demo-ws-api.binance.com",
        futures_rest_url="https://demo-fapi.binance.com",
        futures_stream_url="wss://fstream.binancefuture.com",
    ),
    "mainnet": Venue(
        "mainnet",
        rest_url="https://api.binance.com",
        stream_url="wss://stream.binance.com:9443",
        ws_api_url="wss://ws-api.binance.com:443",
        futures_rest_url="https://fapi.binance.com",
        futures_stream_url="wss://fstream.binance.com",
    ),
    "practice": Venue(
        "practice",
        rest_url="http://127.0.0.1:8590",
        stream_url="ws://127.0.0.1:8590",
        ws_api_url="ws://127.0.0.1:8590",
        futures_rest_url="http://127.0.0.1:8590",
        futures_stream_url="ws://127.0.0.1:8590",
    ),
    "data": Venue(
        "data",
        rest_url="https://data-api.binance.vision",
        stream_url="wss://data-stream.binance.vision",
        ws_api_url="",
        futures_rest_url="https://fapi.binance.com",
        futures_stream_url="wss://fstream.binance.com",
    ),
}
"""
Binance's own venues, and ``practice``: our practice exchange on this machine, where ``bt-run practice`` listens
unless told otherwise. ``data`` is mainnet's market data without keys, the default of downloads and captures.

Source: binance-spot-api-docs, rest-api.md, web-socket-streams.md, faqs/market_data_only.md and
testnet/general-info.md, read 2026-07-21; USD-M stream hosts as of the change of 2026-04-23.
"""

_OVERRIDES = {
    "rest_url": "BT_RUN_REST_URL",
    "stream_url": "BT_RUN_STREAM_URL",
    "ws_api_url": "BT_RUN_WS_API_URL",
    "futures_rest_url": "BT_RUN_FUTURES_REST_URL",
    "futures_stream_url": "BT_RUN_FUTURES_STREAM_URL",
    "archive_url": "BT_RUN_ARCHIVE_URL",
}


def find_venue(
    name: str, *, more: Mapping[str, Mapping[str, str]] | None = None, environ: Mapping[str, str] | None = None
) -> Venue:
    """
    Find a venue by name and apply the overrides of the environment.

    Args:
        name: One of `VENUES`, or a key of `more`.
        more: Venues that the user added, each a mapping of URL fields; what is missing is empty.
        environ: Where the overrides stand; the process's environment by default.

    Raises:
        UnknownName: no venue of that name.
        ConfigError: a URL that is not an origin, or a field that does not exist.
    """
    added = dict(more or {})
    if name in VENUES:
        venue = VENUES[name]
    elif name in added:
        venue = _venue_of(name, added[name])
    else:
        raise UnknownName("venue", name, [*VENUES, *added])
    given = os.environ if environ is None else environ
    changes = {key: given[variable] for key, variable in _OVERRIDES.items() if given.get(variable)}
    for key, url in changes.items():
        _check_origin(_OVERRIDES[key], url)
    return replace(venue, **{key: url.rstrip("/") for key, url in changes.items()})


def _venue_of(name: str, urls: Mapping[str, str]) -> Venue:
    known = {field.name for field in fields(Venue)} - {"name"}
    for key, url in urls.items():
        if key not in known:
            raise UnknownName(f"setting of venue {name!r}", key, known)
        _check_origin(f"{name}.{key}", url)
    required = dict.fromkeys(known - {"archive_url"}, "")
    return Venue(name=name, **{**required, **{key: url.rstrip("/") for key, url in urls.items()}})


def _check_origin(what: str, url: str) -> None:
    """A path in the URL would be doubled by Binance's own, so it is refused."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname:
        raise ConfigError(f"{what} is {url!r}. Write an origin, such as http://127.0.0.1:8080.")
    if parts.path.strip("/") or parts.query:
        raise ConfigError(f"{what} is {url!r}. Leave the path out; Binance's own paths are added.")
