"""The doctor's look at a venue: REST, time, streams, the WebSocket API, a symbol, the key."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from websockets.sync.client import connect

from brokers.amounts import text_of
from brokers.binance.credentials import find_credentials, variable_prefix
from brokers.binance.rest_gateway import BinanceGateway
from brokers.filters import SymbolFilters
from bt_run.core.binance_errors import connection_error, refusal
from bt_run.core.environment import read_variables
from bt_run.core.errors import ConfigError, Rejected
from bt_run.core.stream_policy import explain, needs_proxy
from bt_run.run.doctor.finding import Finding

if TYPE_CHECKING:
    from bt_run.core.venue import Venue

__all__ = ["check_key", "check_rest", "check_stream", "check_symbol", "check_time", "check_ws_api"]

_TIMEOUT_S = (2.0, 3.0)
_OPEN_S = 3.5
_SKEW_MS, _FAR_MS = 500, 5000


def check_rest(venue: Venue) -> Finding:
    """Ask the venue whether it is there, and say what stands in between."""
    began = time.monotonic()
    _ask(venue, "/api/v3/ping", "REST")
    took_ms = (time.monotonic() - began) * 1000
    return Finding("REST", "ok", f"{venue.rest_url} answers in {took_ms:.0f} ms{_way(venue.rest_url)}.")


def check_time(venue: Venue) -> Finding:
    """Compare the clocks; the best of three answers counts. A practice exchange has a time of its own."""
    if venue.name == "practice":
        _ask(venue, "/api/v3/time", "Time")
        return Finding("Time", "ok", "The practice exchange has a time of its own.")
    best: tuple[float, float] | None = None
    for _ in range(3):
        began, steady = time.time() * 1000, time.monotonic()
        told = int(_ask(venue, "/api/v3/time", "Time")["serverTime"])
        trip = (time.monotonic() - steady) * 1000
        sample = (trip, told - (began + trip / 2))
        best = min(best or sample, sample)
    trip, skew = best or (0.0, 0.0)
    text = f"This clock is {abs(skew):.0f} ms {'behind' if skew > 0 else 'ahead of'} the exchange's"
    text += f" (known to {trip / 2:.0f} ms)."
    if abs(skew) < _SKEW_MS + trip / 2:
        return Finding("Time", "ok", text)
    advice = "bt-run corrects for it; set the clock all the same, for example with chrony."
    return Finding("Time", "failed" if abs(skew) >= _FAR_MS else "warning", text, advice)


def check_symbol(venue: Venue, symbol: str) -> Finding:
    """Read the rules of a symbol."""
    answer = _ask(venue, f"/api/v3/exchangeInfo?symbol={symbol}", f"Rules of {symbol}")
    filters = SymbolFilters.of(answer["symbols"][0])
    least = max((item.minimum for item in filters.notional), default=None)
    parts = [f"step {text_of(filters.step_of('MARKET'))}"]
    parts += [f"tick {text_of(filters.price.step)}"] if filters.price else []
    parts += [f"least order {text_of(least)} {filters.quote_asset}"] if least else []
    text = f"{symbol}: {', '.join(parts)}."
    if filters.status != "TRADING":
        return Finding(
            "Symbol", "warning", f"{text} It does not trade now: {filters.status}.", "Wait, or choose another."
        )
    if filters.unknown:
        return Finding(
            "Symbol", "ok", f"{text} Filters that bt-run leaves to the exchange: {', '.join(filters.unknown)}."
        )
    return Finding("Symbol", "ok", text)


def check_stream(venue: Venue, symbol: str) -> Finding:
    """Open a market stream."""
    return _socket("Streams", f"{venue.stream_url}/ws/{symbol.lower()}@bookTicker", venue.stream_url, ask=False)


def check_ws_api(venue: Venue) -> Finding:
    """Open the WebSocket API and ask it for the time."""
    if not venue.ws_api_url:
        return Finding("WebSocket API", "left out", f"The venue {venue.name} has none.")
    return _socket("WebSocket API", f"{venue.ws_api_url}/ws-api/v3", venue.ws_api_url, ask=True)


def check_key(venue: Venue) -> Finding:
    """Ask what the key may do; without a key nothing is asked."""
    try:
        credentials = find_credentials(venue.name)
    except ConfigError as error:
        is_begun = any(name.startswith(f"{variable_prefix(venue.name)}_API_") for name in read_variables())
        return Finding("API key", "failed" if is_begun else "left out", str(error))
    gateway = BinanceGateway(venue, credentials)
    try:
        gateway.connect()
        rights = gateway.key_rights()
    except Rejected as error:
        advice = "Is it a key of this venue, and is this address allowed to use it?"
        return Finding("API key", "failed", str(error), advice)
    finally:
        gateway.close()
    if rights.can_trade is False:
        return Finding(
            "API key", "failed", "The key may not trade.", "Allow spot trading in the key's settings."
        )
    if rights.can_withdraw and venue.name == "mainnet":
        advice = "Make a key without that right: whoever steals this one can empty the account."
        return Finding("API key", "warning", "The key may withdraw money.", advice)
    if rights.is_bound_to_addresses is False:
        advice = "Bind it to the addresses that the bot runs on."
        return Finding("API key", "warning", "The key may trade from every address.", advice)
    return Finding("API key", "ok", f"{credentials.kind}, may trade.")


def _ask(venue: Venue, path: str, what: str) -> Any:
    url = venue.rest_url
    with requests.Session() as session:
        session.trust_env = needs_proxy(url)
        try:
            answer = session.get(url + path, timeout=_TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            raise connection_error(what, error, url=url) from error
    if answer.status_code != 200:
        raise refusal(
            what,
            status=answer.status_code,
            headers=answer.headers,
            body=answer.text,
            now_ms=time.time_ns() // 1_000_000,
        )
    try:
        return answer.json()
    except ValueError as error:
        raise connection_error(what, error, url=url) from error


def _socket(check: str, address: str, url: str, *, ask: bool) -> Finding:
    began = time.monotonic()
    try:
        with connect(
            address, open_timeout=_OPEN_S, close_timeout=0.3, proxy=True if needs_proxy(url) else None
        ) as socket:
            took_ms = (time.monotonic() - began) * 1000
            if ask:
                socket.send(json.dumps({"id": 1, "method": "time"}))
                told = json.loads(socket.recv(timeout=1.0))
                if told.get("status") != 200:
                    return Finding(check, "failed", f"{url} answered {told.get('status')} to a question.")
    except Exception as error:
        told = explain(error, url=url, now_ms=time.time_ns() // 1_000_000, what=check)
        if told is None:
            raise
        raise told from error
    return Finding(check, "ok", f"{url} opens in {took_ms:.0f} ms{_way(url)}.")


def _way(url: str) -> str:
    """Name the proxy by its host alone: its address may hold a password."""
    if not needs_proxy(url):
        return ""
    https = url.replace("wss://", "https://").replace("ws://", "http://")
    proxies = requests.utils.get_environ_proxies(https)
    proxy = proxies.get(urlsplit(https).scheme) or proxies.get("all")
    return f" through the proxy {urlsplit(proxy).hostname}" if proxy else ""
