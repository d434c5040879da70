"""Times in microseconds, for who asks with ``timeUnit=MICROSECOND``. Pure."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["microseconds_text"]

_TIMES = {
    "kline": ("E",), "continuous_kline": ("E",), "trade": ("E", "T"), "aggTrade": ("E", "T"),
    "24hrMiniTicker": ("E",), "24hrTicker": ("E", "O", "C"), "avgPrice": ("E", "T"), "forceOrder": ("E",),
    "depthUpdate": ("E",),
    "executionReport": ("E", "T", "O", "D", "W"), "outboundAccountPosition": ("E", "u"),
    "balanceUpdate": ("E", "T"), "listStatus": ("E", "T"), "eventStreamTerminated": ("E",),
    "serverShutdown": ("E",),
}  # fmt: skip
_INNER = {"kline": ("k", ("t", "T")), "continuous_kline": ("k", ("t", "T")), "forceOrder": ("o", ("T",))}


def _scaled_frame(payload: Any) -> Any:
    if isinstance(payload, list):
        return [_scaled_frame(part) for part in payload]
    if not isinstance(payload, dict):
        return payload
    event = payload.get("e", "")
    changed = payload | _scaled(payload, _TIMES.get(event, ()))
    if event in _INNER:
        name, keys = _INNER[event]
        inner = payload.get(name, {})
        changed[name] = inner | _scaled(inner, keys)
    return changed


def microseconds_text(text: str) -> str:
    """Give a frame with its times, ms before, in microseconds; a close time then ends in 999999."""
    try:
        payload = json.loads(text)
    except ValueError:
        return text  # a fault made it unreadable
    return json.dumps(_scaled_frame(payload), separators=(",", ":"), ensure_ascii=False)


def _scaled(part: dict[str, Any], keys: tuple[str, ...]) -> dict[str, int]:
    return {
        key: part[key] * 1000 + (999 if key in ("T", "C") and "t" in keys else 0)
        for key in keys
        if isinstance(part.get(key), int) and part[key] >= 0
    }
