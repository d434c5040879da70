"""Indicator rules that a person writes, such as ``rsi(14) < 30 on 5m``: read, and evaluated over bars."""
