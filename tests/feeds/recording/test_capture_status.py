"""What a capture counts."""

from __future__ import annotations

from feeds.recording.capture_status import CaptureMeter
from feeds.wire.messages import BookTicker, KlineFrame, Liquidation, Trade


def status(meter, now_s):
    return meter.status(now_s, files=1, rows=0, trouble="")


def test_the_rate_is_the_mean_of_the_last_five_whole_seconds():
    """The second that runs is not over; a pause lets it fall."""
    meter = CaptureMeter(100.0)
    for second in range(100, 110):
        for part in range(10):
            meter.note_frame("a", second + part / 10)

    assert (100, 10.0) == (status(meter, 110.0).frames, status(meter, 110.0).frames_per_s)
    assert 4.0 == status(meter, 113.0).frames_per_s
    assert 0.0 == status(meter, 200.0).frames_per_s
    assert 10.0 == status(meter, 110.0).seconds


def test_lag_and_price_are_the_last_ones():
    """A message without time or price changes neither."""
    meter = CaptureMeter(0.0)
    meter.note_message(Trade("BTCUSDT", 1, 100.5, 1.0, 5_000, True, event_ms=5_010), 5_050)
    meter.note_message(BookTicker("ETHUSDT", 1, 1, 1, 1, 1), 9_000)
    shown = status(meter, 1.0)

    assert (40, "BTCUSDT", 100.5) == (shown.lag_ms, shown.symbol, shown.price)


def test_every_kind_with_a_price_shows_it():
    """A liquidation that got nothing has none."""
    meter = CaptureMeter(0.0)
    seen = []
    for message in (
        KlineFrame("BTCUSDT", "1m", 0, 59_999, -1, -1, 1, 2, 1, 1.5, 1, 1, 1, 1, 1, closed=False),
        Liquidation("BTCUSDT", "BUY", 1.0, 3.0, 2.5, 1.0, "FILLED", 0),
        Liquidation("BTCUSDT", "BUY", 1.0, 3.0, 0.0, 0.0, "NEW", 0),
    ):
        meter.note_message(message, 0)
        seen.append(status(meter, 1.0).price)

    assert [1.5, 2.5, 2.5] == seen
    assert status(meter, 1.0).lag_ms is None
