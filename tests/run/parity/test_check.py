"""Live against backtest: a journal made from a backtest is equal to it, and each difference has its cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from live_journal import Done, LiveRun, exact, play, write_run

from bt_run.core.errors import ConfigError
from bt_run.core.market import BAR_COLUMNS, Bars
from bt_run.core.money import Stake
from bt_run.core.settings import BacktestSettings, Protection
from bt_run.journal.journal import Journal
from bt_run.run.parity.check import ParityReport, run_parity
from bt_run.run.parity.sides import Cause
from feeds.csv_file import read_bars
from strategies.loader import load_strategy

D = Decimal
Check = Callable[..., ParityReport]
FIXED = BacktestSettings(stake=Stake.parse("0.5"), lot_step=1e-5, cash=100_000.0)
SHARE = replace(FIXED, stake=Stake.parse("95%"))


@pytest.fixture(scope="module")
def bars(root: Path) -> Bars:
    """Give four hundred days of the shipped file."""
    return read_bars(root / "data" / "btc_1d.csv").bars[:400]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Give a function that writes runs, each going on from the one before, and compares the last."""

    def write_and_compare(*runs: LiveRun, **told: Any) -> ParityReport:
        with Journal(tmp_path / "live.sqlite") as journal:
            number = None
            for run in runs:
                number = write_run(journal, run, resumes=number)
            return run_parity(journal, journal.run(number), **told)

    return write_and_compare


def causes(report: ParityReport) -> dict[str, int]:
    return {total.cause.name: total.count for total in report.comparison.totals}


def amount(report: ParityReport, cause: Cause) -> float:
    return next(total.amount for total in report.comparison.totals if total.cause is cause)


def assert_adds_up(report: ParityReport) -> None:
    found = report.comparison
    assert found.difference == pytest.approx(sum(each.amount for each in found.differences), abs=1e-6)
    assert abs(found.residual) < 1e-6


@pytest.fixture
def sar(bars: Bars) -> LiveRun:
    """Give a run of sar that is live from bar 50 on."""
    return play(bars, load_strategy("sar"), FIXED, history=50)


class TestEqual:
    @pytest.mark.parametrize(
        ("name", "settings"),
        [
            ("sar", FIXED),
            ("rsi", FIXED),
            ("macd", SHARE),
            ("ma_cross", SHARE),
            ("bollinger", replace(SHARE, protection=Protection(stop_loss_pct=4, take_profit_pct=9))),
            ("combined", replace(SHARE, protection=Protection(trailing_stop_pct=5))),
        ],
        ids=["sar", "rsi", "macd", "ma_cross", "bollinger", "combined"],
    )
    def test_a_backtest_is_equal_to_itself(
        self, bars: Bars, check: Check, name: str, settings: BacktestSettings
    ):
        live = play(bars, load_strategy(name), settings, history=40)
        report = check(live)
        found = report.comparison

        assert () == found.differences
        assert found.is_equal
        assert found.is_explained
        assert abs(found.difference) < 1e-6
        assert (found.orders_live, len(live.signals)) == (found.orders_matched, found.signals.equal)
        assert 0 == found.signals.values_differ < found.signals.values_equal
        assert all(trip.is_matched for trip in found.trips)
        assert len(found.trips) > 0

    def test_no_cash_flows_and_no_orders(self, bars: Bars, check: Check):
        live = play(bars[:60], load_strategy("ma_cross"), FIXED)
        live.orders.clear()
        live.signals = {bar: ((), values) for bar, (_, values) in live.signals.items()}
        report = check(live)

        assert 0 == report.comparison.orders_live

    def test_the_commission_is_learnt_from_the_fills(self, bars: Bars, check: Check):
        report = check(play(bars, load_strategy("sar"), replace(SHARE, commission=0.00075), history=50))

        assert report.settings.commission == pytest.approx(0.00075)
        assert report.comparison.is_equal


class TestCauses:
    def test_fill_price(self, sar: LiveRun, check: Check):
        entry = sar.orders[0]
        entry.move(price=float(entry.fills[0][1]) + 10)
        report = check(sar)

        assert {"FILL_PRICE": 1} == causes(report)
        assert amount(report, Cause.FILL_PRICE) == pytest.approx(-5 - 0.005, abs=0.006)
        assert report.comparison.is_explained
        assert not report.comparison.is_equal
        assert_adds_up(report)

    def test_slippage_on_every_fill_knocks_on_to_the_sizes(self, bars: Bars, check: Check):
        """A real second engine run: stakes follow an equity that has parted, and all adds up."""
        live = play(bars, load_strategy("sar"), replace(SHARE, slippage=0.0005), history=50)
        report = check(live)

        assert {"FILL_PRICE", "KNOCK_ON"} == set(causes(report))
        assert len(live.orders) / 2 < causes(report)["FILL_PRICE"] <= len(live.orders)
        assert abs(amount(report, Cause.KNOCK_ON)) < abs(amount(report, Cause.FILL_PRICE)) / 5
        assert report.comparison.is_explained
        assert_adds_up(report)

    def test_partial_fill(self, sar: LiveRun, check: Check):
        entry, leave = sar.orders[:2]
        size, price, fee, asset, time = entry.fills[0]
        entry.fills = [(size / 2, price, fee / 2, asset, time)]
        entry.state, entry.reason = "EXPIRED", "INSUFFICIENT_LIQUIDITY"
        size, price, fee, asset, time = leave.fills[0]
        leave.quantity, leave.fills = size / 2, [(size / 2, price, fee / 2, asset, time)]
        report = check(sar)
        trip = report.comparison.trips[0]

        assert {"PARTIAL_FILL": 2} == causes(report)
        assert amount(report, Cause.PARTIAL_FILL) == pytest.approx(trip.live_profit - trip.backtest_profit)
        assert trip.live_profit == pytest.approx(trip.backtest_profit / 2)
        assert_adds_up(report)

    def test_several_fills_at_several_prices_are_one_order(self, sar: LiveRun, check: Check):
        entry = sar.orders[0]
        size, price, fee, asset, time = entry.fills[0]
        entry.fills = [
            (size / 2, price, fee / 2, asset, time), (size / 2, price + 4, fee / 2, asset, time + 1)
        ]  # fmt: skip
        report = check(sar)

        assert "FILL_PRICE" in causes(report)
        assert amount(report, Cause.FILL_PRICE) == pytest.approx(-1, abs=0.01)
        assert "PARTIAL_FILL" not in causes(report)
        assert_adds_up(report)

    def test_latency(self, sar: LiveRun, check: Check, bars: Bars):
        entry = sar.orders[0]
        late = entry.bar + 3
        entry.move(price=float(bars.open[late]), later_ms=2 * 86_400_000)
        report = check(sar)
        (found,) = (each for each in report.comparison.differences if each.cause is Cause.LATENCY)

        assert "filled 2 bars later" == found.note
        assert (entry.bar, int(bars.open_time[entry.bar])) == (found.bar, found.open_time)
        assert found.amount == pytest.approx(0.5 * (bars.open[entry.bar + 1] - bars.open[late]), rel=0.01)
        assert {"LATENCY"} == {name for name in causes(report) if name != "FEE"}
        assert_adds_up(report)

    def test_an_order_that_left_a_bar_late_is_latency_where_its_bar_is_named(
        self, sar: LiveRun, check: Check, bars: Bars
    ):
        """By its time alone it would be an order of the bar after, which no signal explains."""
        entry = sar.orders[0]
        entry.created_ms += 86_400_000
        entry.move(price=float(bars.open[entry.bar + 2]), later_ms=86_400_000)
        by_time = check(sar)
        sar.names_bars = True
        named = check(sar)

        assert "UNEXPLAINED" in causes(by_time)
        assert {"LATENCY"} == set(causes(named))
        assert "filled 1 bar later" == named.comparison.differences[0].note
        assert_adds_up(named)

    def test_a_clock_that_runs_late_does_not_move_an_order(self, sar: LiveRun, check: Check):
        for done in sar.orders:
            done.created_ms -= 30_000

        assert check(sar).comparison.is_equal

    def test_an_order_that_no_bar_led_to_is_by_hand(self, sar: LiveRun, check: Check):
        sar.names_bars = True
        leave = sar.orders[1]
        early = replace(leave, bar=leave.bar - 2, is_of_bar=False)
        early.created_ms -= 2 * 86_400_000
        early.move(later_ms=-2 * 86_400_000)
        sar.orders[1] = early
        report = check(sar)

        assert set(causes(report)) <= {"FOREIGN", "FEE"}
        assert "FOREIGN" in causes(report)
        assert_adds_up(report)

    def test_a_stop_a_tick_away_is_rounding(self, bars: Bars, check: Check):
        guard = replace(FIXED, protection=Protection(stop_loss_pct=3))
        live = play(bars, load_strategy("sar"), guard, history=50)
        stop = next(done for done in live.orders if done.purpose == "stop_loss")
        stop.move(price=float(stop.fills[0][1]) + 0.006)
        report = check(live)

        assert {"ROUNDING": 1} == causes(report)

    def test_what_follows_from_a_stop_belongs_to_it(self, bars: Bars, check: Check):
        """Live is stopped out a bar early and enters again, while the backtest is still in its first trade."""
        guard = replace(FIXED, protection=Protection(stop_loss_pct=3))
        live = play(bars, load_strategy("sar"), guard, history=50)
        place = next(
            n
            for n, done in enumerate(live.orders)
            if done.purpose == "stop_loss"
            and done.fills[0][4] - live.orders[n - 1].fills[0][4] > 3 * 86_400_000
        )
        stop = live.orders[place]
        stop.move(later_ms=-86_400_000)
        stopped_at = int(np.searchsorted(bars.open_time, stop.fills[0][4], side="right")) - 1
        again = replace(live.orders[place - 1], bar=stopped_at, created_ms=live.closed_ms(stopped_at) + 50)
        size, _, fee, asset, _ = again.fills[0]
        price = exact(bars.open[stopped_at + 1])
        again.fills = [(size, price, fee, asset, live.closed_ms(stopped_at) + 300)]
        out = replace(again, bar=stopped_at + 2, side="SELL", purpose="exit")
        out.created_ms = live.closed_ms(stopped_at + 2) + 50
        out.fills = [(size, exact(bars.open[stopped_at + 3]), fee, asset, live.closed_ms(stopped_at + 2) + 300)]
        live.orders[place + 1 : place + 1] = [again, out]
        report = check(live)
        parted = [
            each for each in report.comparison.differences if each.trip > 0 and "no order" in each.backtest
        ]

        assert {Cause.PROTECTION} == {each.cause for each in parted}
        assert_adds_up(report)

    def test_rejected_takes_the_whole_trade_with_it(self, sar: LiveRun, check: Check):
        entry = sar.orders[2]
        entry.fills, entry.state, entry.reason = [], "REJECTED", "Filter failure: NOTIONAL"
        del sar.orders[3]
        report = check(sar)
        trip = report.comparison.trips[1]

        assert {"REJECTED": 2} == causes(report)
        assert report.comparison.differences[0].note == "Filter failure: NOTIONAL"
        assert amount(report, Cause.REJECTED) == pytest.approx(-trip.backtest_profit)
        assert not trip.by_live
        assert_adds_up(report)

    def test_an_order_that_never_left_says_why(self, sar: LiveRun, check: Check):
        entry = sar.orders.pop(2)
        del sar.orders[2]
        sar.refused.append((entry.created_ms, "BUY 0.5 Market", "The daily loss limit is reached."))
        report = check(sar)

        assert {"REJECTED": 2} == causes(report)
        assert "The daily loss limit is reached." == report.comparison.differences[0].note
        assert report.comparison.is_explained

    def test_a_fee_in_base_asset_and_the_dust_it_leaves(self, bars: Bars, check: Check):
        live = play(bars, load_strategy("sar"), FIXED, history=50)
        for done in live.orders:
            size, price, _, _, time = done.fills[0]
            if done.side == "BUY":
                done.fills = [(size, price, size * D("0.001"), "BTC", time)]
            else:
                left = (size * D("0.999")).quantize(D("0.00001"), rounding="ROUND_DOWN")
                done.quantity, done.fills = left, [(left, price, left * price * D("0.001"), "USDT", time)]
        report = check(live)

        assert report.settings.commission == pytest.approx(0.001)
        assert set(causes(report)) <= {"FEE", "ROUNDING", "KNOCK_ON"}
        assert report.comparison.is_explained
        assert_adds_up(report)

    def test_a_fee_in_a_third_asset_is_not_in_the_cash(self, sar: LiveRun, check: Check):
        size, price, fee, _, time = sar.orders[0].fills[0]
        sar.orders[0].fills = [(size, price, D("0.02"), "BNB", time)]
        report = check(sar)

        assert {"FEE": 1} == causes(report)
        assert ("0.02 BNB", "0.1%") == (
            report.comparison.differences[0].live, report.comparison.differences[0].backtest
        )  # fmt: skip
        assert amount(report, Cause.FEE) == pytest.approx(float(fee), rel=1e-9)
        assert_adds_up(report)

    def test_another_rate_is_a_fee(self, sar: LiveRun, check: Check):
        report = check(sar, commission=0.0)

        assert {"FEE": len(sar.orders)} == causes(report)
        paid = sum(float(fill[2]) for done in sar.orders for fill in done.fills)
        assert amount(report, Cause.FEE) == pytest.approx(-paid)
        assert_adds_up(report)

    def test_a_size_one_lot_step_off_is_rounding(self, sar: LiveRun, check: Check):
        for done in sar.orders[:2]:
            size, price, _, asset, time = done.fills[0]
            size -= D("0.00001")
            done.quantity = size
            done.fills = [(size, price, size * price * D("0.001"), asset, time)]
        report = check(sar)

        assert {"ROUNDING": 2} == causes(report)
        assert_adds_up(report)

    def test_a_size_that_nothing_explains_is_loud(self, sar: LiveRun, check: Check):
        for done in sar.orders[:2]:
            size, price, _, asset, time = done.fills[0]
            done.quantity = size * 2
            done.fills = [(size * 2, price, size * 2 * price * D("0.001"), asset, time)]
        report = check(sar)

        assert "UNEXPLAINED" in causes(report)
        assert not report.comparison.is_explained
        assert_adds_up(report)

    def test_a_stop_that_slips(self, bars: Bars, check: Check):
        guard = replace(FIXED, protection=Protection(stop_loss_pct=3))
        live = play(bars, load_strategy("sar"), guard, history=50)
        stop = next(done for done in live.orders if done.purpose == "stop_loss")
        stop.move(price=float(stop.fills[0][1]) - 20)
        report = check(live)

        assert {"PROTECTION": 1} == causes(report)
        assert amount(report, Cause.PROTECTION) == pytest.approx(-10, abs=0.02)
        assert_adds_up(report)

    def test_a_stop_that_only_the_backtest_reached(self, bars: Bars, check: Check):
        """Live leaves the position by the next signal: the two exits belong together."""
        guard = replace(FIXED, protection=Protection(stop_loss_pct=3))
        plain = play(bars, load_strategy("sar"), FIXED, history=50)
        live = play(bars, load_strategy("sar"), guard, history=50)
        place = next(n for n, done in enumerate(live.orders) if done.purpose == "stop_loss")
        entry = live.orders[place - 1]
        leave = next(done for done in plain.orders if done.side == "SELL" and done.bar > entry.bar)
        live.orders[place] = leave
        live.orders = [d for d in live.orders if d is leave or not entry.bar < d.bar <= leave.bar]
        live.orders.sort(key=lambda done: done.created_ms)
        report = check(live)
        first = next(each for each in report.comparison.differences if each.cause is Cause.PROTECTION)

        assert "by stop-loss" in first.backtest
        assert {"PROTECTION"} == set(causes(report))
        assert report.comparison.is_explained
        assert_adds_up(report)

    def test_an_order_by_hand(self, sar: LiveRun, check: Check):
        """Somebody sold the position with bt-run panic: a client id that is not of the run."""
        leave = sar.orders[1]
        leave.client_id = "btr-zzzzzzzzzz-00000001"
        sar.state["tag"] = "0k3m9x2p7c"
        by_hand = replace(leave, bar=leave.bar - 1, created_ms=leave.created_ms - 86_400_000)
        by_hand.move(later_ms=-86_400_000)
        sar.orders[1] = by_hand
        report = check(sar)

        assert "FOREIGN" in causes(report)
        assert set(causes(report)) <= {"FOREIGN", "FEE"}
        assert report.comparison.is_explained
        assert_adds_up(report)

    def test_coins_that_came_from_outside(self, sar: LiveRun, check: Check, bars: Bars):
        sar.shift[200] = (D(0), D("0.25"))
        report = check(sar)

        assert {"FOREIGN": 1} == causes(report)
        assert amount(report, Cause.FOREIGN) == pytest.approx(0.25 * bars.close[-1])
        assert 200 == report.comparison.differences[0].bar
        assert_adds_up(report)

    def test_cash_that_vanished_is_loud(self, sar: LiveRun, check: Check):
        sar.shift[200] = (D(-7), D(0))
        report = check(sar)

        assert {"UNEXPLAINED": 1} == causes(report)
        assert not report.comparison.is_explained
        assert_adds_up(report)

    def test_a_fill_booked_a_bar_late_is_no_difference(self, sar: LiveRun, check: Check):
        entry = sar.orders[0]
        size, price, fee, _, _ = entry.fills[0]
        sar.shift = {
            entry.bar + 1: (size * price + fee, -size), entry.bar + 2: (-size * price - fee, size)
        }  # fmt: skip

        assert check(sar).comparison.is_equal

    def test_another_decision_is_loud(self, sar: LiveRun, check: Check):
        _, values = sar.signals[120]
        sar.signals[120] = (("long_entry", "long_exit"), values)
        report = check(sar)

        assert {"SIGNAL": 1} == causes(report)
        assert "long_entry, long_exit" == report.comparison.differences[0].live
        assert not report.comparison.is_explained

    def test_another_indicator_value_is_loud_and_told_once(self, sar: LiveRun, check: Check):
        for bar in range(100, 110):
            decisions, values = sar.signals[bar]
            sar.signals[bar] = decisions, {name: value * 1.001 for name, value in values.items()}
        report = check(sar)

        assert {"SIGNAL"} == set(causes(report))
        assert len(sar.signals[100][1]) == causes(report)["SIGNAL"]
        assert "on 10 bars" in report.comparison.differences[0].note
        assert not report.comparison.is_explained

    def test_an_unknown_value_is_equal_to_an_unknown_one(self, bars: Bars, check: Check):
        live = play(bars[:120], load_strategy("rsi"), FIXED, history=3)

        assert any(np.isnan(value) for _, values in live.signals.values() for value in values.values())
        assert check(live).comparison.is_equal

    def test_a_missing_order_without_a_reason_is_loud(self, sar: LiveRun, check: Check):
        del sar.orders[4:6]
        report = check(sar)

        assert {"UNEXPLAINED": 2} == causes(report)
        assert not report.comparison.is_explained
        assert_adds_up(report)

    def test_bars_that_are_missing(self, sar: LiveRun, check: Check):
        keep = np.array([bar not in (230, 231) for bar in range(400)])
        holed = play(
            Bars.of(**{name: getattr(sar.bars, name)[keep] for name in BAR_COLUMNS}), sar.strategy, FIXED,
            history=50,
        )  # fmt: skip
        report = check(holed)

        assert {"MISSED_BAR": 1} == causes(report)
        assert "2 bars are missing after this one" == report.comparison.differences[0].note
        assert report.comparison.is_explained


class TestStory:
    """Runs that go on from each other are one story."""

    def test_a_holding_goes_on_over_a_restart(self, bars: Bars, check: Check):
        whole = play(bars, load_strategy("sar"), SHARE, history=50)
        entry, leave = whole.orders[2:4]
        middle = (entry.bar + leave.bar) // 2 + 1
        first, second = whole.cut(50, middle - 1), whole.cut(middle, 399)
        second.cash, second.shift = self._carried(first, middle)
        report = check(first, second)

        assert 2 == len(report.story.runs)
        assert () == report.comparison.differences
        assert len(report.comparison.trips) == (len(whole.orders) + 1) // 2

    @staticmethod
    def _carried(first: LiveRun, bar: int) -> tuple[D, dict[int, tuple[D, D]]]:
        """Give the cash that a second run goes on with, and the coins at its first bar."""
        cash, coins = first.cash, D(0)
        for done in first.orders:
            for size, price, fee, _, _ in done.fills:
                sign = 1 if done.side == "BUY" else -1
                cash -= sign * size * price + fee
                coins += sign * size
        return cash, {bar: (D(0), coins)}

    def test_shorter_history_after_a_restart_changes_no_verdict(self, bars: Bars, check: Check):
        """Each run's signals are those of its own bars: an average that began later is another one."""
        first = play(bars[:200], load_strategy("rsi"), FIXED, history=50)
        second = play(bars[150:], load_strategy("rsi"), FIXED, history=50)
        first.orders = [done for done in first.orders if done.bar < 198]
        held = sum((1 if done.side == "BUY" else -1) for done in first.orders)
        if held:
            pytest.skip("the sample ends in a position")
        second.cash = self._carried(first, 0)[0]
        report = check(first, second)

        assert {} == causes(report)
        assert report.comparison.signals.equal == len(first.signals) + len(second.signals)

    def test_bars_that_came_too_late_are_not_traded_and_their_price_is_told(self, bars: Bars, check: Check):
        whole = play(bars, load_strategy("sar"), FIXED, history=50)
        away = whole.orders[2].bar
        tradable = whole.tradable.copy()
        tradable[away - 1 : away + 3] = False
        live = play(bars, load_strategy("sar"), FIXED, tradable=tradable)
        report = check(live)

        assert report.comparison.is_equal
        assert 4 == report.outage.bars
        assert report.outage.decisions >= 1
        ends = [float(run.cash) + sum(
            (1 if done.side == "SELL" else -1) * float(f[0] * f[1]) - float(f[2])
            for done in run.orders for f in done.fills
        ) for run in (whole, live)]  # fmt: skip
        if len(whole.orders) % 2 == len(live.orders) % 2 == 0:
            assert report.outage.amount == pytest.approx(ends[0] - ends[1])

    def test_a_run_that_was_killed_before_it_wrote_the_bar(self, bars: Bars, check: Check):
        """The order is in the journal, the bar that led to it only in the next run's, as history."""
        whole = play(bars, load_strategy("sar"), FIXED, history=50)
        entry = whole.orders[2]
        first = whole.cut(50, entry.bar - 1, outcome=None)
        second = whole.cut(entry.bar + 1, 399)
        first.orders.append(entry)
        second.cash, second.shift = self._carried(first, entry.bar + 1)
        report = check(first, second)

        assert () == report.comparison.differences
        assert report.story.orders.acted == {entry.bar}

    def test_closing_at_the_end_of_a_run_is_by_hand(self, bars: Bars, check: Check):
        whole = play(bars, load_strategy("sar"), FIXED, history=50)
        entry, leave = next(
            (enter, leave) for enter, leave in zip(whole.orders[::2], whole.orders[1::2], strict=False)
            if leave.bar - enter.bar > 5
        )  # fmt: skip
        middle = entry.bar + 2
        first = whole.cut(50, middle, told={"on_stop": "close"})
        closed = whole.closed_ms(middle)
        fill = (D("0.5"), exact(bars.close[middle]), D(0), "USDT", closed + 90)
        sold = Done(middle, "SELL", D("0.5"), [fill], purpose="exit", created_ms=closed + 80)
        first.orders.append(sold)
        second = whole.cut(middle + 1, 399)
        second.orders = [done for done in second.orders if done is not leave]
        second.cash = self._carried(first, 0)[0]
        report = check(first, second)

        assert set(causes(report)) <= {"FOREIGN", "FEE"}
        assert "FOREIGN" in causes(report)
        assert_adds_up(report)

    def test_a_bar_that_was_other_when_read_again(self, bars: Bars, check: Check):
        whole = play(bars, load_strategy("sar"), FIXED, history=50)
        first, second = whole.cut(50, 199), whole.cut(200, 399)
        columns = {name: getattr(second.bars, name).copy() for name in ("open", "high", "low", "close")}
        columns["high"][20] += 1
        second.bars = Bars.of(second.bars.open_time, **columns)
        second.cash, second.shift = self._carried(first, 200)
        report = check(first, second)

        assert "DATA" in causes(report)
        assert 20 == next(e.bar for e in report.comparison.differences if e.cause is Cause.DATA)

    def test_the_last_order_of_all_is_not_compared(self, bars: Bars, check: Check):
        """A market order made at the last close fills live; a backtest ends there."""
        whole = play(bars, load_strategy("sar"), FIXED, history=50)
        entry = whole.orders[2]
        report = check(whole.cut(50, entry.bar))

        assert report.comparison.is_equal
        assert any("1 fill after the last bar" in note for note in report.story.notes)

    def test_new_books_begin_a_new_story(self, bars: Bars, check: Check):
        whole = play(bars, load_strategy("sar"), FIXED, history=50)
        books = {"quote_asset": "USDT", "cash": "100000", "holdings": {}}
        report = check(whole, replace(whole, state={"opening": books}))

        assert 1 == len(report.story.runs)
        assert report.comparison.is_equal

    def test_signals_only_compares_signals(self, sar: LiveRun, check: Check):
        sar.mode = "signals"
        sar.orders.clear()
        report = check(sar)

        assert report.comparison.is_equal
        assert 350 == report.comparison.signals.equal


class TestHandWritten:
    CODE = """\
import backtrader as bt

class Mine(bt.Strategy):
    params = (("period", 20),)

    def __init__(self):
        self.average = bt.talib.SMA(self.data, timeperiod=self.p.period)

    def next(self):
        if not self.position and self.data.close[0] > self.average[0]:
            self.buy(size=0.25)
        elif self.position and self.data.close[0] < self.average[0]:
            self.close()
"""

    @pytest.fixture
    def mine(self, tmp_path: Path) -> str:
        place = tmp_path / "mine.py"
        place.write_text(self.CODE, encoding="utf-8")
        return f"{place}:Mine"

    def test_equal(self, bars: Bars, check: Check, mine: str):
        live = play(bars, load_strategy(mine, params=["period=30"]), FIXED, history=50)
        report = check(live, strategy=mine)

        assert report.comparison.is_equal
        assert report.comparison.orders_matched == len(live.orders) > 10
        assert 0 == report.comparison.signals.equal

    def test_one_that_asks_which_bars_are_live(self, bars: Bars, check: Check, tmp_path: Path):
        """The replay answers as the live feed did, so what is counted on live bars is equal."""
        place = tmp_path / "asks.py"
        place.write_text(
            self.CODE.replace(
                "def next(self):", "def next(self):\n        if not self.data.last_is_live: return"
            ),
            encoding="utf-8",
        )
        asks = f"{place}:Mine"
        live = play(bars, load_strategy(asks, params=["period=30"]), FIXED, history=50)
        report = check(live, strategy=asks)

        assert report.comparison.is_equal
        assert report.comparison.orders_matched == len(live.orders) > 10
        assert min(done.bar for done in live.orders) >= 50

    def test_an_order_on_one_side_is_a_signal(self, bars: Bars, check: Check, mine: str):
        live = play(bars, load_strategy(mine), FIXED, history=50)
        del live.orders[2:4]
        report = check(live, strategy=mine)

        assert {"SIGNAL": 2} == causes(report)
        assert_adds_up(report)

    def test_without_its_file_the_error_says_how_to_name_it(self, bars: Bars, check: Check, mine: str):
        live = play(bars, load_strategy(mine), FIXED, history=50)

        with pytest.raises(ConfigError, match=r"--strategy \./mine\.py:Mine"):
            check(live)


class TestRefusals:
    def test_without_bars_there_is_nothing_to_replay(self, tmp_path: Path):
        with Journal(tmp_path / "x.sqlite") as journal:
            run = journal.begin_run(venue="v", symbol="BTCUSDT", interval="1m", strategy="sar", started_ms=0)
            with pytest.raises(ConfigError, match="no bars of BTCUSDT 1m for run 1"):
                run_parity(journal, run)

    def test_several_symbols_want_a_choice(self, sar: LiveRun, check: Check):
        sar.told["symbols"] = ["BTCUSDT", "ETHUSDT"]
        with pytest.raises(ConfigError, match=r"trades BTCUSDT, ETHUSDT\. Choose one with --symbol"):
            check(sar)

    def test_one_of_several_symbols(self, sar: LiveRun, check: Check):
        sar.told["symbols"] = ["BTCUSDT", "ETHUSDT"]
        report = check(sar, symbol="btcusdt")

        assert report.comparison.is_equal
        assert "Several symbols shared one account." in report.story.notes[0]

    def test_a_symbol_that_was_not_traded(self, sar: LiveRun, check: Check):
        with pytest.raises(ConfigError, match=r"does not trade ETHUSDT\. It trades BTCUSDT"):
            check(sar, symbol="ETHUSDT")

    def test_one_strategy_over_several_symbols(self, sar: LiveRun, check: Check):
        sar.told |= {"symbols": ["BTCUSDT", "ETHUSDT"], "one_strategy": True}
        with pytest.raises(ConfigError, match="one strategy over 2 symbols"):
            check(sar, symbol="BTCUSDT")
