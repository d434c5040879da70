"""What market streams besides klines send, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.practice.market import market_payloads as write
from bt_run.practice.market.futures_payloads import (
    coin_force_order_frame,
    force_order_frame,
    futures_agg_trade_frame,
)
from bt_run.practice.market.liquidations import LiquidationMaker
from bt_run.practice.sockets.book_changes import BookChanges

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.practice.events import Print
    from bt_run.practice.exchange import Exchange
    from bt_run.practice.market import Market
    from bt_run.practice.sockets.hub import Hub
    from bt_run.practice.sockets.stream_name import Kind, StreamName

__all__ = ["MarketStreams"]

_BEATS: tuple[Kind, ...] = ("miniTicker", "ticker", "avgPrice", "depth")


class MarketStreams:
    """
    Sends trades and best prices as they happen, tickers and depth on their beat.

    Tickers and depth go out where something changed since the last time, every `every_ms` of the exchange's
    time but at most `updates_per_s` times a second of real time; so nothing goes out in a gap of the data.
    """

    def __init__(
        self, exchange: Exchange, hub: Hub, *, updates_per_s: float, clock: Callable[[], float]
    ) -> None:
        self._exchange = exchange
        self._hub = hub
        self._pause_s = 1.0 / updates_per_s
        self._clock = clock
        self._liquidations = {symbol: LiquidationMaker() for symbol in exchange.markets}
        self._last: dict[StreamName, tuple[int, float, tuple[int, ...]]] = {}
        self._changes = BookChanges()
        hub.watch(self._open, self._forget)

    def on_print(self, print_: Print) -> None:
        """Send what one trade changes."""
        hub, now, symbol = self._hub, self._exchange.now, print_.symbol
        for stream in hub.streams("spot", "trade", symbol):
            hub.publish(stream, write.trade_frame(print_, now))
        for stream in hub.streams("spot", "aggTrade", symbol):
            hub.publish(stream, write.agg_trade_frame(print_, now))
        for stream in hub.streams("futures", "aggTrade", symbol):
            hub.publish(stream, futures_agg_trade_frame(print_, now))
        liquidation = self._liquidations[symbol].note(print_)
        if liquidation is not None:
            for stream in hub.streams("futures", "forceOrder", symbol):
                hub.publish(stream, force_order_frame(liquidation, now))
            for stream in hub.streams("futures", "forceOrder", ""):
                hub.publish(stream, force_order_frame(liquidation, now, all_market=True))
                base = self._exchange.markets[symbol].rules.base
                hub.publish(stream, coin_force_order_frame(liquidation, now, base))
        self.on_book(symbol)

    def on_book(self, symbol: str) -> None:
        """Send the best prices."""
        for stream in self._hub.streams("spot", "bookTicker", symbol):
            market = self._exchange.markets[symbol]
            self._hub.publish(stream, write.book_ticker_frame(market, self._exchange.now))
        changing = self._hub.streams("spot", "depthUpdate", symbol)
        if changing:
            self._changes.note(changing, self._exchange.markets[symbol], self._exchange.now)

    def tick(self) -> None:
        """Send what is due on its beat; called several times a second."""
        for symbol, market in self._exchange.markets.items():
            for kind in _BEATS:
                for stream in self._hub.streams("spot", kind, symbol):
                    if self._is_due(stream, (market.update_id,)):
                        self._hub.publish(stream, _beat(stream, market, self._exchange.now))
            for stream in self._hub.streams("spot", "depthUpdate", symbol):
                if self._is_due(stream, (market.update_id,)):
                    frame = self._changes.take(stream, market, self._exchange.now)
                    if frame is not None:
                        self._hub.publish(stream, frame)
        for stream in self._hub.streams("spot", "miniTicker", ""):
            self._tell_all(stream)

    def _tell_all(self, stream: StreamName) -> None:
        markets = list(self._exchange.markets.values())
        _, _, before = self._last.get(stream, (0, 0.0, ()))
        now_at = tuple(market.update_id for market in markets)
        if self._is_due(stream, now_at):
            changed = [
                market for place, market in enumerate(markets) if before[place : place + 1] != (now_at[place],)
            ]
            self._hub.publish(
                stream, [write.mini_ticker_frame(market, self._exchange.now) for market in changed]
            )

    def _is_due(self, stream: StreamName, update_ids: tuple[int, ...]) -> bool:
        now, real = self._exchange.now, self._clock()
        last = self._last.get(stream)
        if last is not None:
            updated, sent_at, before = last
            if before == update_ids or now - updated < stream.every_ms or real - sent_at < self._pause_s:
                return False
        self._last[stream] = (now, real, update_ids)
        return True

    def _open(self, stream: StreamName) -> None:
        self._last.pop(stream, None)
        market = self._exchange.markets.get(stream.symbol)
        if stream.kind == "depthUpdate" and market is not None:
            self._changes.open(stream, market, self._exchange.now)

    def _forget(self, stream: StreamName) -> None:
        self._last.pop(stream, None)
        self._changes.forget(stream)


def _beat(stream: StreamName, market: Market, now: int) -> dict[str, Any]:
    if stream.kind == "miniTicker":
        return write.mini_ticker_frame(market, now)
    if stream.kind == "ticker":
        return write.ticker_frame(market, now)
    if stream.kind == "avgPrice":
        return write.average_price_frame(market, now)
    return write.depth_frame(market, stream.levels, now)
