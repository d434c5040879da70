"""Answers in microseconds, for who sends ``X-MBX-TIME-UNIT: MICROSECOND``. Pure."""

from __future__ import annotations

from typing import Any

from bt_run.practice.refusal import Refusal

__all__ = ["in_microseconds", "wants_microseconds"]

_TIMES = frozenset(
    (
        *("serverTime", "transactTime", "transactionTime", "time", "updateTime", "workingTime", "trailingTime"),
        *("openTime", "closeTime", "T"),
    )
)
_ENDS = frozenset(("closeTime",))
_KLINE_COLUMNS = 12
_KLINE_END = 6


def wants_microseconds(unit: str | None) -> bool:
    """Read the header's value, None where it was not sent; raises Refusal -1194."""
    if unit is None or unit.upper() in ("MILLISECOND", "MILLISECONDS"):
        return False
    if unit.upper() not in ("MICROSECOND", "MICROSECONDS"):
        raise Refusal(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
    return True


def in_microseconds(answer: Any) -> Any:
    """Give an answer with its times, ms before, in µs; the last ms of a bar becomes its last µs."""
    if isinstance(answer, dict):
        return {name: _changed(name, value) for name, value in answer.items()}
    if not isinstance(answer, list):
        return answer
    if len(answer) == _KLINE_COLUMNS and isinstance(answer[0], int):
        end = answer[_KLINE_END] * 1000 + 999
        return [answer[0] * 1000, *answer[1:_KLINE_END], end, *answer[_KLINE_END + 1 :]]
    return [in_microseconds(part) for part in answer]


def _changed(name: str, value: Any) -> Any:
    if name in _TIMES and isinstance(value, int) and value >= 0:
        return value * 1000 + (999 if name in _ENDS else 0)
    return in_microseconds(value)
