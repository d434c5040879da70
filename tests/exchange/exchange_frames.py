"""Messages as Binance's market streams send them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exchange_market import close_time

if TYPE_CHECKING:
    from bt_run.core.interval import Interval
    from bt_run.core.market import Bars


def kline_event(
    symbol: str, interval: Interval, bars: Bars, number: int, *, closed: bool = True
) -> dict[str, Any]:
    """Write the state of a bar; one that is open shows half of its volume."""
    share = 1.0 if closed else 0.5
    opened = int(bars.open_time[number])
    ended = close_time(interval, opened)

    def text(name: str, factor: float = 1.0) -> str:
        return f"{float(getattr(bars, name)[number]) * factor:.8f}"

    bar = {
        "t": opened, "T": ended, "s": symbol, "i": str(interval), "f": 100 * number, "L": 100 * number + 99,
        "o": text("open"), "c": text("close"), "h": text("high"), "l": text("low"), "v": text("volume", share),
        "n": int(bars.trades[number]), "x": closed, "q": text("quote_volume", share),
        "V": text("taker_buy_volume", share), "Q": text("taker_buy_quote_volume", share), "B": "0",
    }  # fmt: skip
    return {"e": "kline", "E": ended + 7 if closed else opened + 2000, "s": symbol, "k": bar}


def agg_trade_event(symbol: str, row: dict[str, Any]) -> dict[str, Any]:
    """Write an aggregate trade from its row of GET aggTrades."""
    return {"e": "aggTrade", "E": row["T"] + 3, "s": symbol, **row}


def trade_event(symbol: str, number: int, price: float, time_ms: int) -> dict[str, Any]:
    """Write a trade of one unit."""
    return {
        "e": "trade", "E": time_ms + 3, "s": symbol, "t": number, "p": f"{price:.8f}", "q": "1.00000000",
        "T": time_ms, "m": number % 2 == 0, "M": True,
    }  # fmt: skip


def liquidation_event(symbol: str, time_ms: int, *, side: str = "SELL") -> dict[str, Any]:
    """Write a liquidation."""
    order = {
        "s": symbol, "S": side, "o": "LIMIT", "f": "IOC", "q": "0.014", "p": "9910", "ap": "9910",
        "X": "FILLED", "l": "0.014", "z": "0.014", "T": time_ms,
    }  # fmt: skip
    return {"e": "forceOrder", "E": time_ms, "o": order}


def agg_trade_rows(first: int, count: int, time_ms: int, *, step_ms: int = 100) -> list[dict[str, Any]]:
    """Draw aggregate trades on sale, as GET aggTrades writes them; each one trade."""
    return [
        {
            "a": number, "p": f"{100 + number % 17 / 4:.8f}", "q": "0.25000000", "f": number, "l": number,
            "T": time_ms + step_ms * (number - first), "m": number % 3 == 0, "M": True,
        }
        for number in range(first, first + count)
    ]  # fmt: skip
