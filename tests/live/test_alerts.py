"""Alerts of live runs on a practice exchange: what is told equals what happened, and nothing waits for it."""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from loopback import Loopback
from telegram_server import TOKEN, TelegramServer

from bt_run.alerts.happening import Picture
from bt_run.alerts.settings import AlertSettings, TelegramSettings
from bt_run.alerts.target import make_targets
from bt_run.core.errors import StrategyError
from bt_run.core.interval import Interval
from bt_run.core.settings import Protection
from bt_run.journal.alert_tables import AlertTables
from bt_run.journal.queries import JournalReader
from bt_run.practice.market.data_file import MarketRequest
from bt_run.run.alerting.listener import LiveAlerts
from bt_run.run.alerting.picture import draw_picture
from bt_run.run.alerting.rules import AlertRules
from bt_run.run.safety_limits import SafetyLimits

HISTORY = 500


def run_with(site: Any, alerts: LiveAlerts, strategy: str = "rsi", **changes: Any) -> Any:
    """Run with alerts to the end."""
    run = site.make(strategy, **changes)
    run._listener = alerts
    return run.run()


def told(webhook: Loopback) -> list[dict[str, Any]]:
    """Give the messages that came."""
    return [json.loads(request.body) for request in webhook.requests]


def alerts_to(url: str, *, draw: Any = None, close_s: float = 60.0, **table: Any) -> LiveAlerts:
    """Make alerts that go to a URL."""
    settings = AlertSettings.of({"urls": [url], **table}, {})
    return LiveAlerts(settings, make_targets(settings.urls), draw=draw, close_s=close_s)


def stamp(picture: Picture) -> bytes:
    """Stand in for a drawing: says which bar is the last, and what is marked there."""
    return json.dumps([picture.title, picture.rows[-1][0], picture.rows[-1][4], len(picture.rows)]).encode()


@pytest.mark.slow
def test_signals_of_two_hours_are_told_in_order_with_their_charts(
    start_site: Any, two_hours: MarketRequest, webhook: Loopback, journal_file: Path
) -> None:
    """As many as the run said, as its journal has them, each with a chart that ends at the signal's bar."""
    site = start_site("start", markets=(two_hours,))
    alerts = alerts_to(webhook.url.replace("http", "json"), draw=stamp, events=["signal"])
    run_with(site, alerts, interval=Interval(1, "m"), journal=journal_file, history=HISTORY)

    said = [line for line in site.follower.said if " signal " in line]
    messages = told(webhook)
    with JournalReader(journal_file) as reader:
        closes = {bar.open_time: bar.close for bar in reader.bars(1)}
    assert len(said) >= 5
    assert [line.partition(" signal ")[2].partition(" at ")[0] for line in said] == [
        message["title"].partition(": ")[2] for message in messages
    ]
    for message in messages:
        title, open_time, close, shown = json.loads(base64.b64decode(message["attachments"][0]["base64"]))
        assert (message["title"], 90) == (title, shown)
        assert f"at {close:,.2f}".rstrip("0").rstrip(".") in message["message"]
        assert closes[open_time] == close


@pytest.mark.slow
def test_two_hours_with_real_pictures(
    start_site: Any, two_hours: MarketRequest, webhook: Loopback, journal_file: Path
) -> None:
    """Signals, entries, exits and rules: each has a picture of the size that is drawn, and comes once."""
    with AlertTables(journal_file) as tables:
        AlertRules(tables).add("rsi(14) < 35", symbol="BTCUSDT", cooldown_s=0)
    site = start_site("start", markets=(two_hours,))
    alerts = alerts_to(webhook.url.replace("http", "json"), draw=draw_picture, close_s=300)
    run_with(site, alerts, interval=Interval(1, "m"), journal=journal_file, history=HISTORY)

    messages = told(webhook)
    titles = [message["title"] for message in messages]
    with AlertTables(journal_file) as tables:
        kept = tables.newest(1000)
    assert [record.title for record, _ in kept] == titles
    assert {"sent"} == {way.state for _, way in kept}
    assert {"signal", "entry", "exit", "rule"} <= {record.kind for record, _ in kept}
    for message in messages:
        picture = base64.b64decode(message["attachments"][0]["base64"])
        assert (1080, 1080) == struct.unpack(">II", picture[16:24])


@pytest.mark.slow
def test_orders_and_rules_are_told(
    start_site: Any, two_hours: MarketRequest, webhook: Loopback, journal_file: Path
) -> None:
    """Each order that traded with what it earned, each time that a rule begins to hold."""
    with AlertTables(journal_file) as tables:
        rules = AlertRules(tables)
        rules.add("close crosses above sma(20) on 5m", symbol="BTCUSDT", cooldown_s=0)
        rules.switch(rules.add("close > 0", symbol="BTCUSDT").number, is_on=False)
        rules.add("close > 1", symbol="ETHUSDT")
    site = start_site("start", markets=(two_hours,))
    alerts = alerts_to(webhook.url.replace("http", "json"), charts=False)
    outcome = run_with(site, alerts, interval=Interval(1, "m"), journal=journal_file, history=HISTORY)

    (result,) = outcome.results
    messages = told(webhook)
    kinds = {}
    with AlertTables(journal_file) as tables:
        for record, _ in tables.newest(1000):
            kinds.setdefault(record.kind, []).append(record)
    assert not alerts.unsent
    assert len(messages) == sum(map(len, kinds.values()))
    assert len(result.trades) == len(kinds["exit"]) >= 2
    assert all("earned" in record.body for record in kinds["exit"])
    earned = sum(float(record.body.split()[1].replace(",", "")) for record in kinds["exit"])
    assert sum(trade.pnl for trade in result.trades) == pytest.approx(earned, abs=0.01)
    assert kinds["rule"]
    assert {"BTCUSDT"} == {record.symbol for record in kinds["rule"]}
    assert "error" not in kinds


@pytest.mark.slow
def test_a_service_that_hangs_delays_no_trade(
    start_site: Any, two_hours: MarketRequest, webhook: Loopback, journal_file: Path
) -> None:
    """The run goes on, ends when its data ends, and its messages wait in the journal for the next start."""
    webhook.hold.clear()
    site = start_site("start", markets=(two_hours,))
    alerts = alerts_to(webhook.url.replace("http", "json") + "?rto=30", charts=False, close_s=0.2)
    outcome = run_with(site, alerts, interval=Interval(1, "m"), journal=journal_file, history=HISTORY)

    with AlertTables(journal_file) as tables:
        waiting = tables.count_waiting()
    assert "the data has ended" == outcome.reason
    assert alerts.unsent
    assert len(outcome.results[0].trades) >= 2
    assert waiting >= 2 * len(outcome.results[0].trades)
    assert len(webhook.requests) == 1


@pytest.mark.slow
def test_a_strategy_that_raises_is_told(start_site: Any, webhook: Loopback, tmp_path: Path) -> None:
    """As an error, which ends the run."""
    path = tmp_path / "raising.py"
    path.write_text(
        "import backtrader as bt\n\n\nclass Raising(bt.Strategy):\n"
        "    def next(self):\n        if len(self) > 20:\n            raise ValueError('no more')\n"
    )
    site = start_site()
    with pytest.raises(StrategyError):
        alerts = alerts_to(webhook.url.replace("http", "json"), events=["error"])
        run_with(site, alerts, f"{path}:Raising")

    (message,) = told(webhook)
    assert "ended with an error" in message["title"]


@pytest.mark.slow
def test_telegram_hears_of_signals(start_site: Any, two_hours: MarketRequest) -> None:
    """Text and chart in one message."""
    with TelegramServer().serving() as server:
        settings = AlertSettings.of({"urls": [f"tgram://{TOKEN}/55"], "events": ["exit"]}, {})
        targets = make_targets(settings.urls, telegram_url=server.url)
        for target in targets:
            target.gap_s = 0.0
        site = start_site("start", markets=(two_hours,))
        alerts = LiveAlerts(settings, targets, draw=stamp, close_s=30)
        outcome = run_with(site, alerts, interval=Interval(1, "m"), history=HISTORY)

    assert len(outcome.results[0].trades) == len(server.sent)
    assert all("sold" in sent.text and sent.photo for sent in server.sent)


def kinds_in(journal_file: Path) -> list[tuple[str, str]]:
    """Give kind and title of each message that was kept."""
    with AlertTables(journal_file) as tables:
        return [(record.kind, record.title) for record, _ in tables.newest(1000)]


@pytest.mark.slow
def test_a_restart_is_told_and_is_no_difference(start_site: Any, webhook: Loopback, journal_file: Path) -> None:
    """The first start is no news; coins on the account that are not the run's are none either."""
    balances = {"USDT": Decimal(5000), "BTC": Decimal("0.5")}
    site = start_site("2025-08-15", fee_asset="received", step=False, balances=balances)
    url = webhook.url.replace("http", "json")
    for _ in range(2):
        alerts = alerts_to(url, charts=False, events=["restart", "reconcile", "error"])
        run_with(site, alerts, "sar", journal=journal_file, origin=None, duration_s=2.0)

    assert [("restart", "sar on BTCUSDT was restarted")] == kinds_in(journal_file)


@pytest.mark.slow
def test_stops_and_limits_are_told(start_site: Any, webhook: Loopback, journal_file: Path) -> None:
    """A stop-loss that sells, with what it cost; a limit, once, without the orders that it refuses."""
    site = start_site("2025-07-15")
    alerts = alerts_to(webhook.url.replace("http", "json"), charts=False)
    limits = SafetyLimits(max_drawdown_pct=Decimal(4))
    protection = Protection(stop_loss_pct=1.0)
    run_with(site, alerts, "sar", journal=journal_file, protection=protection, limits=limits)

    told = kinds_in(journal_file)
    stops = [title for kind, title in told if kind == "stop"]
    assert stops
    assert all(title.startswith("Stop hit: BTCUSDT: sold") for title in stops)
    assert [("limit", "Limit reached: max-drawdown")] == [item for item in told if item[0] == "limit"]
    assert not [item for item in told if item[0] in ("rejected", "error")]


@pytest.mark.slow
def test_a_lost_connection_is_told_when_it_lasts(
    start_site: Any, two_hours: MarketRequest, webhook: Loopback, journal_file: Path
) -> None:
    """And that it is back."""
    site = start_site("start", markets=(two_hours,), speed=30.0)
    table = {"charts": False, "events": ["disconnected", "reconnected"], "disconnected-after": 0.5}
    alerts = alerts_to(webhook.url.replace("http", "json"), **table)
    run = site.make("rsi", interval=Interval(1, "m"), journal=journal_file, history=HISTORY)
    run._listener = alerts
    thread = threading.Thread(target=run.run)
    thread.start()
    wait_until(lambda: alerts._snapshot is not None and alerts._snapshot.bars > 0)
    url = f"{site.exchange.venue.rest_url}/practice/faults"
    session = requests.Session()
    session.trust_env = False
    session.post(url, json={"kind": "restart", "down_s": 3.0, "count": 1}, timeout=5).raise_for_status()
    wait_until(lambda: any("connected again" in message["title"] for message in told(webhook)))
    run.ask_to_stop("enough")
    thread.join(30)

    kinds = [kind for kind, _ in kinds_in(journal_file)]
    assert "disconnected" == kinds[0]
    assert "reconnected" == kinds[-1]


@pytest.mark.slow
def test_telegram_controls_a_run(start_site: Any, two_hours: MarketRequest, journal_file: Path) -> None:
    """Status, pause, resume, a chart; and panic, asked again, ends the run with nothing left."""
    with TelegramServer().serving() as server:
        telegram = TelegramSettings(TOKEN, frozenset({55}), server.url)
        alerts = LiveAlerts(AlertSettings(telegram=telegram), (), draw=stamp)
        site = start_site("start", markets=(two_hours,), speed=60.0)
        outcomes: list[Any] = []
        thread = threading.Thread(
            target=lambda: outcomes.append(
                run_with(site, alerts, interval=Interval(1, "m"), journal=journal_file, history=HISTORY)
            )
        )
        thread.start()
        wait_until(lambda: alerts._snapshot is not None and alerts._snapshot.bars > 0)
        for number, text in enumerate(
            ["/status", "/position", "/orders", "/profit", "/daily", "/pause", "/resume", "/chart", "/panic"], 1
        ):
            server.say(55, text)
            wait_until(lambda: len(server.sent) >= number)  # noqa: B023  # it is called before the next one
        server.say(55, "/panic yes")
        thread.join(30)

    texts = [sent.text for sent in server.sent]
    assert "rsi on BTCUSDT, practice (live)" in texts[0]
    assert "Cash 1" in texts[1]
    assert "No open orders." == texts[2]
    assert "since the start" in texts[3]
    assert "Bought 0, sold 0" in texts[4]
    assert "Paused: no new entries" in texts[5]
    assert "Entries are allowed again" in texts[6]
    assert ("BTCUSDT", True) == (texts[7], server.sent[7].photo is not None)
    assert "within 60 seconds" in texts[8]
    assert "The bot has ended." in texts[9]
    assert ["bt-run panic"] == [outcome.reason for outcome in outcomes]


def wait_until(is_so: Any, limit_s: float = 30.0) -> None:
    """Look until it is so."""
    until = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < until, "waited too long"
        threading.Event().wait(0.02)
