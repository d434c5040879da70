"""Rules of a journal, checked before they are kept, and evaluated at each bar."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bt_run.alerts.rules.parse_error import ParseError
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.run.alerting.bars import BarBook
from bt_run.run.alerting.rule_watch import RuleWatch
from bt_run.run.alerting.rules import AlertRules

MINUTE = Interval.parse("1m")


@pytest.fixture
def rules(tmp_path: Path) -> Iterator[AlertRules]:
    """Give the rules of a new journal."""
    opened = AlertRules(tmp_path / "bot.sqlite")
    yield opened
    opened.close()


def told(rules: AlertRules, closes: list[float], *, watch: RuleWatch | None = None) -> list[tuple[int, str]]:
    """Give at which bars which rules speak."""
    book, watch, found = BarBook(), watch or RuleWatch(), []
    watch.take(rules.all())
    for number, close in enumerate(closes):
        book.add("BTCUSDT", MINUTE, 60_000 * number, (close, close, close, close, 1.0))
        found += [(number, happening.title) for happening in watch.at_bar(book, "BTCUSDT")]
    return found


def test_a_rule_speaks_when_it_begins_to_hold(rules: AlertRules):
    """Of its own symbol; one that is switched off does not."""
    rules.add("close > 10", symbol="BTCUSDT")
    rules.add("close > 10", symbol="ETHUSDT")
    rules.switch(rules.add("close < 10", symbol="BTCUSDT").number, is_on=False)

    speaks = [(1, "BTCUSDT 1m: close > 10"), (4, "BTCUSDT 1m: close > 10")]
    assert speaks == told(rules, [9, 11, 12, 8, 11])


def test_a_rule_of_longer_bars_waits_for_their_close(rules: AlertRules):
    """Its first bar closes with the fifth minute."""
    rules.add("close > 10 on 5m", symbol="BTCUSDT")

    assert [(9, "BTCUSDT 5m: close > 10 on 5m")] == told(rules, [9, 11, 11, 11, 9, 9, 9, 9, 9, 11, 11])


def test_a_rule_of_shorter_bars_is_left_out_with_a_word(rules: AlertRules, caplog: pytest.LogCaptureFixture):
    """Once."""
    caplog.set_level(logging.WARNING)
    rules.add("close > 10 on 1s", symbol="BTCUSDT")

    assert [] == told(rules, [9, 11])
    assert 1 == caplog.text.count("Alert rule 1 is not watched here")


def test_a_rule_that_is_changed_is_watched_as_it_is_now(rules: AlertRules):
    """And one that stays goes on where it was."""
    watch = RuleWatch()
    rule = rules.add("close > 10", symbol="BTCUSDT")
    told(rules, [9, 11], watch=watch)
    rules.change(rule.number, text="close > 20")

    assert [(3, "BTCUSDT 1m: close > 20")] == told(rules, [9, 11, 12, 21], watch=watch)


def test_what_is_changed_is_checked(rules: AlertRules):
    """Text, symbol, interval, cool-down; what is refused changes nothing."""
    rule = rules.add("close > 10 on 5m", symbol="BTCUSDT")
    for change, error in [
        ({"text": "close >"}, ParseError),
        ({"symbol": "?"}, ConfigError),
        ({"interval": "1h"}, ConfigError),
        ({"cooldown_s": -1}, ConfigError),
    ]:
        with pytest.raises(error):
            rules.change(rule.number, **change)

    assert [rule] == rules.all()
    changed = rules.change(rule.number, text="close > 11 on 1h", symbol="eth-usdt", cooldown_s=0)
    assert ("close > 11 on 1h", "ETHUSDT", "1h", 0) == (
        changed.text,
        changed.symbol,
        changed.interval,
        changed.cooldown_s,
    )
