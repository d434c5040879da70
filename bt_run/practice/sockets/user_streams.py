"""Who listens to the account's events, and how far each has been told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bt_run.practice.events import Executed
from bt_run.practice.fault_points import FrameInfo
from bt_run.practice.sockets.time_unit import microseconds_text
from bt_run.practice.sockets.user_payloads import user_payload

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.practice.events import Event
    from bt_run.practice.exchange import Exchange
    from bt_run.practice.fault_points import Faults
    from bt_run.practice.sockets.connection import Connection

__all__ = ["UserStreams", "UserSubscription"]


@dataclass(slots=True, eq=False)
class UserSubscription:
    """
    One subscription to the account's events.

    `sent` is how many events were given to its connection, `execution_id` the highest execution id among
    them (0: none). `by_session` tells one of a connection that has logged on, which ends with the logout.
    """

    connection: Connection
    number: int
    api_key: str
    by_session: bool
    microseconds: bool = False
    sent: int = 0
    execution_id: int = 0


class UserStreams:
    """
    Tells the account's events to all subscriptions, in the order in which they happen.

    `told` counts the events that happened, `execution_id` is the last execution's. An event is in the queue
    of every subscription before the call that caused it returns, hence before its answer, unless a fault
    delays it.
    """

    def __init__(self, exchange: Exchange, faults: Callable[[], Faults]) -> None:
        self.told = 0
        self.execution_id = 0
        self._exchange = exchange
        self._faults = faults
        self._subscriptions: dict[UserSubscription, None] = {}

    @property
    def subscriptions(self) -> tuple[UserSubscription, ...]:
        """Give all that are active."""
        return tuple(self._subscriptions)

    def add(self, subscription: UserSubscription) -> None:
        """Tell events to a subscription from now on."""
        self._subscriptions[subscription] = None

    def remove(self, subscription: UserSubscription) -> None:
        """Tell no more events to a subscription."""
        self._subscriptions.pop(subscription, None)

    def on_event(self, event: Event) -> None:
        """Take an event of the exchange."""
        payload = user_payload(event)
        if payload is None:
            return
        execution_id = event.execution_id if isinstance(event, Executed) else 0
        self.execution_id = max(self.execution_id, execution_id)
        self.tell(payload, execution_id)

    def tell(self, payload: dict[str, Any], execution_id: int = 0) -> None:
        """Send an event's payload to all subscriptions."""
        self.told += 1
        text = _dump(payload)
        instead = self._faults().outgoing(FrameInfo("user", payload["e"]), text)
        if instead is None:
            self._fan_out(text, execution_id)
            return
        for delay_s, changed in instead:
            if delay_s > 0:
                asyncio.get_running_loop().call_later(delay_s, self._fan_out, changed, execution_id)
            else:
                self._fan_out(changed, execution_id)

    def tell_one(self, subscription: UserSubscription, payload: dict[str, Any]) -> None:
        """Send a payload to one subscription."""
        self._send(subscription, _dump(payload), 0)

    def _fan_out(self, text: str, execution_id: int) -> None:
        silent = self._faults().silent
        for subscription in self.subscriptions:
            if not silent(subscription.connection.path):
                self._send(subscription, text, execution_id)

    @staticmethod
    def _send(subscription: UserSubscription, text: str, execution_id: int) -> None:
        body = microseconds_text(text) if subscription.microseconds else text
        subscription.connection.send(f'{{"subscriptionId":{subscription.number},"event":{body}}}')
        subscription.sent += 1
        subscription.execution_id = max(subscription.execution_id, execution_id)


def _dump(payload: dict[str, Any]) -> str:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False)
