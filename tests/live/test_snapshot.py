"""What a display of a run is told."""

from __future__ import annotations

from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from brokers.holdings import Holding, Ledger
from bt_run.core.venue import VENUES
from bt_run.run.live.log import RunLog
from bt_run.run.live.plan import LivePlan
from bt_run.run.live.snapshot import take_snapshot
from bt_run.run.live.status import SymbolView
from strategies.loader import load_strategy

D = Decimal


def view_of(quantity: str, *, can_be_sold: bool) -> SymbolView:
    """Give what is told of a symbol of which so much is held, bought at 50 and worth 60."""
    held = Holding("BTCUSDT", "BTC", "USDT", D(quantity), D(quantity) * 50)
    broker: Any = SimpleNamespace(
        ledger=Ledger("USDT", D(1000), MappingProxyType({"BTCUSDT": held})),
        trouble="",
        orders={},
        getvalue=lambda: 1000.0,
        is_worth_telling=lambda symbol: can_be_sold,
    )
    given: dict[str, Any] = {
        "feeds": {"BTCUSDT": SimpleNamespace(status=lambda: SimpleNamespace(last_price=60.0))},
        "account": SimpleNamespace(is_up=True, trouble=""),
        "safety": SimpleNamespace(breaches=()),
    }
    told = take_snapshot(
        LivePlan(load_strategy("sar"), VENUES["testnet"]),
        broker=broker,
        log=RunLog({}),
        started_ms=0,
        start_equity=D(1000),
        **given,
    )
    return told.symbols[0]


@pytest.mark.parametrize(
    ("quantity", "can_be_sold", "held", "unrealised"),
    [("2", True, "2", "20"), ("0.000009", False, "0", "0"), ("0", False, "0", "0")],
)
def test_what_is_too_little_to_sell_is_no_position(
    quantity: str, can_be_sold: bool, held: str, unrealised: str
) -> None:
    """Dust that a fee leaves is in the equity; a position of it would worry who reads."""
    view = view_of(quantity, can_be_sold=can_be_sold)

    assert (D(held), D(unrealised)) == (view.held, view.unrealised)
