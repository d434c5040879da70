"""The daily summary: what a day (UTC) of a run brought. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from brokers.amounts import minus, plus, ratio, times
from bt_run.alerts.happening import Happening
from bt_run.core.clock import iso_utc
from bt_run.run.live.words import amount

__all__ = ["Day"]

DAY_MS = 86_400_000
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Day:
    """
    A day so far: `first` and `last` are the account's value at its first and last bar, quote asset.

    `trades` counts orders that traded, `fees` in quote asset. `number` is days since 1970.
    """

    number: int | None = None
    first: Decimal = Decimal(0)
    last: Decimal = Decimal(0)
    bars: int = 0
    buys: int = 0
    sales: int = 0
    fees: Decimal = Decimal(0)

    def with_bar(self, time_ms: int, value: Decimal, *, scope: str, what: str) -> tuple[Day, Happening | None]:
        """Take the account's value at a bar that closed at `time_ms`; gives the summary of a day that ended."""
        number = (time_ms - 1) // DAY_MS
        if self.number is None or number == self.number:
            first = value if self.number is None else self.first
            return replace(self, number=number, first=first, last=value, bars=self.bars + 1), None
        told = self.told(scope=scope, what=what)
        return Day(number=number, first=self.last, last=value, bars=1), told

    def with_trade(self, *, is_buy: bool) -> Day:
        """Take an order that traded."""
        return replace(self, buys=self.buys + is_buy, sales=self.sales + (not is_buy))

    def with_fee(self, fee: Decimal) -> Day:
        """Take a fee, quote asset."""
        return replace(self, fees=plus(self.fees, fee))

    def lines(self, quote_asset: str = "") -> list[str]:
        """Say what the day brought, in lines."""
        change = minus(self.last, self.first)
        percent = ratio(times(change, _HUNDRED), self.first) if self.first else Decimal(0)
        asset = f" {quote_asset}" if quote_asset else ""
        return [
            f"Equity {self.last:,.2f}{asset} ({change:+,.2f}, {percent:+.2f}%)",
            f"Bought {self.buys}, sold {self.sales}, fees {amount(self.fees)}{asset}",
        ]

    def told(self, *, scope: str, what: str) -> Happening:
        """Give the day's summary."""
        number = self.number or 0
        date = iso_utc(number * DAY_MS)[:10]
        return Happening(
            kind="daily",
            key=f"daily:{scope}:{number}",
            time_ms=(number + 1) * DAY_MS,
            symbol=what,
            title=f"{what}: {date}",
            text="\n".join(self.lines()),
        )
