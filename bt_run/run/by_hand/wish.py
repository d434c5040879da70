"""What a person, or a signal, wants to order: one wish, as it was said."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from brokers.amounts import text_of
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from brokers.orders import Side, TimeInForce

__all__ = ["Kind", "Source", "Wish", "wish_of"]

Kind = Literal["market", "limit", "stop_loss", "take_profit", "oco"]
Source = Literal["hand", "signal"]

_HUNDRED = Decimal(100)
_TRIGGERED = frozenset({"stop_loss", "take_profit"})


@dataclass(frozen=True, slots=True)
class Wish:
    """
    How much is exactly one of three: `quantity` in base asset, `quote_quantity` in quote asset, or `percent` in
    (0, 100] of what is free (quote asset to buy, base asset to sell).

    ============  =====================================================================================
    kind          prices
    ============  =====================================================================================
    market        none
    limit         `price`; `time_in_force`, or `post_only`, which never takes
    stop_loss     `stop_price` sets it off; then at market, or with `price` as a limit order
    take_profit   the same
    oco           `price` of the limit order and `stop_price` of the stop-loss, of which one cancels the
                  other; with `stop_limit_price` the stop-loss is a limit order too
    ============  =====================================================================================

    Raises ConfigError where the fields make no order.
    """

    symbol: str
    side: Side
    kind: Kind
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    percent: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    stop_limit_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    post_only: bool = False

    def __post_init__(self) -> None:
        wrong = next(self._wrongs(), "")
        if wrong:
            raise ConfigError(wrong)

    def _wrongs(self) -> Iterator[str]:
        given = [amount for amount in (self.quantity, self.quote_quantity, self.percent) if amount is not None]
        if len(given) != 1:
            yield "Say how much in one way: a quantity, an amount of quote asset, or a percentage."
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Decimal) and not (value.is_finite() and value > 0):
                yield f"{_name(field.name)} is {value}; it must be above 0."
        if self.percent is not None and self.percent > _HUNDRED:
            yield f"{text_of(self.percent)} percent is more than there is."
        yield from self._wrong_prices()

    def _wrong_prices(self) -> Iterator[str]:
        needs = {"price": self.kind in ("limit", "oco"), "stop_price": self.kind in (*_TRIGGERED, "oco")}
        for name, is_needed in needs.items():
            if is_needed and getattr(self, name) is None:
                yield f"An order of the kind {self.kind} needs a {_name(name).lower()}."
        may = {
            "price": self.kind != "market",
            "stop_price": needs["stop_price"],
            "stop_limit_price": self.kind == "oco",
            "time_in_force": self.kind == "limit" and not self.post_only,
            "post_only": self.kind == "limit",
        }
        for name, is_allowed in may.items():
            if getattr(self, name) and not is_allowed:
                yield f"An order of the kind {self.kind} takes no {_name(name).lower()} here."

    def document(self) -> dict[str, Any]:
        """Give what was said, as JSON can hold it."""
        told = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: text_of(value) if isinstance(value, Decimal) else value
            for name, value in told.items()
            if value not in (None, False)
        }


def wish_of(document: Mapping[str, Any]) -> Wish:
    """Make a wish of its document; amounts may be text or Decimal. Raises ConfigError."""
    decimals = {field.name for field in fields(Wish) if "Decimal" in str(field.type)}
    given: dict[str, Any] = {
        name: Decimal(value) if name in decimals and value is not None else value
        for name, value in document.items()
    }
    return Wish(**given)


def _name(field: str) -> str:
    return field.replace("_", " ").capitalize()
