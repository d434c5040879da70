"""
One thread's connection to Binance's REST interface, on python-binance's client.

The library signs and speaks HTTP. Ours adds what it leaves out (binance 1.0.37): the addresses of any venue,
the exchange's clock, pauses and weight, what a failure means, and that no request is ever repeated behind our
back: redirects are not followed, and only questions are asked again.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Literal

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from brokers.binance.errors import FIREWALL_PAUSE_S, Failure, RequestFailed, Verdict, judge, to_error
from brokers.binance.library import make_client
from bt_run.core.binance_errors import ban_end, connection_error, read_body, retry_after_s
from bt_run.core.cut import Cutter
from bt_run.core.errors import ExchangeError
from bt_run.core.retry import retrying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from brokers.binance.credentials import Credentials
    from brokers.binance.limits import RequestLimits
    from brokers.binance.server_clock import ServerClock
    from bt_run.core.venue import Venue

__all__ = ["RestClient", "Verb"]

Verb = Literal["get", "post", "delete"]

_ATTEMPTS = 3
_SLICE_S = 0.5
_USED_WEIGHT = "X-MBX-USED-WEIGHT-1M"


class RestClient:
    """
    Requests of one thread. Nothing is asked before the first request.

    Args:
        venue: Where.
        credentials: Who.
        limits: Shared by all clients of this address.
        clock: Shared by all who sign.
        patience_s: The longest pause that a question waits out; a longer one raises.
        sleep: Waits some seconds.
    """

    def __init__(
        self,
        venue: Venue,
        credentials: Credentials,
        *,
        limits: RequestLimits,
        clock: ServerClock,
        patience_s: float = 65.0,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.venue = venue
        self.limits = limits
        self.clock = clock
        self.last_used_at = float("-inf")
        self._patience_s = patience_s
        self._closed = threading.Event()
        self._sleep = sleep or self._pause
        self._cutter = Cutter()
        self._library = make_client(venue, credentials, clock)
        self._cutter.watch(self._library.session)

    def interrupt(self) -> None:
        """End the request that is under way, from any thread; its fate is then unknown."""
        self._cutter.interrupt()

    def close(self) -> None:
        """End what is under way at once, from any thread; nothing can be asked any more."""
        self._closed.set()
        self._cutter.cut()

    def prepare(self, verb: Verb, path: str) -> None:
        """Compose what all requests of this kind, signed and with a form, have in common; asks nobody."""
        self._library.session.prepare_form(verb, self.venue.rest_url + path)

    def synchronize(self) -> None:
        """Measure the exchange's clock anew. Raises ExchangeError."""
        what = f"The time at {self.venue.rest_url}"
        try:
            self.clock.measure(lambda: int(self.send("get", "/api/v3/time", {}, signed=False)["serverTime"]))
        except RequestFailed as failed:
            raise to_error(failed.failure, what, now_ms=self.clock.now_ms()) from None
        except (KeyError, TypeError, ValueError):
            raise to_error(Failure("garbled", "the answer holds no time"), what, now_ms=0) from None

    def ask(
        self,
        path: str,
        params: Mapping[str, Any],
        *,
        weight: int,
        what: str,
        signed: bool = True,
        urgent: bool = False,
    ) -> Any:
        """
        Ask a question, some times if need be, and give the answer's JSON.

        Args:
            path: Such as ``/api/v3/account``.
            params: Its parameters.
            weight: What it weighs; it waits where there is no room for it.
            what: Begins the message of an error.
            signed: Whether it needs the key.
            urgent: Whether it may use the weight that is kept free.

        Raises:
            RequestFailed: verdict MISSING; for who asks for an order.
            ExchangeError: any other failure, after some attempts where those can help.
        """
        for attempt in retrying(self._sleep, attempts=_ATTEMPTS):
            with attempt:
                try:
                    return self._ask_once(path, params, weight=weight, signed=signed, urgent=urgent, what=what)
                except RequestFailed as failed:
                    if judge(failed.failure) is Verdict.MISSING:
                        raise
                    # Without the cause: it holds the address, and with it the signature.
                    raise to_error(failed.failure, what, now_ms=self.clock.now_ms()) from None
        raise AssertionError("the last attempt returns or raises")

    def send(self, verb: Verb, path: str, params: Mapping[str, Any], *, signed: bool = True) -> Any:
        """
        Send a request once and give the answer's JSON; pauses are noted, but not waited for.

        Raises:
            RequestFailed: anything but an answer 2xx in JSON.
        """
        if self._closed.is_set():
            raise RequestFailed(Failure("unsent", "the connection was closed by us"))
        self.last_used_at = time.monotonic()
        try:
            response = self._library._request(verb, self.venue.rest_url + path, signed, data=dict(params))
        except (OSError, HTTPError) as error:
            raise RequestFailed(self._no_answer(error)) from None
        used = response.headers.get(_USED_WEIGHT, "")
        if used.isdigit():
            self.limits.note_used(int(used))
        answer = _read(response, now_ms=self.clock.now_ms())
        if isinstance(answer, Failure):
            self._note(answer)
            raise RequestFailed(answer)
        return answer

    def send_timely(self, verb: Verb, path: str, params: Mapping[str, Any]) -> Any:
        """
        Send a signed request; where the clocks differ (-1021), set ours and send it once more.

        -1021 always means that nothing was executed: the exchange looks at the time before it does anything.
        """
        try:
            return self.send(verb, path, params)
        except RequestFailed as failed:
            if judge(failed.failure) is not Verdict.CLOCK:
                raise
            try:
                self.synchronize()
            except ExchangeError:
                raise failed from None
        return self.send(verb, path, params)

    def _ask_once(
        self, path: str, params: Mapping[str, Any], *, weight: int, signed: bool, urgent: bool, what: str
    ) -> Any:
        self._wait(weight, what=what, urgent=urgent)
        if signed and self.clock.is_due:
            self.synchronize()
        if not signed:
            return self.send("get", path, params, signed=False)
        return self.send_timely("get", path, params)

    def _wait(self, weight: int, *, what: str, urgent: bool) -> None:
        """Wait for pauses to end and for room; raises RequestFailed where that takes too long."""
        while True:
            if self._closed.is_set():
                raise ExchangeError(f"{what}: not asked, because the connection was closed by us.")
            hold = self.limits.hold()
            wait_s = self.limits.room_s(weight, urgent=urgent) if hold is None else hold.wait_s
            if not wait_s:
                return
            if hold is not None and (hold.is_ban or wait_s > self._patience_s):
                until_ms = self.clock.now_ms() + round(wait_s * 1000) if hold.is_ban else None
                raise RequestFailed(Failure("held", hold.reason, wait_s=wait_s, until_ms=until_ms))
            self._sleep(wait_s)

    def _pause(self, wait_s: float) -> None:
        """Wait until it is closed; in slices, as a Ctrl-C at the very beginning of one is heard at its end."""
        until = time.monotonic() + wait_s
        while (left_s := until - time.monotonic()) > 0 and not self._closed.wait(min(left_s, _SLICE_S)):
            pass

    def _no_answer(self, error: Exception) -> Failure:
        """Tell whether a request that got no answer can have arrived."""
        reason = connection_error("", error, url=self.venue.rest_url).reason
        reasons = [getattr(arg, "reason", arg) for arg in (error, *error.args)]
        is_unsent = isinstance(error, requests.ConnectTimeout) or any(
            isinstance(item, NewConnectionError) for item in reasons
        )
        return Failure("unsent" if is_unsent else "silent", reason)

    def _note(self, failure: Failure) -> None:
        """Remember how long nothing, or no order, may leave."""
        verdict = judge(failure)
        if verdict is Verdict.FIREWALL:
            self.limits.pause(FIREWALL_PAUSE_S, failure.words)
        elif verdict is Verdict.LIMITED:
            self.limits.pause(failure.wait_s or 60.0, failure.words, is_ban=failure.status == 418)
        elif verdict is Verdict.ORDERS:
            self.limits.pause(failure.wait_s or 10.0, failure.words, orders_only=True)


def _read(response: requests.Response, *, now_ms: int) -> Any:
    """Give the JSON of an answer 2xx, or the Failure that any other is."""
    status = response.status_code
    if 200 <= status < 300:
        try:
            return json.loads(response.content)
        except ValueError:
            return Failure("garbled", "the answer is cut short or no JSON", status=status)
    if status < 400:
        return Failure("garbled", "somebody in between wants to send us elsewhere", status=status)
    code, reason = read_body(response.text)
    wait_s = retry_after_s(response.headers)
    until_ms = ban_end(response.headers, reason, now_ms) if status == 418 else None
    if until_ms is not None and wait_s is None:
        wait_s = max(1.0, (until_ms - now_ms) / 1000)
    return Failure("refused", reason, status=status, code=code, wait_s=wait_s, until_ms=until_ms)
