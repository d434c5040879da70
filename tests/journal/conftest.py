"""Journals to write to, and records to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bt_run.journal.journal import Journal
from bt_run.journal.records import BarRecord, FillRecord, OrderRecord

T0 = 1_789_000_000_000


class Records:
    """Makes records of run 1; whatever is given wins over what is made up."""

    time = T0

    @staticmethod
    def order(client_id: str = "btr-1", **given: Any) -> OrderRecord:
        """Make a limit order to buy that is about to be sent."""
        made = {"run": 1, "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": Decimal("0.001")}
        made |= {"price": Decimal("64000.10"), "state": "NEW", "created_ms": T0, "updated_ms": T0}
        return OrderRecord(client_id=client_id, **(made | given))

    @staticmethod
    def fill(trade_id: int = 7, **given: Any) -> FillRecord:
        """Make a fill of that order."""
        made = {"run": 1, "symbol": "BTCUSDT", "client_id": "btr-1", "side": "BUY", "time_ms": T0 + trade_id}
        made |= {"quantity": Decimal("0.001"), "price": Decimal(64000), "fee": Decimal("0.064")}
        return FillRecord(trade_id=trade_id, **(made | {"fee_asset": "USDT"} | given))

    @staticmethod
    def bar(number: int = 0, **given: Any) -> BarRecord:
        """Make a minute's bar."""
        made: dict[str, Any] = {"run": 1, "symbol": "BTCUSDT", "interval": "1m", "source": "live"}
        made |= dict.fromkeys(("open", "high", "low", "close"), 64000.1) | {"tradable": True}
        made |= dict.fromkeys(("volume", "quote_volume", "trades"), 3.0)
        made |= dict.fromkeys(("taker_buy_volume", "taker_buy_quote_volume"), 1.5)
        return BarRecord(open_time=T0 + 60_000 * number, **(made | given))


@pytest.fixture(scope="session")
def make() -> type[Records]:
    """Give the maker of records."""
    return Records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of a journal that is not there yet."""
    return tmp_path / "bot.sqlite"


@pytest.fixture
def begin() -> Callable[..., int]:
    """Give a function that begins a run and gives its number."""

    def begin_run(journal: Journal, **given: Any) -> int:
        made = {"venue": "testnet", "symbol": "BTCUSDT", "interval": "1m", "strategy": "rsi", "started_ms": T0}
        return journal.begin_run(**(made | given)).run

    return begin_run


@pytest.fixture
def journal(path: Path, begin: Callable[..., int]) -> Iterator[Journal]:
    """Give a journal with run 1 begun."""
    with Journal(path) as opened:
        begin(opened)
        yield opened
