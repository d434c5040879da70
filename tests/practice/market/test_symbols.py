"""Rules of symbols: guessed soundly, written as Binance writes them."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bt_run.core.errors import ConfigError
from bt_run.practice.market.symbols import exchange_info_symbol, rules_for, split_symbol
from bt_run.practice.rules import SymbolRules

D = Decimal


@pytest.mark.parametrize(
    ("symbol", "base", "quote"),
    [
        ("BTCUSDT", "BTC", "USDT"),
        ("ethbtc", "ETH", "BTC"),
        ("BNBFDUSD", "BNB", "FDUSD"),
        ("BTCUSDC", "BTC", "USDC"),
        ("USDTTRY", "USDT", "TRY"),
        ("BTCUSD", "BTC", "USD"),
        ("EURUSDT", "EUR", "USDT"),
        ("XBTUSD", "XBT", "USD"),
        ("BTCTUSD", "BTC", "TUSD"),
        ("WUSDT", "W", "USDT"),
        ("1000SATSUSDT", "1000SATS", "USDT"),
    ],
)
def test_a_symbol_is_split_at_its_quote_asset(symbol: str, base: str, quote: str) -> None:
    assert split_symbol(symbol) == (base, quote)


def test_what_is_given_is_taken() -> None:
    assert split_symbol("FOOBAR", base="foo", quote="bar") == ("FOO", "BAR")
    assert split_symbol("FOOBAR", quote="BAR") == ("FOO", "BAR")
    assert split_symbol("FOOBAR", base="FOO") == ("FOO", "BAR")


@pytest.mark.parametrize(("symbol", "more"), [("FOOBAR", {}), ("USDT", {}), ("BTCUSDT", {"quote": "EUR"})])
def test_what_is_not_clear_is_asked_for(symbol: str, more: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"trades in is not clear.*--data BTCUSDT=FILE"):
        split_symbol(symbol, **more)


@pytest.mark.parametrize("symbol", ["BTC-USDT", "", "btc_1d", "B" * 30])
def test_a_symbol_is_letters_and_digits(symbol: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a symbol"):
        rules_for(symbol, base="BTC", quote="USDT")


@pytest.mark.parametrize(
    ("symbol", "price", "tick", "step", "least"),
    [
        ("BTCUSDT", 95_000.5, "0.01", "0.00001", "5"),
        ("ETHUSDT", 2_500.11, "0.01", "0.0001", "5"),
        ("XRPUSDT", 2.5, "0.0001", "0.1", "5"),
        ("DOGEUSDT", 0.3, "0.00001", "1", "5"),
        ("PEPEUSDT", 0.00001234, "0.00000001", "1", "5"),
        ("ETHBTC", 0.04, "0.000001", "0.0001", "0.0001"),
    ],
)
def test_steps_fit_the_level_of_prices(symbol: str, price: float, tick: str, step: str, least: str) -> None:
    rules = rules_for(symbol, prices=np.array([price * 0.9, price]).round(8))

    assert rules.step_size == rules.min_quantity == D(step)
    assert rules.min_notional == D(least)
    assert rules.tick_size <= D(tick)
    assert rules.min_price == rules.tick_size
    assert rules.max_price >= D(str(price)) * 5
    assert rules.market_max_quantity * D(str(price)) > 10 * rules.min_notional
    assert rules.max_quantity > rules.market_max_quantity


def test_without_prices_the_rules_are_those_of_btcusdt() -> None:
    assert rules_for("BTCUSDT") == SymbolRules()


@given(st.integers(0, 8), st.lists(st.integers(1, 10**9), min_size=1, max_size=50))
@example(6, [124_999_999])
@example(8, [1_000_000_001])
def test_given_prices_lie_on_the_tick_grid(decimals: int, numbers: list[int]) -> None:
    prices = [D(number).scaleb(-decimals) for number in numbers]
    rules = rules_for("FOOUSDT", prices=np.array([float(price) for price in prices]))

    assert all(price % rules.tick_size == 0 for price in prices)


def kinds(value: Any) -> Any:
    """Give the shape of a JSON value: keys and the types of what they hold."""
    if isinstance(value, dict):
        return {key: kinds(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [kinds(value[0])] if value else []
    return type(value).__name__


def recorded(shared: Path) -> list[dict[str, Any]]:
    with gzip.open(shared / "realdata" / "rest" / "gct-recorded-http.json.gz", "rt") as stream:
        routes = json.load(stream)["routes"]
    found: list[dict[str, Any]] = routes["/api/v3/exchangeInfo"]["GET"][0]["data"]["symbols"]
    return found


def test_the_entry_has_the_keys_and_types_of_a_recorded_one(shared: Path) -> None:
    ours = exchange_info_symbol(SymbolRules())
    for theirs in recorded(shared):
        plain, own = dict(theirs), dict(ours)
        filters = {one["filterType"]: one for one in plain.pop("filters")}
        own_filters = {one["filterType"]: one for one in own.pop("filters")}
        new = {"opoAllowed", "pegInstructionsAllowed"}  # since that recording of 2025-08

        assert kinds(plain) == {key: kind for key, kind in kinds(own).items() if key not in new}
        for name, want in filters.items():
            if name in own_filters:
                assert kinds(own_filters[name]) == kinds(want), name
        assert {"PRICE_FILTER", "LOT_SIZE", "NOTIONAL", "TRAILING_DELTA"} <= filters.keys() & own_filters.keys()


def test_the_entry_of_btcusdt_is_the_known_one() -> None:
    entry = exchange_info_symbol(SymbolRules())
    filters = {one.pop("filterType"): one for one in entry.pop("filters")}

    assert json.loads(json.dumps(entry)) == entry
    assert filters["PRICE_FILTER"] == {
        "minPrice": "0.01000000",
        "maxPrice": "1000000.00000000",
        "tickSize": "0.01000000",
    }
    assert filters["MARKET_LOT_SIZE"] == {
        "minQty": "0.00000000",
        "maxQty": "100.00000000",
        "stepSize": "0.00000000",
    }
    assert filters["PERCENT_PRICE_BY_SIDE"]["bidMultiplierDown"] == "0.2"
    assert "MAX_POSITION" not in filters
    with_position = exchange_info_symbol(SymbolRules(max_position=D(7)))["filters"]
    assert {"filterType": "MAX_POSITION", "maxPosition": "7.00000000"} in with_position
