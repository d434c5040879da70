"""Orders that belong together, as the exchange's own lists."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from brokers.amounts import minus, text_of, times
from brokers.live.drafts import Draft, Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from brokers.filters import SymbolFilters
    from brokers.gateway import FeeRates

__all__ = ["arrange_oco", "sellable_of"]

_LIMITS = ("LIMIT", "LIMIT_MAKER")
_STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT")


def arrange_oco(drafts: Sequence[Draft]) -> tuple[Draft, Draft, bool] | Refusal:
    """
    Make an OCO list of two drafts: (above, below, whether they changed places).

    The exchange takes a limit order into a list only as LIMIT_MAKER: it rests, or is refused where it would
    trade at once.
    """
    if len(drafts) != 2:
        return Refusal(f"An OCO list on Binance has two orders, not {len(drafts)}.")
    first, second = drafts
    if first.side != second.side or first.quantity != second.quantity:
        return Refusal("The orders of an OCO list must be of one side and one quantity.")
    limits = [draft for draft in drafts if draft.type in _LIMITS]
    stops = [draft for draft in drafts if draft.type in _STOPS]
    if len(limits) != 1 or len(stops) != 1:
        kinds = " and ".join(draft.type for draft in drafts)
        return Refusal(f"An OCO list on Binance has one limit order and one stop order, not {kinds}.")
    sells = first.side == "SELL"
    limit, stop = replace(limits[0], type="LIMIT_MAKER", time_in_force=None), stops[0]
    above, below = (limit, stop) if sells else (stop, limit)
    high, low = above.stop_price or above.price, below.stop_price or below.price
    trails = stop.stop_price is None
    if not trails and high is not None and low is not None and not high > low:
        told = "limit above its stop" if sells else "stop above its limit"
        return Refusal(
            f"An OCO list that {first.side.lower()}s has its {told}, not {text_of(high)} and {text_of(low)}."
        )
    return above, below, (limits[0] if sells else stops[0]) is second


def sellable_of(quantity: Decimal, filters: SymbolFilters, fees: FeeRates) -> Decimal:
    """
    Say how much of a purchase can be sold again: a fee in base asset is taken from what was bought.

    Where fees are paid in another asset it is all of it.
    """
    if fees.discount_asset and fees.discount_asset != filters.base_asset:
        return filters.round_quantity(quantity, "MARKET")
    fee = times(quantity, max(fees.maker, fees.taker))
    return filters.round_quantity(minus(quantity, fee), "MARKET")
