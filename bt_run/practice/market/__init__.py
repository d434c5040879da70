"""The replayed market: recorded bars or trades as prints, klines, tickers and a book. Pure."""

from __future__ import annotations

from bt_run.practice.market.day import DayTicker
from bt_run.practice.market.replay import Market

__all__ = ["DayTicker", "Market"]
