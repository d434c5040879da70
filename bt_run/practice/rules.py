"""What a symbol allows: assets, steps, limits and fees, in Decimal."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["Fees", "SymbolRules"]

D = Decimal


@dataclass(frozen=True, slots=True)
class Fees:
    """
    Commission as fractions of what is received, and in which asset it is taken.

    `pay_in` is ``received`` (base on a buy, quote on a sell, as Binance does), ``quote`` (always the quote
    asset, as Backtrader counts) or an asset's name such as ``BNB``, paid at `bnb_price` quote units each while
    the balance lasts and in the received asset after that.
    """

    maker: Decimal = D("0.001")
    taker: Decimal = D("0.001")
    pay_in: str = "received"
    bnb_price: Decimal = D("600")


@dataclass(frozen=True, slots=True)
class SymbolRules:
    """
    The trading rules of one symbol; the defaults are those of BTCUSDT in 2026.

    Prices are in quote asset, quantities in base asset. 0 switches a rule off where Binance does so. The
    source of the fields is filters.md of binance-spot-api-docs (read 2026-07-21).
    """

    symbol: str = "BTCUSDT"
    base: str = "BTC"
    quote: str = "USDT"
    precision: int = 8
    min_price: Decimal = D("0.01")
    max_price: Decimal = D("1000000")
    tick_size: Decimal = D("0.01")
    min_quantity: Decimal = D("0.00001")
    max_quantity: Decimal = D("9000")
    step_size: Decimal = D("0.00001")
    market_min_quantity: Decimal = D(0)
    market_max_quantity: Decimal = D(100)
    market_step_size: Decimal = D(0)
    min_notional: Decimal = D(5)
    max_notional: Decimal = D(9_000_000)
    apply_min_to_market: bool = True
    apply_max_to_market: bool = False
    average_price_minutes: int = 5
    bid_multiplier_up: Decimal = D(5)
    bid_multiplier_down: Decimal = D("0.2")
    ask_multiplier_up: Decimal = D(5)
    ask_multiplier_down: Decimal = D("0.2")
    min_trailing_delta: int = 10
    max_trailing_delta: int = 2000
    iceberg_parts: int = 100
    max_orders: int = 200
    max_algo_orders: int = 5
    max_order_lists: int = 20
    max_amends: int = 10
    max_position: Decimal = D(0)
    order_types: tuple[str, ...] = (
        "LIMIT",
        "LIMIT_MAKER",
        "MARKET",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    )
    fees: Fees = Fees()
