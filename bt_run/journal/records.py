"""
What the journal keeps, as frozen plain data.

Field names are the columns' names. Quantities, prices and fees are `Decimal`, exact to the last digit; a float
there is refused. Times are ms since 1970 UTC. The columns of bars are floats, as the exchange's klines are
everywhere else, NaN where unknown.

Mappings become JSON: a Decimal in them becomes text, NaN becomes null, and what goes by the name of a secret
is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "TERMINAL_STATES",
    "AlertRecord",
    "AlertRuleRecord",
    "BalanceRecord",
    "BarRecord",
    "CommandRecord",
    "ConnectionRecord",
    "DeliveryRecord",
    "EquityRecord",
    "FillRecord",
    "OrderEvent",
    "OrderRecord",
    "RunRecord",
    "SignalRecord",
    "SymbolRecord",
    "WriterRecord",
]

TERMINAL_STATES = ("FILLED", "CANCELED", "EXPIRED", "REJECTED")
"""States of an order that is done; every other state means that the exchange must be asked after a start."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """
    One live run, from its start to its end.

    `run` counts from 1. `venue` is the venue's name, `mode` says where orders go: ``live`` to the venue,
    ``paper`` to our own broker. `resumes` is the run that this one goes on from. `ended_ms` is None while it
    runs, and stays None when it was killed; `outcome` is how it ended, empty until then.
    """

    run: int
    venue: str
    mode: str
    symbol: str
    interval: str
    strategy: str
    params: Mapping[str, Any]
    settings: Mapping[str, Any]
    version: str
    resumes: int | None
    started_ms: int
    ended_ms: int | None = None
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class SymbolRecord:
    """What the exchange said of a symbol when the run began; steps are None where it said nothing."""

    run: int
    symbol: str
    base_asset: str
    quote_asset: str
    tick_size: Decimal | None = None
    lot_step: Decimal | None = None
    min_notional: Decimal | None = None

    def __post_init__(self) -> None:
        _check_amounts(self, "tick_size", "lot_step", "min_notional")


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """
    An order as it stands now.

    `run` is the run that made it, also when a later run goes on with it; (`run`, `client_id`) is its key.
    `side`, `type` and `time_in_force` are Binance's words. `quantity` is in base asset, `quote_quantity` and
    `price` in quote asset, `trailing_delta` in basis points; None where the order has none. `list_id` is our
    own id of an order list, empty for a single order. `purpose` says why it was sent: ``entry``, ``exit``,
    ``stop_loss`` and the like. `state` is a state of `brokers.orders`. `reason` is why it was refused or
    ended, empty where there is nothing to say.
    """

    run: int
    client_id: str
    symbol: str
    side: str
    type: str
    quantity: Decimal | None
    created_ms: int
    updated_ms: int
    state: str
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    stop_price: Decimal | None = None
    trailing_delta: int | None = None
    time_in_force: str = ""
    list_id: str = ""
    purpose: str = ""
    exchange_id: int | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        _check_amounts(self, "quantity", "quote_quantity", "price", "stop_price")
        if type(self.state) is not str:  # some drivers would write an enum by its name
            object.__setattr__(self, "state", str(self.state))

    @property
    def is_open(self) -> bool:
        """Whether the order is not known to be done."""
        return self.state not in TERMINAL_STATES


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """
    One line of an order's story: what happened, when, and what came with it.

    Whose it is, and its `sequence` (from 1 in each order), are given by the journal when it is written.
    """

    kind: str
    time_ms: int
    details: Mapping[str, Any] = field(default_factory=dict)
    run: int = 0
    client_id: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class FillRecord:
    """
    One execution of an order of ours: `quantity` in base asset, `price` in quote asset, both > 0.

    `fee` is in `fee_asset`, which may be the base asset, the quote asset or a third such as BNB.
    `run` is the order's run.
    """

    run: int
    symbol: str
    trade_id: int
    client_id: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    time_ms: int
    is_maker: bool | None = None

    def __post_init__(self) -> None:
        _check_amounts(self, "quantity", "price", "fee")


@dataclass(frozen=True, slots=True)
class SignalRecord:
    """What the strategy decided at the close of the bar that opened at `open_time`, and what it saw."""

    run: int
    symbol: str
    open_time: int
    decisions: tuple[str, ...]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BalanceRecord:
    """What the account held of one asset."""

    run: int
    time_ms: int
    asset: str
    free: Decimal
    locked: Decimal

    def __post_init__(self) -> None:
        _check_amounts(self, "free", "locked")


@dataclass(frozen=True, slots=True)
class EquityRecord:
    """The account at the close of a bar: `value` = `cash` + `position` * `price`, in quote asset."""

    run: int
    symbol: str
    open_time: int
    cash: Decimal
    position: Decimal
    price: Decimal
    value: Decimal

    def __post_init__(self) -> None:
        _check_amounts(self, "cash", "position", "price", "value")


@dataclass(frozen=True, slots=True)
class BarRecord:
    """
    A closed bar that the strategy saw.

    `source` says how it came. `tradable` is False for a bar that came too late, or only to warm up: the
    strategy saw it and could send no order.
    """

    run: int
    symbol: str
    interval: str
    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float
    trades: float
    taker_buy_volume: float
    taker_buy_quote_volume: float
    source: Literal["live", "backfill", "history"]
    tradable: bool


@dataclass(frozen=True, slots=True)
class ConnectionRecord:
    """Something that befell a connection: connected, disconnected, resubscribed, a gap filled."""

    run: int
    time_ms: int
    stream: str
    kind: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """
    A word from outside to the bot of a run, such as ``pause``.

    `taken_ms` is None until the bot has read it, `answer` None until it has obeyed, or has said why not.
    """

    id: int
    run: int
    verb: str
    issued_ms: int
    taken_ms: int | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """
    A message to people; of one `key` there is only one.

    `time_ms` is when it happened, `created_ms` when the message was made. `picture` is what its chart shows,
    empty for none. `rule` is the number of the indicator rule that made it, 0 for others.
    """

    id: int
    key: str
    kind: str
    time_ms: int
    symbol: str
    title: str
    body: str
    picture: Mapping[str, Any]
    rule: int
    created_ms: int


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """
    A message on its way to a target, which is named without its secrets.

    `state` is ``waiting``, ``sent`` or ``failed``; `due_ms` when it is tried next, `done_ms` None while it
    waits.
    """

    alert: int
    target: str
    state: str
    attempts: int
    due_ms: int
    done_ms: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class AlertRuleRecord:
    """An indicator rule of a person's; `cooldown_s` is the least time between two of its messages."""

    id: int
    text: str
    symbol: str
    interval: str
    cooldown_s: int
    enabled: bool
    created_ms: int


@dataclass(frozen=True, slots=True)
class WriterRecord:
    """Who writes the journal, or wrote it last; `token` is new each time that it is opened to write."""

    token: str
    pid: int
    host: str
    since_ms: int
    beat_ms: int


def _check_amounts(record: object, *names: str) -> None:
    """A float has lost digits already, so it is refused here and not written."""
    for name in names:
        value = getattr(record, name)
        if value is None:
            continue
        if not isinstance(value, Decimal):
            raise TypeError(f"{name} of {type(record).__name__} is {value!r}. Give a Decimal.")
        if not value.is_finite():
            raise ValueError(f"{name} of {type(record).__name__} is {value}. Give a finite number.")
