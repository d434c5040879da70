"""The WebSocket API's own methods: logging on, and subscribing to the account's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bt_run.practice.api.gateway import Credentials
from bt_run.practice.refusal import Refusal
from bt_run.practice.signing import Ed25519Key, socket_payload, socket_text
from bt_run.practice.sockets.user_payloads import event_stream_terminated
from bt_run.practice.sockets.user_streams import UserSubscription

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.practice.api.gateway import Gateway
    from bt_run.practice.sockets.connection import Connection
    from bt_run.practice.sockets.user_streams import UserStreams

__all__ = ["ApiSession"]

_WEIGHT = 2
_MOST_ACTIVE = 1000
_MOST_EVER = 65_535


class ApiSession:
    """
    What one connection of the WebSocket API is: who has logged on, and its subscriptions.

    There is one account, so a connection can have one active subscription. Codes: errors.md, methods:
    web-socket-api.md of binance-spot-api-docs (read 2026-07-21); a key that is not Ed25519 cannot log on
    (-4056, as clients have published).
    """

    def __init__(
        self,
        connection: Connection,
        gateway: Gateway,
        users: UserStreams,
        *,
        microseconds: bool = False,
        return_rate_limits: bool = True,
    ) -> None:
        self.connection = connection
        self.api_key: str | None = None
        self.microseconds = microseconds
        self.return_rate_limits = return_rate_limits
        self._gateway = gateway
        self._users = users
        self._connected = gateway.exchange.now
        self._authorized: int | None = None
        self._subscriptions: dict[int, UserSubscription] = {}
        self._next = 0
        self.methods: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
            "session.logon": self._logon,
            "session.status": self._status,
            "session.logout": self._logout,
            "session.subscriptions": self._list,
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
            "userDataStream.start": self._removed,
            "userDataStream.ping": self._removed,
            "userDataStream.stop": self._removed,
        }

    def credentials(self, params: Mapping[str, Any]) -> Credentials:
        """Give how a request is signed: by its own key, or by that of the session."""
        own = params.get("apiKey")
        signature = params.get("signature")
        return Credentials(
            api_key=self.api_key if own is None else socket_text(own),
            payload=socket_payload(params),
            signature=None if signature is None else socket_text(signature),
            logged_on=own is None and self.api_key is not None,
        )

    def call(self, method: str, params: Mapping[str, Any]) -> Any:
        """Do one of `methods`; raises Refusal."""
        self._gateway.admit(self.connection.address, _WEIGHT)
        return self.methods[method](params)

    def check_key(self) -> Refusal | None:
        """Log out, and give what to tell, where the key of the session has been revoked."""
        if self.api_key is None:
            return None
        try:
            self._gateway.keys.find(self.api_key)
        except Refusal as refusal:
            self._end(lambda subscription: subscription.api_key == self.api_key)
            self.api_key = self._authorized = None
            return refusal
        return None

    def terminate(self) -> None:
        """End all subscriptions with a word, as the exchange does when a key is revoked."""
        self._end(lambda _: True)

    def closed(self) -> None:
        """Forget the subscriptions: the connection is gone."""
        for subscription in self._subscriptions.values():
            self._users.remove(subscription)
        self._subscriptions.clear()

    # Methods.

    def _logon(self, params: Mapping[str, Any]) -> Any:
        credentials = self.credentials({**params, "apiKey": params.get("apiKey", "")})
        key = self._gateway.authorize(_texts(params), credentials)
        if not isinstance(key, Ed25519Key):
            raise Refusal(-4056, "HMAC_SHA256 API key is not supported.")
        self.api_key, self._authorized = key.api_key, self._gateway.exchange.now
        return self._status(params)

    def _status(self, params: Mapping[str, Any]) -> Any:
        return {
            "apiKey": self.api_key,
            "authorizedSince": self._authorized,
            "connectedSince": self._connected,
            "returnRateLimits": self.return_rate_limits,
            "serverTime": self._gateway.clock.hand_out(),
            "userDataStream": bool(self._subscriptions),
        }

    def _logout(self, params: Mapping[str, Any]) -> Any:
        self._end(lambda subscription: subscription.by_session)
        self.api_key = self._authorized = None
        return self._status(params)

    def _list(self, params: Mapping[str, Any]) -> Any:
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _subscribe(self, params: Mapping[str, Any]) -> Any:
        if self.api_key is None:
            raise Refusal(-1002, "You are not authorized to execute this request.", status=401)
        return self._add(self.api_key, by_session=True)

    def _subscribe_signed(self, params: Mapping[str, Any]) -> Any:
        credentials = self.credentials({**params, "apiKey": params.get("apiKey", "")})
        key = self._gateway.authorize(_texts(params), credentials)
        return self._add(key.api_key, by_session=False)

    def _unsubscribe(self, params: Mapping[str, Any]) -> Any:
        wanted = params.get("subscriptionId")
        if wanted is not None and not (isinstance(wanted, int) or str(wanted).isdecimal()):
            raise Refusal(
                -1100, "Illegal characters found in parameter 'subscriptionId'; legal range is '^[0-9]{1,5}$'."
            )
        number = None if wanted is None else int(wanted)
        if not self._end(lambda subscription: number in (None, subscription.number)):
            raise Refusal(-2036, "User Data Stream subscription not active.")
        return {}

    def _removed(self, params: Mapping[str, Any]) -> Any:
        raise Refusal(-1020, "This operation is not supported.", status=410)

    # Subscriptions.

    def _add(self, api_key: str, *, by_session: bool) -> Any:
        if self._subscriptions or len(self._subscriptions) >= _MOST_ACTIVE:
            raise Refusal(-2035, "User Data Stream subscription already active.")
        if self._next >= _MOST_EVER:
            raise Refusal(-2042, "Maximum subscription ID reached for this connection.")
        number, self._next = self._next, self._next + 1
        subscription = UserSubscription(
            self.connection, number, api_key, by_session=by_session, microseconds=self.microseconds
        )
        self._subscriptions[number] = subscription
        self._users.add(subscription)
        return {"subscriptionId": number}

    def _end(self, chosen: Callable[[UserSubscription], bool]) -> bool:
        """End subscriptions, each with eventStreamTerminated; tells whether there was any."""
        ended = [subscription for subscription in self._subscriptions.values() if chosen(subscription)]
        for subscription in ended:
            self._users.tell_one(subscription, event_stream_terminated(self._gateway.exchange.now))
            self._users.remove(subscription)
            del self._subscriptions[subscription.number]
        return bool(ended)


def _texts(params: Mapping[str, Any]) -> dict[str, str]:
    return {name: socket_text(value) for name, value in params.items()}
