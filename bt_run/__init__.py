"""Backtest, sweep and trade one TA-Lib strategy class with Backtrader and Binance."""

__version__ = "0.1.0"

__all__ = ["__version__"]
