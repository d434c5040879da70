"""What a method is: one row of the table that REST and the WebSocket API share."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.api.parameters import Parameters

__all__ = ["Method", "Security", "by_limit", "flat"]

Security = Literal["NONE", "TRADE", "USER_DATA"]

_WHOLE = re.compile(r"[0-9]{1,20}")


def flat(weight: int) -> Callable[[Mapping[str, str]], int]:
    """Weigh every request the same."""
    return lambda sent: weight


def by_limit(*steps: tuple[int, int]) -> Callable[[Mapping[str, str]], int]:
    """Weigh by `limit`: ``(most, weight)``, the smallest first; the last weight is for all above."""

    def weigh(sent: Mapping[str, str]) -> int:
        text = sent.get("limit", "")
        limit = int(text) if _WHOLE.fullmatch(text) else 0
        return next((weight for most, weight in steps if limit <= most), steps[-1][1])

    return weigh


@dataclass(frozen=True, slots=True)
class Method:
    """
    One thing that clients can ask for.

    Args:
        name: The WebSocket API's name; "" where it has none (then REST only).
        verb: Of REST.
        path: Of REST.
        handler: Answers with what is JSON-ready, or raises Refusal.
        mandatory: Parameters that must be there, besides those of signing.
        optional: Parameters that may be there.
        security: TRADE and USER_DATA must be signed.
        weight: Of a request with these parameters.
        free: Whether it weighs nothing when it succeeds (since 2026-04-02).
        orders: How many new orders it counts as; 0 also where the handler counts by itself.
    """

    name: str
    verb: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    handler: Callable[[Gateway, Parameters], Any]
    mandatory: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    security: Security = "NONE"
    weight: Callable[[Mapping[str, str]], int] = flat(1)
    free: bool = False
    orders: int = 0

    @property
    def is_signed(self) -> bool:
        """Tell whether it needs a key, a time and a signature."""
        return self.security != "NONE"
