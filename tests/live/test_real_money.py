"""Real money is refused unless it is asked for twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bt_run.core.errors import ConfigError
from bt_run.core.venue import VENUES
from bt_run.run.live.plan import LivePlan
from bt_run.run.live.real_money import allow_real_money, check_account, is_real, stakes
from strategies.loader import load_strategy


def plan(venue: str = "mainnet", **changes: Any) -> LivePlan:
    return LivePlan(load_strategy("sar"), VENUES[venue], **changes)


def answering(text: str) -> Any:
    return lambda lines, question: text


@pytest.mark.parametrize(
    ("venue", "real"),
    [("mainnet", True), ("data", True), ("testnet", False), ("demo", False), ("practice", False)],
)
def test_knows_where_real_money_is(venue: str, real: bool) -> None:
    assert is_real(VENUES[venue]) is real


def test_a_testnet_that_points_at_the_real_exchange_is_real() -> None:
    assert is_real(replace(VENUES["testnet"], rest_url="https://api.binance.com"))


def test_play_money_and_paper_need_nothing() -> None:
    assert allow_real_money(plan("testnet"), is_wanted=False, environ={}, ask=None) is None
    assert allow_real_money(plan(mode="paper"), is_wanted=False, environ={}, ask=None) is None


def test_the_option_alone_is_not_enough() -> None:
    with pytest.raises(ConfigError, match="--real-money"):
        allow_real_money(plan(), is_wanted=False, environ={"BT_RUN_REAL_MONEY": "1"}, ask=answering("BTCUSDT"))
    with pytest.raises(ConfigError, match="BT_RUN_REAL_MONEY"):
        allow_real_money(plan(), is_wanted=True, environ={}, ask=None)


@pytest.mark.parametrize("typed", ["", "y", "yes", "ETHUSDT"])
def test_anything_but_the_symbol_is_a_no(typed: str) -> None:
    with pytest.raises(ConfigError, match="Not agreed"):
        allow_real_money(plan(), is_wanted=True, environ={}, ask=answering(typed))


def test_the_symbol_is_a_yes() -> None:
    assert allow_real_money(plan(), is_wanted=True, environ={}, ask=answering(" btcusdt ")) is None


def test_unattended_the_account_must_be_the_one_named() -> None:
    assert allow_real_money(plan(), is_wanted=True, environ={"BT_RUN_REAL_MONEY": "42"}, ask=None) == "42"
    check_account("42", 42)
    with pytest.raises(ConfigError, match="account 42, and the key is of account 43"):
        check_account("42", 43)
    with pytest.raises(ConfigError, match="account None"):
        check_account("42", None)


def test_says_what_has_no_limit() -> None:
    told = "\n".join(stakes(plan()))
    assert "REAL MONEY on mainnet (api.binance.com)" in told
    assert "largest loss of a day: NO LIMIT" in told
    assert "BTCUSDT 1m" in told
