"""A run that trades BNB itself and pays the fees of its other symbols with it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from bt_run.core.money import Stake
from bt_run.journal.journal import Journal
from bt_run.practice.market.data_file import MarketRequest
from bt_run.practice.rules import Fees
from bt_run.run.live.books import read_past

NAME = "btc_1d.csv"


@pytest.mark.slow
def test_the_books_hold_what_the_account_does(start_site: Any, journal_file: Path) -> None:
    """No more BNB than there is may be sold, or the exchange refuses exits and stops."""
    markets = (MarketRequest(NAME, at="2025-08-15"), MarketRequest(NAME, at="2025-08-15", symbol="BNBUSDT"))
    fees = Fees(pay_in="BNB", bnb_price=Decimal(100_000))
    site = start_site(markets=markets, fees=fees, balances={"USDT": Decimal(10_000)}, step=False)
    plan = {
        "journal": journal_file,
        "origin": None,
        "stake": Stake(40.0, "percent"),
    }
    site.run("sar", **plan)

    with requests.Session() as session:
        session.trust_env = False
        told = session.get(f"{site.exchange.venue.rest_url}/practice/state", timeout=20).json()
    with Journal(journal_file) as journal:
        past = read_past(journal, site.plan("sar", **plan))
    assert past is not None
    for asset in ("BTC", "BNB"):
        balance = told["balances"].get(asset, {"free": "0", "locked": "0"})
        there = Decimal(balance["free"]) + Decimal(balance["locked"])
        assert there == past.ledger.holding(f"{asset}USDT").quantity, asset
    assert not [said for said in site.follower.warned if "refuses to sell" in said]
    paid = {fill["commissionAsset"] for fill in told["fills"] if fill["symbol"] == "BTCUSDT"}
    assert "BNB" in paid
    assert len(told["fills"]) > 10
