"""
A bot that polls, as the feed and store of bt-ccxt-store do; benchmarks/live_latency.py measures it.

    python benchmarks/latency_polling.py --interval 1s

What it repeats of them (read 2026-11-21, written anew here): before each request a pause of ccxt's `rateLimit`
(50 ms for Binance); `fetch_ohlcv` from the last candle on, 20 at most, again and again until nothing new comes;
the newest candle dropped, because it is still open; the order by `create_order`. Between them stands TA-Lib's
SAR over the candles. The addresses and the key are those of the testnet's variables.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import ccxt
import numpy as np
import talib

__all__ = ["Polling", "main"]

SYMBOL = "BTC/USDT"
BUYS, SELLS = 0.002, 0.00199  # the fee is taken from what was bought


class Polling:
    """The bot. `rest_url` is an origin."""

    def __init__(self, rest_url: str, key: str, secret: str, interval: str, history: int) -> None:
        options = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False}
        options |= {"fetchMargins": False}
        self.exchange: Any = ccxt.binance({"apiKey": key, "secret": secret, "options": options})
        self.exchange.enableRateLimit = False  # the pause is ours
        self.exchange.session.trust_env = False
        api = self.exchange.urls["api"]
        api.update(dict.fromkeys(("public", "private"), f"{rest_url}/api/v3"))
        self.exchange.load_markets()
        self.exchange.load_time_difference()
        self.interval = interval
        self.history = history
        self.candles: list[list[float]] = []
        self.holds = False

    def run(self) -> None:
        """Trade for ever."""
        while True:
            if self.poll():
                self.decide()

    def poll(self) -> bool:
        """Fetch until nothing new comes; tells whether anything came."""
        news = False
        while True:
            since = int(self.candles[-1][0]) if self.candles else None
            limit = 20 if self.candles else 1000
            self.pause()
            found = sorted(self.exchange.fetch_ohlcv(SYMBOL, self.interval, since=since, limit=limit))[:-1]
            fresh = [candle for candle in found if not self.candles or candle[0] > self.candles[-1][0]]
            if not fresh:
                return news
            self.candles = (self.candles + fresh)[-self.history :]
            news = True

    def decide(self) -> None:
        """Buy above the SAR, sell below it."""
        high, low, close = (np.array([candle[place] for candle in self.candles]) for place in (2, 3, 4))
        is_up = bool(close[-1] > talib.SAR(high, low)[-1])
        if is_up == self.holds:
            return
        self.holds = is_up
        self.pause()
        side, amount = ("buy", BUYS) if is_up else ("sell", SELLS)
        self.exchange.create_order(SYMBOL, "market", side, amount)

    def pause(self) -> None:
        """Do as the store does before each request."""
        time.sleep(self.exchange.rateLimit / 1000)


def main() -> None:
    """Trade until killed."""
    parser = argparse.ArgumentParser(description="A bot that polls.")
    parser.add_argument("--interval", default="1s")
    parser.add_argument("--history", type=int, default=5000)
    given = parser.parse_args()
    key, secret = os.environ["BINANCE_TESTNET_API_KEY"], os.environ["BINANCE_TESTNET_API_SECRET"]
    Polling(os.environ["BT_RUN_REST_URL"], key, secret, given.interval, given.history).run()


if __name__ == "__main__":
    main()
