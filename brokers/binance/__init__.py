"""Binance's client for orders and the account: REST, the account's stream, and an independent check."""
