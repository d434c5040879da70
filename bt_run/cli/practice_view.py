"""What ``bt-run practice`` prints: how to reach it, how it is doing, the balances at the end."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import click
from aiohttp.http_exceptions import HttpProcessingError

from bt_run import __version__
from bt_run.core.clock import iso_utc
from bt_run.practice.identity import NAME
from bt_run.practice.plan import DEFAULT_PORT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from rich.live import Live

    from bt_run.practice.plan import Practice

__all__ = ["PracticeView", "balance_lines", "status_line"]

_RENEW_S = 0.5
_LINE_S = 60.0
_WATCHED = ("bt_run.practice", "aiohttp.server")


class PracticeView:
    """
    Speaks for one practice exchange.

    What a script reads (URLs, key, secret, balances) goes to stdout, each line at once; the log and the state
    to stderr: on a terminal one line that renews itself with the log above it, elsewhere lines with the time
    (UTC), one of them a minute with the state.
    """

    def __init__(self, practice: Practice, *, quiet: bool) -> None:
        self._practice = practice
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._live: Live | None = None

    def greet(self) -> None:
        """Print what it is, how to reach it, and what to try."""
        found = self._practice
        server, pacer = found.server, found.pacer
        _say(f"{NAME} {__version__}: not Binance, no real money")
        for item in found.loaded:
            market = item.market
            note = f", {item.note}" if item.note else ""
            _say(f"{market.symbol} {market.interval}{note}")
            for warning in item.warnings:
                click.echo(warning, err=True)
        state = " (as it was saved)" if found.restored else ""
        speed = "steps on request" if pacer.paused else _speed(pacer.speed) + _wait(found)
        _say(f"clock: {iso_utc(found.exchange.now)}{state}, {speed}")
        if found.restored and found.state is not None:
            _say(f"state: {found.state.path} goes on; --at, --balance and --seed do not count")
        _say(f"url: {server.url}")
        _say(f"streams: {server.ws_url}/ws")
        _say(f"websocket api: {server.ws_url}/ws-api/v3")
        _say(f"control: {server.url}/practice/status")
        _say(f"key: {found.key.api_key}")
        _say(f"secret: {found.key.secret}")
        if found.ed25519 is not None:
            _say(f"ed25519 key: {found.ed25519.api_key}")
        _say(f"export BT_RUN_REST_URL={server.url}")
        _say(f"export BT_RUN_STREAM_URL={server.ws_url}")
        _say(f"export BT_RUN_WS_API_URL={server.ws_url}")
        _say(f"export BT_RUN_PRACTICE_API_KEY={found.key.api_key}")
        _say(f"export BT_RUN_PRACTICE_API_SECRET={found.key.secret}")
        for line in _hints(found):
            _say(line)

    def say_goodbye(self) -> None:
        """Print the balances."""
        trading, symbols = self._practice.exchange.trading, self._practice.exchange.markets
        orders, fills = (sum(len(trading.history(symbol)[part]) for symbol in symbols) for part in (0, 1))
        _say(f"{NAME} ended at {iso_utc(self._practice.exchange.now)}; {orders:,} orders, {fills:,} trades")
        for line in balance_lines(self._practice):
            _say(line)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Show the log while the block runs."""
        if self._quiet:
            yield
            return
        handler = _Lines(self)
        loggers = [logging.getLogger(name) for name in _WATCHED]
        for logger in loggers:
            logger.addHandler(handler)
        loggers[0].setLevel(logging.INFO)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(handler)

    @asynccontextmanager
    async def showing(self) -> AsyncIterator[None]:
        """Show the state while the block runs."""
        if self._quiet:
            yield
            return
        task = asyncio.create_task(self._renew() if self._terminal else self._repeat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    def tell(self, line: str) -> None:
        """Print a line of the log."""
        stamp = datetime.now(tz=UTC)
        if self._live is not None:
            self._live.console.print(f"{stamp:%H:%M:%S} {line}", highlight=False, markup=False)
        else:
            click.echo(f"{stamp:%Y-%m-%dT%H:%M:%SZ} {line}", err=True)

    async def _renew(self) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        with Live(Text(""), console=Console(stderr=True), transient=True, auto_refresh=False) as live:
            self._live = live
            try:
                while True:
                    line = Text(status_line(self._practice), no_wrap=True, overflow="ellipsis")
                    live.update(line, refresh=True)
                    await asyncio.sleep(_RENEW_S)
            finally:
                self._live = None

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(_LINE_S)
            self.tell(f"{NAME}: {status_line(self._practice)}")


class _Lines(logging.Handler):
    """Hands records of the log to a view."""

    def __init__(self, view: PracticeView) -> None:
        super().__init__(logging.INFO)
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record, with our name, whoever wrote it; what was no HTTP in one line."""
        text = self.format(record)
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            text = f"{record.getMessage()}: {type(error).__name__}"
        self._view.tell(text if text.startswith(NAME) else f"{NAME}: {text}")


def status_line(practice: Practice) -> str:
    """Say in one line how the exchange is doing."""
    exchange, pacer = practice.exchange, practice.pacer
    parts = [iso_utc(exchange.now // 1000 * 1000), _motion(practice)]
    parts += [f"{symbol} {market.last_price:,f}" for symbol, market in exchange.markets.items()]
    parts.append(f"{len(exchange.trading.open_orders())} open orders")
    fired = sum(practice.board.counts.values())
    parts += [f"{fired:,} faults"] if fired else []
    parts += [f"held by {', '.join(pacer.holders)}"] if pacer.holders else []
    return " | ".join(parts)


def balance_lines(practice: Practice) -> list[str]:
    """Write the balances that are not 0, one a line."""
    balances = practice.exchange.trading.balances()
    lines = []
    for asset, found in balances.items():
        if found.total:
            locked = f", {found.locked.normalize():f} locked" if found.locked else ""
            lines.append(f"balance: {found.free.normalize():f} {asset}{locked}")
    return lines or ["balance: nothing"]


def _motion(practice: Practice) -> str:
    pacer = practice.pacer
    if pacer.ended.is_set():
        return "end of the data"
    return "paused" if pacer.paused else _speed(pacer.speed)


def _speed(speed: float | str) -> str:
    return f"speed {speed}" if isinstance(speed, str) else f"speed {speed:g}"


def _wait(practice: Practice) -> str:
    """Say how long a bar takes where that is longer than a moment."""
    speed, market = practice.pacer.speed, next(iter(practice.exchange.markets.values()))
    if isinstance(speed, str):
        return ""
    minutes = market.interval.approximate_ms / 60_000 / speed
    if minutes < 1:
        return ""
    took = f"{minutes:.3g} min" if minutes < 90 else f"{minutes / 60:,.0f} h"
    return f", a {market.interval} bar in {took}"


def _hints(practice: Practice) -> list[str]:
    symbol, market = next(iter(practice.exchange.markets.items()))
    is_found = practice.server.port == DEFAULT_PORT
    wanted = f"--venue practice -s {symbol}" if is_found else f"-s {symbol}"
    return [
        "Try, in another terminal, with these exports set:",
        f"  bt-run live --strategy sar --venue practice --symbol {symbol}",
        f"  bt-run data download {wanted} -i {market.interval} --source rest --out practice.csv",
        f"  bt-run data capture {wanted} --stream kline_{market.interval} --stream trade --duration 10s",
    ]


def _say(line: str, file: TextIO | None = None) -> None:
    """Print a line at once, also into a pipe."""
    click.echo(line, file=file)
    (file or sys.stdout).flush()
