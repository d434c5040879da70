"""Connections that are lost: told when they have been for long, and when they are back. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bt_run.alerts.happening import Happening

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Outages"]


@dataclass(frozen=True, slots=True)
class Outages:
    """
    Since when each connection is down, and which of them were told; times are ms of one clock.

    Args:
        after_ms: How long a connection must be down before it is told.
    """

    after_ms: int
    since: Mapping[str, int] = field(default_factory=dict)
    told: frozenset[str] = frozenset()

    def look(self, up: Mapping[str, bool], now_ms: int, *, scope: str) -> tuple[Outages, tuple[Happening, ...]]:
        """
        Take which connections are up now, and give what is to be told.

        Only what was told to be down is told to be back.
        """
        since, told = dict(self.since), set(self.told)
        news: list[Happening] = []
        for name, is_up in up.items():
            if not is_up:
                began = since.setdefault(name, now_ms)
                if now_ms - began >= self.after_ms and name not in told:
                    told.add(name)
                    news.append(_down(name, began, now_ms, scope))
                continue
            began = since.pop(name, now_ms)
            if name in told:
                told.remove(name)
                news.append(_back(name, began, now_ms, scope))
        return Outages(self.after_ms, since, frozenset(told)), tuple(news)


def _down(name: str, since_ms: int, now_ms: int, scope: str) -> Happening:
    return Happening(
        kind="disconnected",
        key=f"disconnected:{scope}:{name}:{since_ms}",
        time_ms=now_ms,
        symbol=name,
        title=f"{name}: disconnected for {_seconds(now_ms - since_ms)}",
        text="Connecting again goes on by itself. Orders at the exchange stay as they are.",
    )


def _back(name: str, since_ms: int, now_ms: int, scope: str) -> Happening:
    return Happening(
        kind="reconnected",
        key=f"reconnected:{scope}:{name}:{since_ms}",
        time_ms=now_ms,
        symbol=name,
        title=f"{name}: connected again after {_seconds(now_ms - since_ms)}",
    )


def _seconds(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
