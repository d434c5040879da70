"""The feed that ships with Backtrader, told where the columns of a Binance kline are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

__all__ = ["generic_csv", "moment"]


def moment(text: str) -> datetime:
    """Read a time in ms since 1970; at the top of a module, because optstrategy pickles it."""
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def generic_csv(bt: Any, path: str) -> Any:
    """
    Make the feed of `bt`, which is Backtrader or one of its heirs.

    Its own formats know no milliseconds, so the time is read by a function; a strptime format is slower.
    """
    return bt.feeds.GenericCSVData(
        dataname=path,
        dtformat=moment,
        openinterest=-1,
        timeframe=bt.TimeFrame.Minutes,
    )
