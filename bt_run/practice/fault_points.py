"""
Where a fault may put its hand in: before a request is dealt with, and after its answer is known.

`before` may answer in the exchange's place: the request is then not executed. `after` sees the true answer of
a request that was executed (or refused) and may change it, hold it back, or drop the connection. Both may wait.
REST, the WebSocket API and the handshakes of the streams ask here. `outgoing` is asked for every frame that a
socket would send by itself, that is market frames and user events, and `silent` for every connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Channel", "Faults", "FrameInfo", "NoFaults", "RequestInfo", "Response"]

Channel = Literal["rest", "ws-api", "handshake"]


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """
    A request as a fault can choose it.

    `method` is the WebSocket API's name on both channels (``order.place``), "" for what has none. `verb` and
    `path` are REST's, and those of a handshake. `params` hold no signature.
    """

    channel: Channel
    method: str
    verb: str
    path: str
    params: Mapping[str, str]
    address: str


@dataclass(frozen=True, slots=True)
class Response:
    """
    An answer before it is written.

    `body` is JSON-ready, or text as it stands where `content_type` is not JSON. With `drop` nothing is
    written: the connection ends without an answer.
    """

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    drop: bool = False


@dataclass(frozen=True, slots=True)
class FrameInfo:
    """
    A frame as a fault can choose it, before it is copied to all who listen.

    `family` is ``spot`` or ``futures`` for market frames, ``user`` for user events. `name` is the stream's
    (``btcusdt@kline_1m``) or the user event's (``executionReport``). `closes_bar` is True for the one kline
    frame of a bar with ``x:true``.
    """

    family: Literal["spot", "futures", "user"]
    name: str
    closes_bar: bool = False


class Faults(Protocol):
    """What decides about faults."""

    async def before(self, request: RequestInfo) -> Response | None:
        """Answer in the exchange's place, or give None to let the request through."""

    async def after(self, request: RequestInfo, response: Response) -> Response:
        """Give the answer to send; `response` itself to leave it alone."""

    def outgoing(self, frame: FrameInfo, text: str) -> Sequence[tuple[float, str]] | None:
        """
        Give what is sent instead of a frame: texts, each after so many seconds; None to leave it alone.

        An empty sequence drops it, two texts duplicate it, delays reorder. `text` is the payload without the
        wrapping of combined streams and subscriptions.
        """

    def silent(self, path: str) -> bool:
        """Tell whether a connection that was opened at this path shall stay open and get no frame now."""


class NoFaults:
    """All goes well."""

    async def before(self, request: RequestInfo) -> Response | None:
        """Let every request through."""
        return None

    async def after(self, request: RequestInfo, response: Response) -> Response:
        """Leave every answer alone."""
        return response

    def outgoing(self, frame: FrameInfo, text: str) -> Sequence[tuple[float, str]] | None:
        """Leave every frame alone."""
        return None

    def silent(self, path: str) -> bool:
        """Let every connection speak."""
        return False
