"""
How much a client may ask: request weights and raw requests by address, orders by account, in real time.

Windows begin at whole minutes, as Binance's do. Who goes on after HTTP 429 is banned (418), each time for
longer. Numbers: exchangeInfo of 2026-08; the docs do not say how many requests are forgiven before a ban.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LimitRules", "Limits"]

_MINUTE = 60
_FIVE_MINUTES = 300
_TEN_SECONDS = 10
_DAY = 86_400
_SHORTEST_BAN_S = 120
_LONGEST_BAN_S = 3 * _DAY


@dataclass(frozen=True, slots=True)
class LimitRules:
    """
    The limits. With `enabled` False everything is counted and nothing refused.

    `forgiven` is how many more requests of an address are answered 429 before it is banned.
    """

    weight_1m: int = 6000
    raw_5m: int = 300_000
    orders_10s: int = 100
    orders_1d: int = 200_000
    forgiven: int = 10
    enabled: bool = True

    def payload(self) -> list[dict[str, Any]]:
        """Give `rateLimits` of exchangeInfo."""
        return [
            _payload("REQUEST_WEIGHT", "MINUTE", 1, self.weight_1m),
            *self.orders_payload(),
            _payload("RAW_REQUESTS", "MINUTE", 5, self.raw_5m),
        ]

    def orders_payload(self) -> list[dict[str, Any]]:
        """Give the limits of orders alone."""
        return [
            _payload("ORDERS", "SECOND", 10, self.orders_10s),
            _payload("ORDERS", "DAY", 1, self.orders_1d),
        ]


@dataclass(slots=True)
class _Window:
    """A count that starts again with each new window of `length` seconds."""

    length: int
    count: int = 0
    place: int = -1

    def at(self, now: float) -> _Window:
        place = int(now // self.length)
        if place != self.place:
            self.place, self.count = place, 0
        return self

    def add(self, number: int) -> None:
        self.count = max(0, self.count + number)

    def left(self, now: float) -> int:
        """Give the whole seconds until it starts again, 1 or more."""
        return max(1, math.ceil(self.length - now % self.length))


@dataclass(slots=True)
class _Address:
    weight: _Window = field(default_factory=lambda: _Window(_MINUTE))
    raw: _Window = field(default_factory=lambda: _Window(_FIVE_MINUTES))
    ignored: int = 0
    bans: int = 0
    banned_until: float = 0.0


class Limits:
    """
    Counts, and refuses what is too much.

    Args:
        rules: The limits.
        now: Real time in s since 1970 UTC.
    """

    def __init__(self, rules: LimitRules | None = None, *, now: Callable[[], float] = time.time) -> None:
        self.rules = rules or LimitRules()
        self._now = now
        self._addresses: dict[str, _Address] = {}
        self._orders = (_Window(_TEN_SECONDS), _Window(_DAY))

    def admit(self, address: str, weight: int) -> None:
        """
        Count a request of this weight.

        Raises:
            Refusal: -1003 with HTTP 429 over a limit, 418 while the address is banned; `retry_after` says how
                long.
        """
        now = self._now()
        client = self._address(address)
        client.raw.at(now).add(1)
        client.weight.at(now).add(weight)
        if not self.rules.enabled:
            return
        if now < client.banned_until:
            raise self._banned(client, now)
        over = self._over(client)
        if over is None:
            client.ignored = 0
            return
        window, words = over
        client.ignored += 1
        if client.ignored > self.rules.forgiven:
            length = min(_SHORTEST_BAN_S * 2**client.bans, _LONGEST_BAN_S)
            client.bans += 1
            client.ignored = 0
            client.banned_until = now + length
            raise self._banned(client, now)
        raise Refusal(-1003, words, status=429, retry_after=window.left(now))

    def refund(self, address: str, weight: int) -> None:
        """Take a weight back: orders that succeed weigh nothing since 2026-04-02."""
        self._address(address).weight.at(self._now()).add(-weight)

    def used_weight(self, address: str) -> int:
        """Give the weight that an address used in this minute."""
        return self._address(address).weight.at(self._now()).count

    def used_raw(self, address: str) -> int:
        """Give how many requests an address made in these five minutes."""
        return self._address(address).raw.at(self._now()).count

    def count_orders(self, number: int) -> None:
        """
        Count new orders.

        Raises:
            Refusal: -1015 with HTTP 429; nothing is then counted.
        """
        now = self._now()
        most = (self.rules.orders_10s, self.rules.orders_1d)
        names = ("10 SECOND", "1 DAY")
        if self.rules.enabled and number > 0:
            for window, limit, name in zip(self._orders, most, names, strict=True):
                if window.at(now).count + number > limit:
                    words = f"Too many new orders; current limit is {limit} orders per {name}."
                    raise Refusal(-1015, words, status=429, retry_after=window.left(now))
        self.uncount_orders(-number)

    def uncount_orders(self, number: int) -> None:
        """Take back orders that were filled for the first time, or refused before they were placed."""
        for window in self._orders:
            window.at(self._now()).add(-number)

    def order_counts(self) -> tuple[int, int]:
        """Give the unfilled orders of these 10 seconds and of this day."""
        ten_seconds, day = (window.at(self._now()).count for window in self._orders)
        return ten_seconds, day

    def orders_payload(self) -> list[dict[str, Any]]:
        """Give the limits of orders with their counts, as GET rateLimit/order tells them."""
        return [
            item | {"count": count}
            for item, count in zip(self.rules.orders_payload(), self.order_counts(), strict=True)
        ]

    def weight_payload(self, address: str) -> dict[str, Any]:
        """Give the limit of weights with its count, as answers of the WebSocket API tell it."""
        return self.rules.payload()[0] | {"count": self.used_weight(address)}

    def headers(self, address: str) -> dict[str, str]:
        """Give the headers that every answer carries."""
        used = str(self.used_weight(address))
        return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}

    def order_headers(self) -> dict[str, str]:
        """Give the headers of answers to new orders."""
        ten_seconds, day = self.order_counts()
        return {"X-MBX-ORDER-COUNT-10S": str(ten_seconds), "X-MBX-ORDER-COUNT-1D": str(day)}

    def _address(self, address: str) -> _Address:
        return self._addresses.setdefault(address, _Address())

    def _over(self, client: _Address) -> tuple[_Window, str] | None:
        advice = "Please use WebSocket Streams for live updates to avoid polling the API."
        if client.weight.count > self.rules.weight_1m:
            limit = f"current limit is {self.rules.weight_1m} request weight per 1 MINUTE"
            return client.weight, f"Too much request weight used; {limit}. {advice}"
        if client.raw.count > self.rules.raw_5m:
            limit = f"current limit is {self.rules.raw_5m} requests per 5 MINUTE"
            return client.raw, f"Too many requests; {limit}. {advice}"
        return None

    def _banned(self, client: _Address, now: float) -> Refusal:
        until = int(client.banned_until * 1000)
        return Refusal(
            -1003,
            f"Way too much request weight used; IP banned until {until}. "
            "Please use WebSocket Streams for live updates to avoid bans.",
            status=418,
            retry_after=max(1, math.ceil(client.banned_until - now)),
        )


def _payload(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
