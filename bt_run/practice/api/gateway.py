"""Through which every request passes, whatever carried it: its limits, its signature, then the exchange."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bt_run.practice.api.client_ids import ClientIds
from bt_run.practice.api.parameters import Parameters, empty, missing
from bt_run.practice.door_clock import DEFAULT_WINDOW_MS, DoorClock
from bt_run.practice.events import BalancesChanged, Executed
from bt_run.practice.limits import Limits
from bt_run.practice.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.practice.api.methods import Method
    from bt_run.practice.events import Event
    from bt_run.practice.exchange import Exchange
    from bt_run.practice.signing import Key, Keys

__all__ = ["SIGNING", "Credentials", "Gateway"]

SIGNING = ("timestamp", "signature", "recvWindow", "apiKey")
"""Parameters of signing, which no method reads."""

_MICROSECONDS = 10**14
_WINDOW = r"^[0-9]{1,20}(\.[0-9]{1,3})?$"
_FIRST_FILL = 1
_ENGINE = -2010


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    How a request was signed.

    `payload` is what had to be signed (`bt_run.practice.signing`), `signature` None where none was sent.
    `logged_on` is for connections that have logged on: they need the time only, unless they sign again.
    """

    api_key: str | None
    payload: bytes = b""
    signature: str | None = None
    logged_on: bool = False


class Gateway:
    """
    Answers requests. Called from one thread, never waits.

    Args:
        exchange: What it asks.
        keys: Who may trade.
        limits: How much one may ask.
        clock: Which timestamps are right; it also hands out the time.
        seed: Of the client ids that are made up.
        sync: Brings the exchange's clock up to this moment; called before anything else.
    """

    def __init__(
        self,
        exchange: Exchange,
        keys: Keys,
        *,
        limits: Limits | None = None,
        clock: DoorClock | None = None,
        seed: int = 0,
        sync: Callable[[], None] | None = None,
    ) -> None:
        self.exchange = exchange
        self.keys = keys
        self.limits = limits or Limits()
        self.clock = clock or DoorClock(lambda: exchange.now)
        self.ids = ClientIds(seed, exchange.now)
        self.balances_changed = exchange.now
        self._sync = sync
        exchange.listen(self._note)

    def answer(self, method: Method, sent: Mapping[str, str], *, address: str, credentials: Credentials) -> Any:
        """
        Do what a request asks.

        Args:
            method: From the table (`bt_run.practice.api.method_table`).
            sent: Its parameters as text, those of signing among them.
            address: Whose weight it is.
            credentials: How it was signed; looked at where the method asks for it.

        Returns:
            What is JSON-ready, times in ms.

        Raises:
            Refusal: it is not done.
        """
        self.admit(address, method.weight(sent))
        return self.answer_admitted(method, sent, address=address, credentials=credentials)

    def admit(self, address: str, weight: int) -> None:
        """Count a request that no method of the table answers; raises Refusal -1003."""
        if self._sync is not None:
            self._sync()
        self.limits.admit(address, weight)

    def answer_admitted(
        self, method: Method, sent: Mapping[str, str], *, address: str, credentials: Credentials
    ) -> Any:
        """Do what a request asks whose weight is counted already (as `answer`)."""
        optional = method.optional
        if method.is_signed:
            self.authorize(sent, credentials)
            optional = (*optional, *SIGNING)
        params = Parameters(sent)
        params.check_names(method.mandatory, optional)
        self.limits.count_orders(method.orders)
        try:
            result = method.handler(self, params)
        except Refusal as refusal:
            if refusal.code != _ENGINE:
                self.limits.uncount_orders(method.orders)
            raise
        if method.free:
            self.limits.refund(address, method.weight(sent))
        return result

    def authorize(self, sent: Mapping[str, str], credentials: Credentials) -> Key:
        """Find who signed; raises Refusal -2014, -2015, -1102, -1100, -1131, -1021, -1022."""
        key = self.keys.find(credentials.api_key)
        timestamp = _timestamp(sent)
        if credentials.signature is None and not credentials.logged_on:
            raise missing("signature")
        self.clock.check(timestamp, _window(sent))
        if credentials.signature is not None:
            self.keys.verify(credentials.api_key, credentials.payload, credentials.signature)
        return key

    def _note(self, event: Event) -> None:
        """Remember when balances changed; forget an unfilled order with its first trade."""
        if isinstance(event, BalancesChanged):
            self.balances_changed = event.time
        if isinstance(event, Executed) and event.kind == "TRADE" and len(event.order.fills) == _FIRST_FILL:
            self.limits.uncount_orders(1)


def _timestamp(sent: Mapping[str, str]) -> float:
    params = Parameters(sent)
    if not sent.get("timestamp"):
        raise missing("timestamp")
    found = params.whole("timestamp") or 0
    return found / 1000 if found >= _MICROSECONDS else found


def _window(sent: Mapping[str, str]) -> float:
    text = sent.get("recvWindow")
    if text is None:
        return DEFAULT_WINDOW_MS
    if text == "":
        raise empty("recvWindow")
    if not re.fullmatch(_WINDOW, text):
        raise Refusal(-1100, f"Illegal characters found in parameter 'recvWindow'; legal range is '{_WINDOW}'.")
    return float(text)
