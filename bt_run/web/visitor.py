"""One browser on the stream: what it looks at, which indicators it wants, what is sent to it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import BtRunError, ConfigError
from bt_run.run.desk.indicators import IndicatorSpec, compute_indicator
from bt_run.run.desk.series import SeriesKey
from bt_run.web.json_values import json_values
from bt_run.web.outgoing import Outgoing
from bt_run.web.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bt_run.core.market import Bars
    from bt_run.run.by_hand.desk import AccountNews
    from bt_run.run.desk.market import Change, MarketDesk

__all__ = ["Visitor"]

_MOST_LOOKS = 8
_MOST_INDICATORS = 40
_TAIL = 2
_CALM_S = 0.25


@dataclass(slots=True)
class _Look:
    """One chart of the page: `number` is the page's own, by which it knows answers to old questions."""

    number: int
    key: SeriesKey
    indicators: dict[str, IndicatorSpec] = field(default_factory=dict)
    edition: int = -1
    due: asyncio.TimerHandle | None = None


class Visitor:
    """
    Used in the event loop only.

    Messages from the page are objects with ``do``: ``look``, ``leave``, ``older``, ``indicator`` or ``drop``,
    and ``watch``, which is of no chart (see `Ticker`). Those to it have ``type``: ``snapshot``, ``closed``,
    ``forming``, ``phase``, ``indicator``, ``tail``, ``error``; each names its look, so a page that switched
    throws away what came late. ``missed`` and ``account`` are of the page as a whole.

    Args:
        market: Where bars come from.
    """

    def __init__(self, market: MarketDesk) -> None:
        self.outgoing = Outgoing()
        self._market = market
        self._ticker = Ticker(market.tape, self.outgoing)
        self._looks: dict[int, _Look] = {}

    # What the page says.

    async def take(self, message: Mapping[str, Any]) -> None:
        """Do what the page asks; what it cannot have is told as an error."""
        number = message.get("id")
        try:
            if message.get("do") == "watch":
                self._ticker.want(message)
                return
            if not isinstance(number, int) or isinstance(number, bool):
                raise ConfigError("A message needs the number of its chart as id.")
            if message.get("do") == "look":
                await self._begin(number, message)
            else:
                await self._go_on(number, message)
        except BtRunError as error:
            self.outgoing.put({"type": "error", "id": number, "problem": str(error)})

    async def _begin(self, number: int, message: Mapping[str, Any]) -> None:
        key = SeriesKey(str(message.get("symbol", "")).upper(), str(message.get("interval", "")))
        if not key.symbol.isalnum() or len(key.symbol) > 30:
            raise ConfigError(f"{key.symbol[:30]!r} is not a symbol, such as BTCUSDT.")
        await self._end(number)
        if len(self._looks) >= _MOST_LOOKS:
            raise ConfigError(f"A page shows {_MOST_LOOKS} charts at most.")
        look = self._looks[number] = _Look(number, key)
        watched = await asyncio.to_thread(self._market.look, key)
        if watched.series.is_ready:
            self._send_all(look)
        elif watched.error:
            raise ConfigError(watched.error)

    async def _go_on(self, number: int, message: Mapping[str, Any]) -> None:
        look = self._looks.get(number)
        if look is None:
            raise ConfigError(f"There is no chart {number}.")
        what = message.get("do")
        if what == "leave":
            await self._end(number)
        elif what == "older":
            await asyncio.to_thread(self._market.load_older, look.key)
            self._send_all(look)
        elif what == "indicator":
            self._want(look, message)
        elif what == "drop":
            look.indicators.pop(str(message.get("key")), None)
        else:
            raise ConfigError(f"{what!r} is nothing that a page can ask for.")

    def _want(self, look: _Look, message: Mapping[str, Any]) -> None:
        if len(look.indicators) >= _MOST_INDICATORS:
            raise ConfigError(f"A chart has {_MOST_INDICATORS} indicators at most.")
        name, given = str(message.get("key", "")), message.get("parameters") or {}
        if not isinstance(given, dict) or not all(isinstance(value, int | float) for value in given.values()):
            raise ConfigError("The parameters of an indicator are numbers by name.")
        spec = IndicatorSpec(
            str(message.get("name", "")).upper(),
            tuple((str(key), float(value)) for key, value in given.items()),
            str(message.get("column") or "close"),
        )
        self._send_indicator(look, name, spec, self._bars(look))
        look.indicators[name] = spec

    async def _end(self, number: int) -> None:
        look = self._looks.pop(number, None)
        if look is None:
            return
        if look.due is not None:
            look.due.cancel()
        await asyncio.to_thread(self._market.leave, look.key)

    async def leave(self) -> None:
        """Look at nothing any more."""
        await self._ticker.leave()
        for number in list(self._looks):
            await self._end(number)

    # What the market says.

    def hear(self, change: Change) -> None:
        """Take a change of any series; what this page does not look at is passed over."""
        for look in self._looks.values():
            if look.key == change.key:
                self._tell(look, change)

    def hear_account(self, news: AccountNews) -> None:
        """Take how the account stands; only the latest counts."""
        self.outgoing.put({"type": "account", **asdict(news)}, slot="account")

    def _tell(self, look: _Look, change: Change) -> None:
        if change.error:
            self.outgoing.put({"type": "error", "id": look.number, "problem": change.error})
        elif change.again:
            self._send_all(look)
        elif change.phase is not None:
            self.outgoing.put({"type": "phase", "id": look.number, "phase": change.phase.value})
        elif change.closed:
            bars = [list(row[:6]) for row in change.closed]
            self.outgoing.put({"type": "closed", "id": look.number, "bars": bars})
            self._send_tails(look)
        elif change.forming is not None:
            message = {"type": "forming", "id": look.number, "bar": list(change.forming[:6])}
            self.outgoing.put(message, slot=f"forming {look.number}")
            self._soon(look)

    def _soon(self, look: _Look) -> None:
        """Compute the indicators of the open bar, at most four times a second."""
        if look.indicators and look.due is None:
            look.due = asyncio.get_running_loop().call_later(_CALM_S, self._send_tails, look)

    # What is sent.

    def _bars(self, look: _Look) -> Bars:
        watched = self._market.find(look.key)
        if watched is None:
            raise ConfigError(f"Nobody looks at {look.key} any more.")
        with watched.lock:
            return watched.series.bars()

    def _send_all(self, look: _Look) -> None:
        watched = self._market.find(look.key)
        if watched is None:
            return
        with watched.lock:
            series = watched.series
            bars, closed, phase, look.edition = series.bars(), len(series), series.phase, series.edition
        columns = [getattr(bars, name)[:closed].tolist() for name in _SENT]
        message: dict[str, Any] = {
            "type": "snapshot",
            "id": look.number,
            "symbol": look.key.symbol,
            "interval": look.key.interval,
            "phase": phase.value,
            "columns": columns,
            "forming": [getattr(bars, name)[-1].item() for name in _SENT] if len(bars) > closed else None,
        }
        self.outgoing.put(message, slot=f"snapshot {look.number}")
        for name, spec in look.indicators.items():
            self._send_indicator(look, name, spec, bars)

    def _send_indicator(self, look: _Look, name: str, spec: IndicatorSpec, bars: Bars) -> None:
        curves = compute_indicator(spec, bars)
        message = {
            "type": "indicator",
            "id": look.number,
            "key": name,
            "first": 0,
            "times": bars.open_time.tolist(),
            "curves": {output: json_values(curve) for output, curve in curves.items()},
        }
        self.outgoing.put(message, slot=f"indicator {look.number} {name}")

    def _send_tails(self, look: _Look) -> None:
        """Send the last values of each indicator: of the bar that closed, and of the open one."""
        look.due = None
        if not look.indicators or look.number not in self._looks:
            return
        bars = self._bars(look)
        for name, spec in look.indicators.items():
            curves = compute_indicator(spec, bars)
            message = {
                "type": "tail",
                "id": look.number,
                "key": name,
                "times": bars.open_time[-_TAIL:].tolist(),
                "curves": {output: json_values(curve[-_TAIL:]) for output, curve in curves.items()},
            }
            self.outgoing.put(message)


_SENT = ("open_time", "open", "high", "low", "close", "volume")
