"""Orders on bt-run web: where they are taken, and what is said where they are not."""

from __future__ import annotations

from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from bt_run.cli import web_trading
from bt_run.cli.main import run
from bt_run.core.errors import ConfigError
from bt_run.core.venue import VENUES

OPTIONS = {"max_order": None, "max_price_deviation": None, "max_orders_per_minute": None, "real_money": False}


@pytest.fixture
def offer(monkeypatch, tmp_path):
    """Give a way to offer trading at a venue; nobody is at the terminal, there is no key, and none is sent."""
    monkeypatch.chdir(tmp_path)
    for name in ("BINANCE_API", "BINANCE_TESTNET_API"):
        for part in ("KEY", "SECRET", "PRIVATE_KEY"):
            monkeypatch.delenv(f"{name}_{part}", raising=False)
    monkeypatch.delenv("BT_RUN_REAL_MONEY", raising=False)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    taken = []
    monkeypatch.setattr(web_trading, "_take", lambda stack, desk, key, **told: taken.append((key, told)))

    def at(venue, *, journal="", **options):
        desk = SimpleNamespace(venue=VENUES[venue], journal=journal, trading_off="", has_real_money=False)
        with ExitStack() as stack:
            web_trading.offer_trading(stack, desk, None, {**OPTIONS, **options})
        return desk, taken

    return at


@pytest.mark.parametrize(
    ("venue", "options", "words"),
    [
        ("data", {}, "market data only"),
        ("testnet", {}, "--journal"),
        ("testnet", {"journal": "bot.sqlite"}, "BINANCE_TESTNET_API_KEY"),
        ("mainnet", {"journal": "bot.sqlite"}, "--real-money"),
        ("mainnet", {"journal": "bot.sqlite", "real_money": True}, "BINANCE_API_KEY"),
    ],
)
def test_where_something_is_missing_the_desk_says_what(offer, venue, options, words):
    """And takes no order; the market is shown all the same."""
    desk, taken = offer(venue, **options)

    assert words in desk.trading_off
    assert [] == taken


def test_a_key_and_a_journal_are_enough_for_play_money(offer, monkeypatch):
    """The key is hidden in what Python writes of it."""
    monkeypatch.setenv("BINANCE_TESTNET_API_KEY", "k" * 20)
    monkeypatch.setenv("BINANCE_TESTNET_API_SECRET", "s" * 20)
    desk, taken = offer("testnet", journal="bot.sqlite")
    ((key, told),) = taken

    assert ("", False) == (desk.trading_off, desk.has_real_money)
    assert ("bot.sqlite", None) == (told["journal"], told["uid"])
    assert "s" * 20 not in repr(key)


def test_real_money_needs_a_person_or_the_number_of_the_account(offer, monkeypatch):
    """The option and the key alone do not suffice."""
    monkeypatch.setenv("BINANCE_API_KEY", "k" * 20)
    monkeypatch.setenv("BINANCE_API_SECRET", "s" * 20)
    with pytest.raises(ConfigError, match="BT_RUN_REAL_MONEY"):
        offer("mainnet", journal="bot.sqlite", real_money=True)
    monkeypatch.setenv("BT_RUN_REAL_MONEY", "42")
    desk, ((_, told),) = offer("mainnet", journal="bot.sqlite", real_money=True)

    assert desk.has_real_money
    assert "42" == told["uid"]


@pytest.mark.parametrize(
    ("typed", "agrees"), [("MAINNET", True), ("mainnet", True), ("yes", False), ("", False)]
)
def test_the_person_types_the_venue(offer, monkeypatch, typed, agrees):
    """After the limits were shown."""
    shown = []
    monkeypatch.setenv("BINANCE_API_KEY", "k" * 20)
    monkeypatch.setenv("BINANCE_API_SECRET", "s" * 20)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(web_trading, "_ask", lambda lines, question: (shown.extend(lines), typed)[1])
    if agrees:
        assert 1 == len(offer("mainnet", journal="bot.sqlite", real_money=True)[1])
    else:
        with pytest.raises(ConfigError, match="Not agreed"):
            offer("mainnet", journal="bot.sqlite", real_money=True)

    assert "REAL MONEY on mainnet" in shown[0]
    assert "largest order, in quote asset: NO LIMIT" in shown[1]


def test_a_short_secret_for_signals_is_refused(capsys, monkeypatch, tmp_path):
    """Before anything listens, and without repeating it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BT_RUN_SIGNAL_SECRET", "guess me")

    assert 2 == run(["web", "--no-browser", "--port", "0"])
    told = capsys.readouterr().err
    assert "16 characters" in told
    assert "guess me" not in told
