"""Bars built from trades are the bars that the exchange sends."""

from __future__ import annotations

from dataclasses import astuple
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bt_run.core.clock import iso_utc, parse_time
from bt_run.core.market import BAR_COLUMNS, Bars, Interval
from feeds.codec import AggTrade, KlineFrame, Trade, parse_frame
from feeds.recording.trade_bars import TradeTape, bars_from_trades

MINUTE = Interval.parse("1m")
START = parse_time("2024-01-31T12:00")


def trade(
    number: int, second: float, price: float = 10.0, quantity: float = 1.0, *, sold: bool = False
) -> Trade:
    return Trade("BTCUSDT", number, price, quantity, START + int(second * 1000), buyer_is_maker=sold)


def rows(bars: Bars) -> list[tuple[float, ...]]:
    columns = zip(*(getattr(bars, name)[:].tolist() for name in BAR_COLUMNS[1:]), strict=True)
    return [((time - START) / 60_000, *row) for time, row in zip(bars.open_time.tolist(), columns, strict=True)]


@pytest.mark.parametrize("name", ["20210404", "20210814", "FUTURES"])
def test_recorded_klines_are_rebuilt_to_the_last_digit(
    cryptofeed: dict[str, list[tuple[int, str]]], name: str
) -> None:
    """Each recorded kline whose trades were all recorded beside it is equal to the bar made of those trades."""
    frames = next(frames for key, frames in cryptofeed.items() if name in key)
    messages = [message for _, text in frames for message in parse_frame(text)]
    compared = 0
    for kline in (one for one in messages if isinstance(one, KlineFrame) and one.trades):
        own = [one for one in messages if isinstance(one, AggTrade) and one.symbol == kline.symbol]
        inside = [one for one in own if kline.first_id <= one.first_id and one.last_id <= kline.last_id]
        if not inside or (inside[0].first_id, inside[-1].last_id) != (kline.first_id, kline.last_id):
            continue
        bars = bars_from_trades(TradeTape.of(inside), Interval.parse(kline.interval), partial=True)
        compared += 1

        assert [
            (
                kline.open_time, kline.open, kline.high, kline.low, kline.close, kline.volume,
                kline.quote_volume, kline.trades, kline.taker_buy_volume, kline.taker_buy_quote_volume,
            )
        ] == list(zip(*(getattr(bars, column).tolist() for column in BAR_COLUMNS), strict=True))  # fmt: skip
    assert {"20210404": 51, "20210814": 2, "FUTURES": 15}[name] == compared


def test_a_bar_of_four_trades() -> None:
    """First, highest, lowest and last price, sums, and what buying takers took."""
    tape = TradeTape.of([
        trade(1, -1), trade(2, 0, 10.0, 1.0), trade(3, 20, 12.0, 2.0, sold=True), trade(4, 40, 9.0, 3.0),
        trade(5, 59.999, 11.0, 4.0, sold=True), trade(6, 60),
    ])  # fmt: skip

    assert [(0, 10.0, 12.0, 9.0, 11.0, 10.0, 105.0, 4.0, 4.0, 37.0)] == rows(bars_from_trades(tape, MINUTE))


def test_aggregates_count_the_trades_inside() -> None:
    """An aggregate of ids 100 to 105 is six trades."""
    before, after = trade(0, -1), trade(9, 61)
    found = TradeTape.of([
        AggTrade("X", 1, 10.0, 1.0, 99, 99, before.time_ms, buyer_is_maker=False),
        AggTrade("X", 2, 10.0, 5.0, 100, 105, START, buyer_is_maker=False),
        AggTrade("X", 3, 10.0, 1.0, 106, 106, after.time_ms, buyer_is_maker=False),
    ])  # fmt: skip

    assert [6.0] == bars_from_trades(found, MINUTE).trades.tolist()


def test_a_minute_without_trades_repeats_the_price() -> None:
    """As Binance sends it: four equal prices and no volume, made only where no trade can be missing."""
    tape = TradeTape.of([trade(1, -1), trade(2, 5, 12.0), trade(3, 185, 13.0), trade(4, 241)])
    quiet = (12.0, 12.0, 12.0, 12.0, 0.0, 0.0, 0.0, 0.0, 0.0)

    assert [(1.0, *quiet), (2.0, *quiet)] == rows(bars_from_trades(tape, MINUTE))[1:3]
    assert [0.0, 1.0, 2.0, 3.0] == [row[0] for row in rows(bars_from_trades(tape, MINUTE))]


def test_bars_with_missing_trades_are_left_out() -> None:
    """Where the ids jump, neither the bars at both sides nor the ones between are known."""
    tape = TradeTape.of(
        [trade(1, -1), trade(2, 5), trade(3, 65), trade(9, 245), trade(10, 305), trade(11, 361)]
    )

    assert [0.0, 5.0] == [row[0] for row in rows(bars_from_trades(tape, MINUTE))]
    assert [-1.0, 0.0, 1.0, 4.0, 5.0, 6.0] == [
        row[0] for row in rows(bars_from_trades(tape, MINUTE, partial=True))
    ]


def test_missing_trades_inside_a_bar_spoil_that_bar_only() -> None:
    """The bars before and after it are whole."""
    tape = TradeTape.of([trade(1, -1), trade(2, 5), trade(3, 65), trade(5, 70), trade(6, 125), trade(7, 181)])

    assert [0.0, 2.0] == [row[0] for row in rows(bars_from_trades(tape, MINUTE))]


def test_first_and_last_bar_are_incomplete() -> None:
    """A tape within one bar makes none, unless what there is of it is wanted."""
    tape = TradeTape.of([trade(1, 0), trade(2, 59)])

    assert [] == rows(bars_from_trades(tape, MINUTE))
    assert [0.0] == [row[0] for row in rows(bars_from_trades(tape, MINUTE, partial=True))]
    assert [] == rows(bars_from_trades(TradeTape.of([]), MINUTE, partial=True))


def test_trades_in_any_order_and_twice() -> None:
    """Pages that overlap, and trades of two connections, count once."""
    trades = [trade(number, 10 * number) for number in range(30)]
    once = rows(bars_from_trades(TradeTape.of(trades), MINUTE))

    assert once == rows(bars_from_trades(TradeTape.of([*trades[15:], *trades[:20]]), MINUTE))
    assert 3 == len(once)


def test_times_that_step_back_do_not_split_a_bar() -> None:
    """Two trades matched in one ms may carry times in the wrong order across the end of a bar."""
    tape = TradeTape.of([trade(1, -1), trade(2, 5), trade(3, 60), trade(4, 59.999, 20.0), trade(5, 121)])

    assert [(0.0, 20.0), (1.0, 10.0)] == [(row[0], row[2]) for row in rows(bars_from_trades(tape, MINUTE))]


@pytest.mark.parametrize(
    ("interval", "opens"),
    [
        ("1s", ["2024-01-31T12:00:05Z", "2024-01-31T12:00:06Z"]),
        ("4h", ["2024-01-31T12:00:00Z", "2024-01-31T16:00:00Z"]),
        ("1d", ["2024-01-31T00:00:00Z", "2024-02-01T00:00:00Z"]),
        ("1w", ["2024-01-29T00:00:00Z", "2024-02-05T00:00:00Z"]),
        ("1M", ["2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"]),
    ],
)
def test_every_kind_of_interval(interval: str, opens: list[str]) -> None:
    """Bars start as Binance's do, and quiet ones fill up to the next trade, months too."""
    far = 60 if interval == "1s" else 90 * 86_400
    tape = TradeTape.of([trade(1, -far), trade(2, 5.5), trade(3, far)])
    found = bars_from_trades(tape, Interval.parse(interval)).open_time.tolist()
    place = found.index(parse_time(opens[0]))

    assert opens == [iso_utc(time) for time in found[place : place + 2]]


TRADES = st.lists(
    st.tuples(
        st.integers(0, 200), st.integers(1, 10**9), st.integers(1, 10**9), st.booleans()
    ),
    min_size=1, max_size=40,
)  # fmt: skip


@given(TRADES, st.sampled_from(["1s", "1m", "3m"]))
def test_sums_are_those_of_exact_arithmetic(steps: list[tuple[int, int, int, bool]], interval: str) -> None:
    """Nothing is lost or counted twice, and sums of quantities are right to the eighth decimal."""
    second, trades = 0, []
    for number, (step, cents, units, sold) in enumerate(steps):
        second += step
        trades.append(trade(number, second, cents / 100, units / 10**8, sold=sold))
    bars = bars_from_trades(TradeTape.of(trades), Interval.parse(interval), partial=True)
    exact = sum(Decimal(units) / 10**8 for _, _, units, _ in steps)
    bought = sum(Decimal(units) / 10**8 for _, _, units, sold in steps if not sold)

    assert len(steps) == bars.trades.sum()
    assert exact == sum(Decimal(f"{value:.8f}") for value in bars.volume)
    assert bought == sum(Decimal(f"{value:.8f}") for value in bars.taker_buy_volume)
    assert (max(cents for _, cents, _, _ in steps) / 100, trades[0].price, trades[-1].price) == (
        bars.high.max(), bars.open[0], bars.close[-1]
    )  # fmt: skip
    assert (np.diff(bars.open_time) == Interval.parse(interval).milliseconds).all()


def test_data_of_a_trade_is_frozen() -> None:
    """What came from the exchange is not changed afterwards."""
    with pytest.raises(AttributeError):
        trade(1, 0).price = 5.0  # type: ignore[misc]  # that it is refused is the point

    assert ("BTCUSDT", 1) == astuple(trade(1, 0))[:2]
