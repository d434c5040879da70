"""Which silence is normal, and which is a dead connection."""

from __future__ import annotations

from bt_run.core.stream_policy import StreamPolicy
from feeds.wire.staleness import is_quiet, stale_after_s

POLICY = StreamPolicy()


def test_liquidations_alone_are_never_stale():
    """Their silence is normal; beside trades they are watched with them."""
    assert stale_after_s(POLICY, ["btcusdt@forceOrder", "!forceOrder@arr"], silent=0) is None
    assert 60 == stale_after_s(POLICY, ["btcusdt@forceOrder", "btcusdt@aggTrade"], silent=0)
    assert is_quiet("!forceOrder@arr")
    assert not is_quiet("btcusdt@aggTrade")


def test_a_market_without_trades_is_given_more_time():
    """Each connection that stayed silent doubles the patience, up to eight times."""
    waits = [stale_after_s(POLICY, ["obscure@trade"], silent=count) for count in (0, 1, 2, 3, 99)]

    assert [60, 120, 240, 480, 480] == waits
