"""A session of requests that prepares address and headers of an order once, and then only its body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests
from requests.cookies import extract_cookies_to_jar

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["QuickSession"]

_BODY_ONLY = frozenset({"data", "headers", "timeout", "allow_redirects"})


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A request as requests prepared it, and its headers as a plain mapping."""

    request: requests.PreparedRequest
    headers: Mapping[str, str | bytes]

    def filled(self, body: str) -> requests.PreparedRequest:
        """Give the request with another body."""
        request = requests.PreparedRequest()
        pattern = self.request
        request.method, request.url, request.hooks = pattern.method, pattern.url, pattern.hooks
        request._cookies = pattern._cookies
        # Only where redirects are followed does requests look for names in another case.
        request.headers = {**self.headers, "Content-Length": str(len(body.encode()))}  # type: ignore[assignment]
        request.body = body
        return request


class QuickSession(requests.Session):
    """
    Sends the same bytes as `requests.Session`, sooner.

    Orders and cancels differ by their body alone, but requests checks, merges and encodes everything anew each
    time, which takes as long as signing and writing together. Whatever is not a plain form is left to requests:
    a request with other arguments, one that follows redirects, one with cookies or hooks, and where the
    environment is asked for proxies.
    """

    def __init__(self) -> None:
        super().__init__()
        self._patterns: dict[tuple[str, str], _Pattern] = {}

    def request(self, method: str, url: str, *args: Any, **named: Any) -> requests.Response:  # type: ignore[override]
        """Send a request; arguments as in requests."""
        data = named.get("data")
        if args or not data or not isinstance(data, list | str) or not self._is_plain(named):
            return super().request(method, url, *args, **named)
        pattern = self._patterns.get((method, url))
        if pattern is None:
            asked = requests.Request(method.upper(), url, headers=named.get("headers"), data=data)
            prepared = self.prepare_request(asked)
            pattern = self._patterns[method, url] = _Pattern(prepared, dict(prepared.headers))
        request = pattern.filled(data if isinstance(data, str) else urlencode(data))
        return self._send_at_once(request, named.get("timeout"))

    def _send_at_once(self, request: requests.PreparedRequest, timeout: Any) -> requests.Response:
        """Do what `send` does where there is neither hook nor redirect."""
        adapter = self.get_adapter(request.url or "")
        response = adapter.send(
            request, timeout=timeout, verify=self.verify, cert=self.cert, proxies=self.proxies
        )
        extract_cookies_to_jar(self.cookies, request, response.raw)
        _ = response.content  # read here, so that the connection is free for the next one
        return response

    def _is_plain(self, named: Mapping[str, Any]) -> bool:
        given = {name for name, value in named.items() if value is not None}
        follows = named.get("allow_redirects", True)
        bare = not (self.trust_env or follows or self.stream or len(self.cookies) or self.hooks["response"])
        return bare and given <= _BODY_ONLY
