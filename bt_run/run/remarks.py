"""What strategies say of their bars: at first, and again when it is something else."""

from __future__ import annotations

import re

__all__ = ["Remarks"]

_MOST = 3
_NUMBERS = re.compile(r"[\d,]+")


class Remarks:
    """Keeps what was said, by symbol; a remark that only counts otherwise is the same one."""

    def __init__(self) -> None:
        self._said: dict[str, set[str]] = {}

    def news(self, symbol: str, remark: str | None) -> str | None:
        """Give a remark that is to be said, with its symbol; None where it was said or there is none."""
        said = self._said.setdefault(symbol, set())
        words = _NUMBERS.sub("#", remark or "")
        if remark is None or words in said or len(said) >= _MOST:
            return None
        said.add(words)
        return f"{symbol}: {remark}"

    def is_open(self, symbol: str) -> bool:
        """Tell whether another remark would still be said."""
        return len(self._said.get(symbol, ())) < _MOST
