"""From settings to an exchange that is ready to be served: what the command, tests and live runs begin with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from bt_run.core.clock import iso_utc
from bt_run.core.errors import ConfigError
from bt_run.practice import control
from bt_run.practice.exchange import Exchange
from bt_run.practice.faults import FaultBoard
from bt_run.practice.limits import LimitRules, Limits
from bt_run.practice.market.data_file import load_market
from bt_run.practice.market.filter_changes import EVERY
from bt_run.practice.pacer import Pacer
from bt_run.practice.rules import Fees
from bt_run.practice.saved_state import SavedState, StateFile, read_state
from bt_run.practice.server import PracticeServer
from bt_run.practice.signing import HmacKey, Keys, ed25519_key, made_key
from bt_run.practice.sockets import SPOT, WS_API, SocketPolicies, routes
from bt_run.practice.trading import Trading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bt_run.practice.faults import Fault
    from bt_run.practice.market.data_file import LoadedMarket, MarketRequest
    from bt_run.practice.signing import Ed25519Key

__all__ = ["DEFAULT_PORT", "Practice", "PracticePlan", "prepare"]

DEFAULT_PORT = 8590
"""Where ``--venue practice`` looks for it (bt_run.core.venue)."""

_CASH = Decimal(10_000)
_ATTEMPTS_OFF = SocketPolicies(spot=replace(SPOT, messages=0), api=WS_API, attempts=0)


@dataclass(frozen=True, slots=True)
class PracticePlan:
    """
    What a practice exchange shall be.

    `markets` are replayed together, from the latest of their beginnings on. `balances` by asset, {} for
    10,000 of each quote asset. `filters` are changes of `SymbolRules` by symbol, ``*`` for all. `seed` makes
    client ids and, where `key` is None, the key and its secret; None: of real chance, and the markets have
    the seed of their requests. `state` is a file that keeps all over restarts: where there is one, its clock,
    balances and seed count, and not those named here.
    """

    markets: tuple[MarketRequest, ...]
    balances: Mapping[str, Decimal] = field(default_factory=dict)
    fees: Fees = Fees()
    filters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    speed: float | Literal["max"] = 1.0
    step: bool = False
    seed: int | None = None
    key: HmacKey | None = None
    public_key: str | None = None
    host: str = "127.0.0.1"
    port: int = 0
    limits: bool = True
    faults: tuple[Fault, ...] = ()
    state: Path | None = None


@dataclass(frozen=True, slots=True)
class Practice:
    """
    An exchange with all that belongs to it; serve it by ``async with practice.server``.

    `loaded` are the markets with what is to be said about their data, `restored` whether a state was found.
    """

    server: PracticeServer
    pacer: Pacer
    board: FaultBoard
    key: HmacKey
    ed25519: Ed25519Key | None
    loaded: tuple[LoadedMarket, ...]
    state: StateFile | None
    restored: bool

    @property
    def exchange(self) -> Exchange:
        """Give what is served."""
        return self.server.exchange


def prepare(plan: PracticePlan) -> Practice:
    """
    Load the data and put everything together; nothing runs and no port is taken yet.

    Raises:
        DataError: data that cannot be used.
        ConfigError: settings that do not fit each other, or a state that does not fit the data.
    """
    saved = None if plan.state is None else read_state(plan.state)
    if saved is not None:
        plan = replace(plan, seed=saved.seed)
    loaded = _load(plan, saved)
    exchange = Exchange(
        {item.market.symbol: item.market for item in loaded}, Trading(plan.balances or _cash(loaded))
    )
    if saved is not None:
        saved.restore(exchange)
    key_seed = _key_seed(plan, saved)
    key = plan.key or made_key(key_seed)
    ed25519 = None if plan.public_key is None else ed25519_key(plan.public_key)
    pacer = Pacer(exchange, plan.speed, step=plan.step)
    board = FaultBoard(plan.faults)
    server = PracticeServer(
        exchange,
        Keys([key] if ed25519 is None else [key, ed25519]),
        pacer=pacer,
        limits=Limits(LimitRules(enabled=plan.limits)),
        faults=board,
        extra_routes=[
            lambda server: routes(server, policies=None if plan.limits else _ATTEMPTS_OFF),
            control.routes,
        ],
        host=plan.host,
        port=plan.port,
        seed=key_seed,
        notes={item.market.symbol: item.note for item in loaded},
    )
    state = None if plan.state is None else StateFile(plan.state, exchange, key_seed=key_seed, seed=plan.seed)
    return Practice(server, pacer, board, key, ed25519, loaded, state, restored=saved is not None)


def _load(plan: PracticePlan, saved: SavedState | None) -> tuple[LoadedMarket, ...]:
    if not plan.markets:
        raise ConfigError("The practice exchange needs data to replay.")
    loaded = [_loaded(plan, request) for request in plan.markets]
    symbols = [item.market.symbol for item in loaded]
    for symbol in symbols:
        if symbols.count(symbol) > 1:
            raise ConfigError(f"{symbol} is given twice. Name the symbols: ETHUSDT=eth_1d.csv.")
    unknown = set(plan.filters) - {EVERY, *symbols}
    if unknown:
        raise ConfigError(f"The filters are for {', '.join(sorted(unknown))}, which is not replayed.")
    if saved is None:
        return tuple(_aligned(plan, loaded))
    brought = []
    for request, item in zip(plan.markets, loaded, strict=True):
        found = _loaded(plan, saved.place(request, item.market.symbol))
        saved.bring(found.market)
        brought.append(found)
    return tuple(brought)


def _loaded(plan: PracticePlan, request: MarketRequest) -> LoadedMarket:
    seed = request.seed if plan.seed is None else plan.seed
    changes = {"fees": plan.fees, **request.changes, **plan.filters.get(EVERY, {})}
    found = load_market(replace(request, seed=seed, changes=changes))
    own = plan.filters.get(found.market.symbol)
    return found if own is None else load_market(replace(request, seed=seed, changes=changes | dict(own)))


def _aligned(plan: PracticePlan, loaded: list[LoadedMarket]) -> list[LoadedMarket]:
    """Let all markets begin at the same moment, so that none trades the past."""
    if all(request.at == "end" for request in plan.markets):
        return loaded
    begin = max(item.market.now for item in loaded)
    return [
        item if item.market.now == begin else _loaded(plan, replace(request, at=iso_utc(begin)))
        for request, item in zip(plan.markets, loaded, strict=True)
    ]


def _cash(loaded: tuple[LoadedMarket, ...]) -> dict[str, Decimal]:
    return {item.market.rules.quote: _CASH for item in loaded}


def _key_seed(plan: PracticePlan, saved: SavedState | None) -> int:
    if saved is not None:
        return saved.key_seed
    return secrets.randbits(64) if plan.seed is None else plan.seed
