"""
What the exchange lets an order of one symbol be, read from exchangeInfo, and rounding to it.

Binance, filters.md and rest-api.md (read 2026-09-27). A limit of 0 is off. Filters of an unknown name are kept
by name and never stop an order: the exchange adds some now and then, and refuses what it does not want.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from brokers.amounts import ZERO, common_step, floor_to, plus
from bt_run.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from brokers.orders import Side

__all__ = ["Notional", "PercentPrice", "Range", "SymbolFilters", "TrailingDelta"]


@dataclass(frozen=True, slots=True)
class Range:
    """PRICE_FILTER, LOT_SIZE, MARKET_LOT_SIZE: from `minimum` to `maximum` in steps of `step`; 0 is off."""

    minimum: Decimal
    maximum: Decimal
    step: Decimal


@dataclass(frozen=True, slots=True)
class PercentPrice:
    """PERCENT_PRICE and PERCENT_PRICE_BY_SIDE: a limit price between two multiples of the reference price."""

    name: str
    buy_up: Decimal
    buy_down: Decimal
    sell_up: Decimal
    sell_down: Decimal
    minutes: int
    """Over how many minutes the reference is averaged; 0 is the last price."""


@dataclass(frozen=True, slots=True)
class Notional:
    """MIN_NOTIONAL and NOTIONAL: price times quantity, in quote asset; 0 is off."""

    name: str
    minimum: Decimal
    maximum: Decimal
    minimum_to_market: bool
    maximum_to_market: bool
    minutes: int


@dataclass(frozen=True, slots=True)
class TrailingDelta:
    """TRAILING_DELTA, (least, most) basis points, for orders that trigger above the market and below it."""

    above: tuple[int, int]
    below: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SymbolFilters:
    """
    The rules of one symbol. A filter that the exchange does not state is None.

    `counts` are limits on how many orders may be open, by the filter's name (MAX_NUM_ORDERS, ..., with those
    over all symbols). `max_assets` are (asset, amount) pairs from myFilters. `unknown` names filters that are
    not understood. Order lists that an old answer does not mention are not allowed; trailing stops and quote
    quantities are, because the exchange refuses them at no cost.
    """

    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    base_precision: int
    quote_precision: int
    order_types: frozenset[str]
    permission_sets: tuple[frozenset[str], ...]
    is_spot_allowed: bool
    is_quote_quantity_allowed: bool
    is_oco_allowed: bool
    is_oto_allowed: bool
    is_opo_allowed: bool
    is_trailing_allowed: bool
    price: Range | None = None
    lot: Range | None = None
    market_lot: Range | None = None
    percent_price: tuple[PercentPrice, ...] = ()
    notional: tuple[Notional, ...] = ()
    trailing: TrailingDelta | None = None
    max_position: Decimal | None = None
    iceberg_parts: int | None = None
    counts: tuple[tuple[str, int], ...] = ()
    max_assets: tuple[tuple[str, Decimal], ...] = ()
    unknown: tuple[str, ...] = ()
    market_step: Decimal = field(init=False, repr=False, compare=False)
    """Step of the quantities of MARKET orders, base asset: reckoned once, an order asks some ten times."""

    def __post_init__(self) -> None:
        step = self.lot.step if self.lot else ZERO
        if self.market_lot:
            step = common_step(step, self.market_lot.step)
        object.__setattr__(self, "market_step", step or self._finest)

    @property
    def _finest(self) -> Decimal:
        return Decimal(1).scaleb(-self.base_precision)

    @classmethod
    def of(
        cls, info: Mapping[str, Any], *, others: Iterable[Mapping[str, Any]] = (), source: str = "exchangeInfo"
    ) -> SymbolFilters:
        """
        Read one object of exchangeInfo's ``symbols``.

        `others` are filters from elsewhere: exchangeInfo's ``exchangeFilters`` and those of myFilters.
        Raises DataError that names symbol, filter and field.
        """
        return _Reader(str(info.get("symbol", "?")), source).read(info, others)

    def step_of(self, order_type: str) -> Decimal:
        """Give the step of quantities, base asset: MARKET orders must fit LOT_SIZE and MARKET_LOT_SIZE."""
        if order_type == "MARKET":
            return self.market_step
        return (self.lot.step if self.lot else ZERO) or self._finest

    def round_quantity(self, quantity: Decimal, order_type: str = "LIMIT") -> Decimal:
        """
        Round a quantity >= 0 down to the step. It never grows: more could be more than is held.

        The minimum and the maximum stay for `filter_checks.check` to tell: an order that was made smaller
        silently would be another order.
        """
        return floor_to(quantity, self.step_of(order_type))

    def round_price(self, price: Decimal, side: Side) -> Decimal:
        """
        Round a price > 0 to the tick, never against the user: a BUY down, a SELL up.

        So a limit never pays more or takes less than was said. The same holds for triggers: a stop then fires a
        tick earlier, never later, and a target is never given away for less.
        """
        step = self.price.step if self.price else ZERO
        step = step or Decimal(1).scaleb(-self.quote_precision)
        below = floor_to(price, step)
        return below if side == "BUY" or below == price else plus(below, step)

    def round_quote(self, amount: Decimal) -> Decimal:
        """Round an amount of quote asset >= 0 (quoteOrderQty) down to the digits that the exchange takes."""
        return floor_to(amount, Decimal(1).scaleb(-self.quote_precision))

    def count_limit(self, name: str) -> int | None:
        """Give the limit of this name (MAX_NUM_ORDERS, ...); None where there is none."""
        return dict(self.counts).get(name)


_COUNTS = {
    "MAX_NUM_ORDERS": "maxNumOrders",
    "MAX_NUM_ALGO_ORDERS": "maxNumAlgoOrders",
    "MAX_NUM_ICEBERG_ORDERS": "maxNumIcebergOrders",
    "MAX_NUM_ORDER_LISTS": "maxNumOrderLists",
    "MAX_NUM_ORDER_AMENDS": "maxNumOrderAmends",
    "EXCHANGE_MAX_NUM_ORDERS": "maxNumOrders",
    "EXCHANGE_MAX_NUM_ALGO_ORDERS": "maxNumAlgoOrders",
    "EXCHANGE_MAX_NUM_ICEBERG_ORDERS": "maxNumIcebergOrders",
    "EXCHANGE_MAX_NUM_ORDER_LISTS": "maxNumOrderLists",
}


class _Reader:
    """Reads one symbol; remembers where it is, for the errors."""

    def __init__(self, symbol: str, source: str) -> None:
        self._symbol = symbol
        self._source = source
        self._found: dict[str, Any] = {}
        self._percent: list[PercentPrice] = []
        self._notional: list[Notional] = []
        self._counts: list[tuple[str, int]] = []
        self._assets: list[tuple[str, Decimal]] = []
        self._unknown: list[str] = []

    def read(self, info: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> SymbolFilters:
        for stated in (*self._value(info, "filters", "symbol"), *others):
            self._take(str(stated.get("filterType", "?")), stated)
        sets = info.get("permissionSets") or ([info["permissions"]] if info.get("permissions") else [])
        return SymbolFilters(
            symbol=str(self._value(info, "symbol", "symbol")),
            status=str(info.get("status", "")),
            base_asset=str(self._value(info, "baseAsset", "symbol")),
            quote_asset=str(self._value(info, "quoteAsset", "symbol")),
            base_precision=self._whole(info, "baseAssetPrecision", "symbol"),
            quote_precision=self._whole(info, "quoteAssetPrecision", "symbol"),
            order_types=frozenset(map(str, info.get("orderTypes", ()))),
            permission_sets=tuple(frozenset(map(str, names)) for names in sets),
            is_spot_allowed=bool(info.get("isSpotTradingAllowed", True)),
            is_quote_quantity_allowed=bool(info.get("quoteOrderQtyMarketAllowed", True)),
            is_oco_allowed=bool(info.get("ocoAllowed", False)),
            is_oto_allowed=bool(info.get("otoAllowed", False)),
            is_opo_allowed=bool(info.get("opoAllowed", False)),
            is_trailing_allowed=bool(info.get("allowTrailingStop", True)),
            percent_price=tuple(self._percent),
            notional=tuple(self._notional),
            counts=tuple(self._counts),
            max_assets=tuple(self._assets),
            unknown=tuple(self._unknown),
            **self._found,
        )

    def _take(self, name: str, stated: Mapping[str, Any]) -> None:
        match name:
            case "PRICE_FILTER":
                self._found["price"] = self._range(name, stated, "minPrice", "maxPrice", "tickSize")
            case "LOT_SIZE" | "MARKET_LOT_SIZE":
                field = "lot" if name == "LOT_SIZE" else "market_lot"
                self._found[field] = self._range(name, stated, "minQty", "maxQty", "stepSize")
            case "PERCENT_PRICE" | "PERCENT_PRICE_BY_SIDE":
                self._percent.append(self._percent_price(name, stated))
            case "MIN_NOTIONAL" | "NOTIONAL":
                self._notional.append(self._read_notional(name, stated))
            case "TRAILING_DELTA":
                pairs = [
                    (
                        self._whole(stated, f"minTrailing{where}Delta", name),
                        self._whole(stated, f"maxTrailing{where}Delta", name),
                    )
                    for where in ("Above", "Below")
                ]
                self._found["trailing"] = TrailingDelta(pairs[0], pairs[1])
            case "MAX_POSITION":
                self._found["max_position"] = self._amount(stated, "maxPosition", name)
            case "ICEBERG_PARTS":
                self._found["iceberg_parts"] = self._whole(stated, "limit", name)
            case "MAX_ASSET":
                asset = str(self._value(stated, "asset", name))
                self._assets.append((asset, self._amount(stated, "limit", name)))
            case _ if name in _COUNTS:
                self._counts.append((name, self._whole(stated, _COUNTS[name], name)))
            case _:
                self._unknown.append(name)

    def _range(self, name: str, stated: Mapping[str, Any], low: str, high: str, step: str) -> Range:
        return Range(*(self._amount(stated, key, name) for key in (low, high, step)))

    def _percent_price(self, name: str, stated: Mapping[str, Any]) -> PercentPrice:
        keys = ("bidMultiplierUp", "bidMultiplierDown", "askMultiplierUp", "askMultiplierDown")
        if name == "PERCENT_PRICE":
            keys = ("multiplierUp", "multiplierDown", "multiplierUp", "multiplierDown")
        up, down, sell_up, sell_down = (self._amount(stated, key, name) for key in keys)
        return PercentPrice(name, up, down, sell_up, sell_down, self._whole(stated, "avgPriceMins", name))

    def _read_notional(self, name: str, stated: Mapping[str, Any]) -> Notional:
        minimum = self._amount(stated, "minNotional", name)
        minutes = self._whole(stated, "avgPriceMins", name)
        if name == "MIN_NOTIONAL":
            return Notional(name, minimum, ZERO, bool(stated.get("applyToMarket")), False, minutes)
        maximum = self._amount(stated, "maxNotional", name)
        to_market = (bool(stated.get("applyMinToMarket")), bool(stated.get("applyMaxToMarket")))
        return Notional(name, minimum, maximum, *to_market, minutes)

    def _value(self, stated: Mapping[str, Any], key: str, where: str) -> Any:
        if key not in stated:
            raise DataError(f"{self._source}: {self._symbol}: {where} has no {key!r}.", hint="Update bt-run.")
        return stated[key]

    def _amount(self, stated: Mapping[str, Any], key: str, where: str) -> Decimal:
        text = self._value(stated, key, where)
        try:
            amount = Decimal(str(text))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not (amount.is_finite() and amount >= 0):
            raise DataError(f"{self._source}: {self._symbol}: {where}: {key} is {text!r}, not an amount.")
        return amount

    def _whole(self, stated: Mapping[str, Any], key: str, where: str) -> int:
        number = self._value(stated, key, where)
        if not isinstance(number, int):
            raise DataError(
                f"{self._source}: {self._symbol}: {where}: {key} is {number!r}, not a whole number."
            )
        return number
