"""The trading rules of a symbol: guessed for any, and written as exchangeInfo does."""

from __future__ import annotations

from decimal import Decimal
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np

from bt_run.core.errors import ConfigError
from bt_run.practice.rules import Fees, SymbolRules

if TYPE_CHECKING:
    from bt_run.core.market import FloatArray

__all__ = ["exchange_info_symbol", "rules_for", "split_symbol"]

D = Decimal

_USD_WORTH = {
    "USDT": 1.0, "USDC": 1.0, "FDUSD": 1.0, "TUSD": 1.0, "BUSD": 1.0, "USD1": 1.0, "USDE": 1.0, "DAI": 1.0,
    "EURI": 1.1, "USD": 1.0, "EUR": 1.1, "GBP": 1.3, "AUD": 0.65, "BRL": 0.2, "TRY": 0.03, "ZAR": 0.05,
    "PLN": 0.25, "MXN": 0.05, "ARS": 0.001, "UAH": 0.025, "RUB": 0.01, "JPY": 0.007, "IDR": 0.00006,
    "BTC": 60_000.0, "ETH": 2_500.0, "BNB": 600.0, "SOL": 150.0, "TRX": 0.2, "XRP": 2.0, "DOGE": 0.2,
}  # fmt: skip
"""Quote assets and what one is roughly worth: only for the size of steps, never for money."""

_LEAST_ORDER = {"BTC": D("0.0001"), "ETH": D("0.001"), "BNB": D("0.01")}
_SAMPLE = 5_000


def split_symbol(symbol: str, *, base: str | None = None, quote: str | None = None) -> tuple[str, str]:
    """
    Split ``BTCUSDT`` into base and quote asset; what is given is taken as it is.

    Raises:
        ConfigError: the symbol does not end in a quote asset that we know, or does not fit what is given.
    """
    name = symbol.upper()
    if base and quote:
        return base.upper(), quote.upper()
    if quote and name.endswith(quote.upper()) and len(name) > len(quote):
        return name[: -len(quote)], quote.upper()
    if base and name.startswith(base.upper()) and len(name) > len(base):
        return base.upper(), name[len(base) :]
    known = sorted(_USD_WORTH, key=len, reverse=True)
    fitting = [asset for asset in known if name.endswith(asset) and name != asset]
    # XBTUSD is XBT in USD, not XB in TUSD: assets have three characters and more, with few exceptions.
    found = next((asset for asset in fitting if len(name) - len(asset) >= 3), next(iter(fitting), None))
    if found is None or base or quote:
        raise ConfigError(
            f"What {symbol!r} trades in is not clear. Name it with its quote asset: "
            f"--symbol BTCUSDT, or --data BTCUSDT=FILE."
        )
    return name.removesuffix(found), found


def rules_for(
    symbol: str,
    *,
    base: str | None = None,
    quote: str | None = None,
    prices: FloatArray | None = None,
    fees: Fees | None = None,
) -> SymbolRules:
    """
    Guess the trading rules of a symbol: steps as Binance has them at this level of prices.

    The tick size is fine enough for all of `prices` (any shape, > 0, in quote asset), so that they lie on the
    grid. Without prices the rules are those of BTCUSDT, whatever the symbol.

    Raises:
        ConfigError: the assets are not clear, or the symbol is not letters and digits.
    """
    name = symbol.upper()
    if not name.isalnum() or not 2 <= len(name) <= 20:
        raise ConfigError(f"{symbol!r} cannot be a symbol of the exchange. Write it as BTCUSDT.")
    base, quote = split_symbol(name, base=base, quote=quote)
    paid = fees or Fees()
    known = SymbolRules(symbol=name, base=base, quote=quote, fees=paid)
    if prices is None or not len(prices):
        return known
    level = float(np.nanmax(prices))
    tick = D(1).scaleb(-max(_level_decimals(level), _decimals(prices)))
    worth = level * _USD_WORTH.get(quote, 1.0)
    step = D("0.00001") if base == "BTC" else D(10) ** max(-8, min(0, -floor(log10(worth)) - 1))
    most = D(10) ** max(2, floor(log10(6_000_000 / worth)) + 1)
    return SymbolRules(
        symbol=name,
        base=base,
        quote=quote,
        min_price=tick,
        max_price=max(D(1000), D(10) ** ceil(log10(5 * level))),
        tick_size=tick,
        min_quantity=step,
        max_quantity=most * 90,
        step_size=step,
        market_max_quantity=most,
        min_notional=_LEAST_ORDER.get(quote, D(5)),
        fees=paid,
    )


def exchange_info_symbol(rules: SymbolRules) -> dict[str, Any]:
    """Write a symbol's entry of GET exchangeInfo, as spot does in 2026 (rest-api.md, read 2026-07-21)."""
    return {
        "symbol": rules.symbol,
        "status": "TRADING",
        "baseAsset": rules.base,
        "baseAssetPrecision": rules.precision,
        "quoteAsset": rules.quote,
        "quotePrecision": rules.precision,
        "quoteAssetPrecision": rules.precision,
        "baseCommissionPrecision": rules.precision,
        "quoteCommissionPrecision": rules.precision,
        "orderTypes": list(rules.order_types),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": _filters(rules),
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": [
            "EXPIRE_TAKER",
            "EXPIRE_MAKER",
            "EXPIRE_BOTH",
            "DECREMENT",
            "TRANSFER",
        ],
    }


def _filters(rules: SymbolRules) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": _eight(rules.min_price),
            "maxPrice": _eight(rules.max_price),
            "tickSize": _eight(rules.tick_size),
        },
        _lot("LOT_SIZE", rules.min_quantity, rules.max_quantity, rules.step_size),
        {"filterType": "ICEBERG_PARTS", "limit": rules.iceberg_parts},
        _lot("MARKET_LOT_SIZE", rules.market_min_quantity, rules.market_max_quantity, rules.market_step_size),
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": rules.min_trailing_delta,
            "maxTrailingAboveDelta": rules.max_trailing_delta,
            "minTrailingBelowDelta": rules.min_trailing_delta,
            "maxTrailingBelowDelta": rules.max_trailing_delta,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": f"{rules.bid_multiplier_up:f}",
            "bidMultiplierDown": f"{rules.bid_multiplier_down:f}",
            "askMultiplierUp": f"{rules.ask_multiplier_up:f}",
            "askMultiplierDown": f"{rules.ask_multiplier_down:f}",
            "avgPriceMins": rules.average_price_minutes,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": _eight(rules.min_notional),
            "applyMinToMarket": rules.apply_min_to_market,
            "maxNotional": _eight(rules.max_notional),
            "applyMaxToMarket": rules.apply_max_to_market,
            "avgPriceMins": rules.average_price_minutes,
        },
    ]
    if rules.max_position:
        found.append({"filterType": "MAX_POSITION", "maxPosition": _eight(rules.max_position)})
    counts = {
        "MAX_NUM_ORDERS": ("maxNumOrders", rules.max_orders),
        "MAX_NUM_ORDER_LISTS": ("maxNumOrderLists", rules.max_order_lists),
        "MAX_NUM_ALGO_ORDERS": ("maxNumAlgoOrders", rules.max_algo_orders),
        "MAX_NUM_ORDER_AMENDS": ("maxNumOrderAmends", rules.max_amends),
    }
    return found + [{"filterType": kind, name: most} for kind, (name, most) in counts.items()]


def _lot(kind: str, least: Decimal, most: Decimal, step: Decimal) -> dict[str, str]:
    return {"filterType": kind, "minQty": _eight(least), "maxQty": _eight(most), "stepSize": _eight(step)}


def _eight(number: Decimal) -> str:
    return f"{number:.8f}"


def _level_decimals(price: float) -> int:
    """Give the decimals that Binance would show: two from 10 up, else about five significant digits."""
    return 2 if price >= 10 else max(2, min(8, 4 - floor(log10(price))))


def _decimals(prices: FloatArray) -> int:
    """Give how many decimals the prices have, at most 8, judged by a sample spread over them."""
    flat = np.asarray(prices, dtype=np.float64).ravel()
    sample = flat[:: max(1, len(flat) // _SAMPLE)]
    for decimals in range(9):
        scaled = sample * 10.0**decimals
        # The least true decimal, the eighth, is ten times the tolerance; a float errs by less.
        if np.allclose(scaled, np.round(scaled), rtol=1e-15, atol=1e-9):
            return decimals
    return 8
