"""What a client asks for when it connects: the streams in its URL, the unit of its times. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from yarl import URL

__all__ = ["Wish", "read_url"]


@dataclass(frozen=True, slots=True)
class Wish:
    """
    A URL, read.

    `names` are streams in their order, also such as do not exist. `options` are the other parameters.
    """

    names: tuple[str, ...]
    options: dict[str, str]

    @property
    def microseconds(self) -> bool:
        """Tell whether times are wanted in µs."""
        return self.options.get("timeUnit", "").upper() == "MICROSECOND"


def read_url(url: URL) -> Wish:
    """
    Read ``/ws/a/b``, ``/stream?streams=a/b``, and both with a path before them; percent-encoded or not.

    A plus sign stands for itself, as in ``btcusdt@kline_1d@+08:00``. A client that hangs ``?timeUnit=...``
    behind ``/stream?streams=...`` is understood.
    """
    _, _, after = url.raw_path.partition("/ws/")
    query = url.raw_query_string.replace("?", "&")
    options = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name:
            options[unquote(name)] = unquote(value)
    listed = options.pop("streams", "")
    names = [unquote(name) for name in after.split("/")] + listed.split("/")
    return Wish(tuple(dict.fromkeys(name for name in names if name)), options)
