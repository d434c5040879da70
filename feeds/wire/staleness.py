"""After which silence a market stream counts as dead. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bt_run.core.stream_policy import StreamPolicy

__all__ = ["is_quiet", "stale_after_s"]

_PATIENCE = 8.0
_MOST_DOUBLINGS = 16


def stale_after_s(policy: StreamPolicy, streams: Iterable[str], *, silent: int) -> float | None:
    """
    Tell after how many seconds without a frame a connection counts as dead; None for never.

    Liquidations alone are silent for hours, so they are not watched. Where `silent` connections before
    this one had no frame at all, the patience doubles up to eight times: the market may just be quiet.
    """
    if all(is_quiet(stream) for stream in streams):
        return None
    return policy.stale_s * min(_PATIENCE, 2.0 ** min(silent, _MOST_DOUBLINGS))


def is_quiet(stream: str) -> bool:
    """Tell whether silence is normal on this stream."""
    return stream.startswith("!forceOrder") or stream.endswith("@forceOrder")
