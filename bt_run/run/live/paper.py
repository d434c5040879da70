"""Trading on paper: the market's own prices, and our own account, which the journal keeps from run to run."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from brokers.amounts import ZERO, exact
from brokers.filters import SymbolFilters
from brokers.gateway import FeeRates
from brokers.live.paper_rules import Quote
from brokers.paper import PaperAccount, PaperGateway, PaperOrder
from brokers.reconciling.views import ExchangeTrade
from bt_run.core.errors import DataError, FrameError
from feeds.binance_rest import BinanceRest
from feeds.stream import MarketStream
from feeds.wire.messages import AggTrade, BookTicker
from feeds.wire.stream_events import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from brokers.gateway import Inbox
    from bt_run.core.venue import Venue
    from bt_run.run.live.books import Past

__all__ = ["PAPER_CASH", "PaperMarket", "paper_account", "paper_filters"]

PAPER_CASH = Decimal(10_000)
"""With so much of the quote asset a paper account begins where nothing is said."""

_FEES = FeeRates(Decimal("0.001"), Decimal("0.001"))


def paper_filters(venue: Venue, symbols: Iterable[str]) -> dict[str, SymbolFilters]:
    """Ask for the rules of the symbols; no key is needed. Raises UnknownSymbol, ExchangeError, DataError."""
    rest = BinanceRest(venue)
    found = {}
    try:
        for symbol in symbols:
            info = rest.fetch_exchange_info(symbol)
            told = next((item for item in info.get("symbols", ()) if item.get("symbol") == symbol), None)
            if told is None:
                raise DataError(f"exchangeInfo of {symbol} does not speak of it.", hint="Update bt-run.")
            found[symbol] = SymbolFilters.of(told, others=info.get("exchangeFilters", ()))
    finally:
        rest.close()
    return found


def paper_account(
    past: Past | None, filters: Mapping[str, SymbolFilters], *, cash: Decimal | None
) -> PaperAccount:
    """Open a paper account, or the one that the journal has."""
    quotes = {rules.quote_asset for rules in filters.values()}
    if past is None:
        return PaperAccount(dict.fromkeys(quotes, cash or PAPER_CASH))
    totals = {past.ledger.quote_asset: past.ledger.cash}
    for holding in past.ledger.holdings.values():
        totals[holding.base_asset] = totals.get(holding.base_asset, ZERO) + holding.quantity
    account = PaperAccount(totals)
    for order in past.orders.values():
        exchange_id = order.exchange_id
        if exchange_id is None:
            continue
        if not order.is_terminal:
            account.orders[order.client_id] = PaperOrder(
                order, exchange_id, order.created_ms, executed=order.executed
            )
        account.trades += [
            ExchangeTrade(
                order.symbol,
                fill.trade_id,
                exchange_id,
                fill.quantity,
                fill.price,
                fill.fee,
                fill.fee_asset,
                fill.time_ms,
                fill.is_maker,
            )
            for fill in order.fills
        ]
    account.trades.sort(key=lambda trade: trade.trade_id)
    account.last_id = max([account.last_id, *(trade.trade_id for trade in account.trades)])
    return account


class PaperMarket:
    """
    The simulated exchange with the prices of a real one; `run` is a coroutine for the background thread.

    Args:
        venue: Whose prices.
        filters: Of each symbol.
        account: The state.
        inbox: Gets what happens outside of an answer.
        clock_ms: The exchange's time.
    """

    def __init__(
        self,
        venue: Venue,
        filters: Mapping[str, SymbolFilters],
        account: PaperAccount,
        inbox: Inbox,
        *,
        clock_ms: Callable[[], int],
    ) -> None:
        self._venue = venue
        self._quotes: dict[str, Quote] = {}
        self._symbols = tuple(filters)
        self.gateway = PaperGateway(
            filters=filters,
            quotes=self._quotes.get,
            fees=_FEES,
            account=account,
            inbox=inbox,
            clock_ms=clock_ms,
        )

    def quote(self, symbol: str) -> Quote | None:
        """Give the prices now; None before the first."""
        return self._quotes.get(symbol)

    async def run(self) -> None:
        """Follow the best prices and the trades until cancelled."""
        names = [f"{symbol.lower()}@{kind}" for symbol in self._symbols for kind in ("bookTicker", "aggTrade")]
        async with MarketStream(self._venue, names) as events:
            async for event in events:
                if isinstance(event, Frame):
                    self._take(event)

    def _take(self, frame: Frame) -> None:
        try:
            messages: Iterable[Any] = frame.messages()
        except FrameError:
            return  # the next one comes in a moment
        for message in messages:
            known = self._quotes.get(getattr(message, "symbol", ""))
            if isinstance(message, BookTicker) and message.bid > 0 and message.ask > 0:
                bid, ask = exact(message.bid), exact(message.ask)
                if known is not None and (known.bid, known.ask) == (bid, ask):
                    continue
                self._quotes[message.symbol] = Quote(bid, ask, known.last if known else bid)
                self.gateway.on_quote(message.symbol, bid, ask)
            elif isinstance(message, AggTrade) and known is not None:
                price = exact(message.price)
                if price != known.last:
                    self._quotes[message.symbol] = Quote(known.bid, known.ask, price)
                    self.gateway.on_trade(message.symbol, price)
