"""The desk watches the rules of its journal: whatever runs, and whenever they are made."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager

import pytest
import requests

from bt_run.alerts.settings import AlertSettings
from bt_run.journal.alert_tables import AlertTables
from bt_run.run.alerting.rules import AlertRules
from bt_run.run.desk.rule_keeper import PageTarget, RuleKeeper


class Friend(PageTarget):
    """A target that somebody has named in the settings."""

    name = "friend"


def until(read):
    """Read until something is there."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = read()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it did not come in time")


def step(venue):
    """Let the market's clock go on by a bar."""
    return requests.post(f"{venue.rest_url}/practice/step", json={"bars": 1}, timeout=20).ok


@contextmanager
def keeping(venue, journal, *targets):
    keeper = RuleKeeper(venue, str(journal), AlertSettings(), targets).start()
    try:
        yield keeper
    finally:
        keeper.stop()


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "bot.sqlite"


def test_a_rule_that_is_made_later_speaks_on_the_page(practice_market, journal):
    """Without a bot and without a target; looking makes no journal, and the message is the page's own."""
    venue = practice_market.venue
    with keeping(venue, journal) as keeper:
        assert not journal.exists()
        with closing(AlertRules(str(journal))) as rules, AlertTables(str(journal)) as tables:
            rules.add("close > open", symbol="BTCUSDT", interval="1d")
            until(lambda: keeper.is_watching)

            def come():
                requests.post(
                    f"{venue.rest_url}/practice/step", json={"bars": 1}, timeout=20
                ).raise_for_status()
                return tables.newest(10)

            record, way = until(come)[0]

    assert ("rule", 1, "page") == (record.kind, record.rule, way.target)
    assert record.key.startswith("page:rule:1:")
    assert not keeper.is_watching


def test_with_targets_a_message_has_the_name_that_a_bot_gives_it(practice_market, journal):
    """So that it is made once, whoever sees it first."""
    venue = practice_market.venue
    with closing(AlertRules(str(journal))) as rules, AlertTables(str(journal)) as tables:
        rules.add("close > open", symbol="BTCUSDT", interval="1d")
        with keeping(venue, journal, Friend()) as keeper:
            until(lambda: keeper.is_watching)

            def come():
                requests.post(
                    f"{venue.rest_url}/practice/step", json={"bars": 1}, timeout=20
                ).raise_for_status()
                return tables.newest(10)

            found = until(come)

    assert {"friend", "page"} == {way.target for record, way in found if record.id == found[0][0].id}
    assert found[0][0].key.startswith("rule:1:")


@pytest.mark.slow
def test_what_cannot_be_watched_is_said_and_tried_again(practice_market, journal):
    """A symbol that the venue has not; once the rule is gone there is no trouble."""
    with closing(AlertRules(str(journal))) as rules:
        rules.add("close > open", symbol="NOSUCHPAIR", interval="1d")
        with keeping(practice_market.venue, journal) as keeper:
            assert "NOSUCHPAIR" in until(lambda: keeper.trouble)
            rules.remove(1)
            until(lambda: not keeper.trouble)


@pytest.mark.slow
def test_a_rule_on_a_symbol_that_the_venue_has_not_stops_no_other(practice_market, journal):
    """It is said which one is left out, and the other speaks."""
    venue = practice_market.venue
    with closing(AlertRules(str(journal))) as rules, AlertTables(str(journal)) as tables:
        rules.add("close > open", symbol="NOSUCHPAIR", interval="1d")
        rules.add("close > open", symbol="BTCUSDT", interval="1d")
        with keeping(venue, journal) as keeper:
            assert "NOSUCHPAIR" in until(lambda: keeper.trouble)
            record, _ = until(lambda: step(venue) and tables.newest(10))[0]
            assert (record.rule, keeper.is_watching) == (2, True)
            rules.remove(1)
            until(lambda: not keeper.trouble)
