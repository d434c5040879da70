"""Real runs on a practice exchange against their backtests: equal, or explained to the last cent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.money import Stake
from bt_run.core.settings import Protection
from bt_run.journal.queries import JournalReader
from bt_run.practice.market.data_file import MarketRequest
from bt_run.run.parity.check import ParityReport, run_parity
from bt_run.run.parity.sides import LOUD, Cause

SHIPPED = ("bollinger", "combined", "ma_cross", "macd", "rsi", "sar")


def parity_of(journal: Path, **told: Any) -> ParityReport:
    """Compare the last run of a journal."""
    with JournalReader(journal) as reader:
        run = reader.last_run()
        assert run is not None
        return run_parity(reader, run, **told)


def causes(report: ParityReport) -> set[Cause]:
    """Give the causes that came up."""
    return {total.cause for total in report.comparison.totals}


def test_fees_as_a_backtest_counts_them_leave_no_difference(start_site: Any, journal_file: Path) -> None:
    start_site("2025-07-01").run("sar", journal=journal_file)
    report = parity_of(journal_file)
    found = report.comparison

    assert found.is_equal
    assert () == found.differences
    assert found.orders_matched == found.orders_live > 5
    assert found.signals.equal == len(report.story.joined.bars) > 100
    assert found.signals.values_equal > 100
    assert report.settings.commission == pytest.approx(0.001, abs=1e-9)


def test_stakes_of_an_account_that_symbols_share_are_explained(start_site: Any, journal_file: Path) -> None:
    """The backtest has all the cash for one symbol: its sizes differ, for a reason that is known."""
    markets = tuple(
        MarketRequest("btc_1d.csv", at="2025-08-05", symbol=name) for name in ("BTCUSDT", "ETHUSDT")
    )
    start_site(markets=markets).run("sar", journal=journal_file, stake=Stake(47.5, "percent"))
    for symbol in ("BTCUSDT", "ETHUSDT"):
        report = parity_of(journal_file, symbol=symbol)
        found = report.comparison

        assert found.is_explained
        assert found.orders_matched == found.orders_live > 5
        assert Cause.KNOCK_ON in causes(report)
        assert abs(found.residual) < 1e-6


def test_fees_in_coins_a_spread_and_stops_are_explained(start_site: Any, journal_file: Path) -> None:
    markets = (MarketRequest("btc_1d.csv", at="2025-07-01", spread_ticks=20),)
    site = start_site(fee_asset="received", markets=markets)
    stops = Protection(stop_loss_pct=3.0, take_profit_pct=6.0)
    site.run("combined", journal=journal_file, protection=stops, history=40)
    report = parity_of(journal_file)
    found = report.comparison

    assert found.is_explained
    assert not found.is_equal
    assert {Cause.FEE, Cause.FILL_PRICE} <= causes(report) <= set(Cause) - LOUD
    assert abs(found.residual) < 1e-6
    assert report.story.joined.first_tradable >= 40


def test_a_run_that_goes_on_is_one_story(start_site: Any, journal_file: Path) -> None:
    site = start_site("2025-08-15", step=False)
    first = site.make("sar", journal=journal_file, origin=None)

    def end_with_the_first_trade(sentence: str) -> None:
        if "bought" in sentence and " at " in sentence:
            first.ask_to_stop("the test has seen enough")

    site.follower.on_say = end_with_the_first_trade
    first.run()
    site.follower.on_say = lambda sentence: None
    site.run("sar", journal=journal_file, origin=None)
    report = parity_of(journal_file)

    assert 2 == len(report.story.runs)
    assert report.comparison.is_explained
    assert causes(report) <= {Cause.FEE, Cause.ROUNDING, Cause.LATENCY, Cause.KNOCK_ON}
    assert any(trip.is_matched for trip in report.comparison.trips)


def test_a_hand_written_strategy(start_site: Any, journal_file: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        """\
import backtrader as bt

class Mine(bt.Strategy):
    def __init__(self):
        self.macd = bt.talib.MACD(self.data)

    def next(self):
        if not self.position and self.macd.macd[0] > self.macd.macdsignal[0]:
            self.buy()
        elif self.position and self.macd.macd[0] < self.macd.macdsignal[0]:
            self.close()
""",
        encoding="utf-8",
    )
    stake = Stake.parse("0.05")
    start_site("2025-06-05").run(f"{mine}:Mine", journal=journal_file, stake=stake)
    report = parity_of(journal_file)

    assert report.comparison.is_equal
    assert report.comparison.orders_matched == report.comparison.orders_live > 3
    assert report.notes == parity_of(journal_file, strategy=f"{mine}:Mine").notes

    mine.write_text(f"{mine.read_text()}\n# better\n")
    (note,) = set(parity_of(journal_file).notes) - set(report.notes)
    assert f"{mine} has changed since run 1 began: the backtest has it as it is now." == note

    mine.rename(tmp_path / "elsewhere.py")
    with pytest.raises(ConfigError, match=r"of run 1 is not found: .*Name it with --strategy"):
        parity_of(journal_file)
    assert parity_of(journal_file, strategy=f"{tmp_path / 'elsewhere.py'}:Mine").comparison.is_equal


@pytest.mark.slow
@pytest.mark.parametrize("strategy", SHIPPED)
def test_every_shipped_strategy_over_years(start_site: Any, journal_file: Path, strategy: str) -> None:
    site = start_site("2017-08-17", fee_asset="received")
    site.run(strategy, journal=journal_file, protection=Protection(trailing_stop_pct=4.0))
    report = parity_of(journal_file)

    assert report.comparison.is_explained
    assert abs(report.comparison.residual) < 1e-5
    assert len(report.story.joined.bars) == 3000
