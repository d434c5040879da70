"""The whole state of trading as JSON, and back."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import lru_cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from bt_run.core.errors import ConfigError
from bt_run.practice.orders import Order, OrderList
from bt_run.practice.trading.account import Account, Hold
from bt_run.practice.trading.answers import Amendment
from bt_run.practice.trading.ids import Counters
from bt_run.practice.trading.records import Records
from bt_run.practice.trading.triggers import Watch

if TYPE_CHECKING:
    from bt_run.practice.trading.desk import Desk
    from bt_run.practice.trading.resting import Listing

__all__ = ["VERSION", "dump", "load"]

VERSION = 1
"""Of the shape of what `dump` gives."""

_T = TypeVar("_T")


def dump(desk: Desk) -> dict[str, Any]:
    """Give all state as what the json module can write; amounts as text."""
    records, account = desk.records, desk.account
    return {
        "version": VERSION,
        "counters": _plain(desk.counters),
        "start": _plain(account.start),
        "free": _plain(account.free),
        "holds": {str(key): _plain(hold) for key, hold in account.holds.items()},
        "orders": [_plain(order) for _, order in sorted(records.orders.items())],
        "lists": [_plain(found) for _, found in sorted(records.lists.items())],
        "placed": {str(key): _plain(orders) for key, orders in records.placed.items()},
        "amendments": [_plain(item) for kept in records.amendments.values() for item in kept],
        "client_ids": [list(row) for row in records.client_ids()],
        "listings": {symbol: _dump_listing(found) for symbol, found in desk.listings.items()},
    }


def load(desk: Desk, state: dict[str, Any]) -> None:
    """
    Put a desk, which knows its markets, into the state that `dump` gave. Tells nothing.

    Raises:
        ConfigError: another version's state, or one with a symbol that this exchange does not have.
    """
    if state.get("version") != VERSION:
        found = state.get("version")
        raise ConfigError(
            f"The practice exchange's saved state is of version {found}, not {VERSION}. Start a new one."
        )
    for symbol in state["listings"]:
        if symbol not in desk.listings:
            raise ConfigError(f"The practice exchange's saved state has {symbol}, which is not replayed now.")
    desk.counters = _read(Counters, state["counters"])
    desk.account = _load_account(state)
    for listing in desk.listings.values():
        desk.account.know(listing.rules.base, listing.rules.quote)
    desk.records = Records()
    desk.records.load(
        [_read(Order, row) for row in state["orders"]],
        [_read(OrderList, row) for row in state["lists"]],
        [_read(Amendment, row) for row in state["amendments"]],
        [(symbol, name, key) for symbol, name, key in state["client_ids"]],
    )
    desk.records.placed = {int(key): _read(tuple[Order, ...], rows) for key, rows in state["placed"].items()}
    for symbol, row in state["listings"].items():
        _load_listing(desk, desk.listings[symbol], row)


def _load_account(state: dict[str, Any]) -> Account:
    account = Account(_read(dict[str, Decimal], state["start"]))
    account.free = _read(dict[str, Decimal], state["free"])
    account.holds = {int(key): _read(Hold, row) for key, row in state["holds"].items()}
    for hold in account.holds.values():
        account.locked[hold.asset] = account.locked.get(hold.asset, Decimal(0)) + hold.amount
    return account


def _dump_listing(listing: Listing) -> dict[str, Any]:
    queues = [(entry.order_id, entry.place) for queue in listing.queues.values() for entry in queue]
    return {
        "before": str(listing.before),
        "taken": [[side, str(price), str(taken)] for (side, price), taken in listing.depth.taken.items()],
        "resting": [list(row) for row in queues],
        "watches": [_plain(watch) for watch in listing.watches.values()],
    }


def _load_listing(desk: Desk, listing: Listing, row: dict[str, Any]) -> None:
    listing.clear()
    listing.before = Decimal(row["before"])
    for side, price, taken in row["taken"]:
        listing.depth.taken[side, Decimal(price)] = Decimal(taken)
    for order_id, place in row["resting"]:
        listing.rest(desk.records.orders[order_id], place)
    for found in row["watches"]:
        watch = _read(Watch, found)
        listing.watches[watch.order_id] = watch


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _read(kind: type[_T], value: Any) -> _T:
    return cast("_T", _value(kind, value))


def _value(kind: Any, value: Any) -> Any:
    if kind is Decimal:
        return Decimal(value)
    if is_dataclass(kind):
        hints = _hints(cast("Any", kind))
        return cast("Any", kind)(**{name: _value(hints[name], item) for name, item in value.items()})
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return None if value is None else _value(next(arg for arg in args if arg is not NoneType), value)
    if origin is tuple:
        return tuple(_value(args[0], item) for item in value)
    if origin is dict:
        return {key: _value(args[1], item) for key, item in value.items()}
    return value


@lru_cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
