"""Feeds: market data from files, the exchange and captures, as bars and as Backtrader data."""
