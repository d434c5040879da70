"""
From the fills of live orders to round trips, from flat to flat, in exact decimals.

- Money is counted as it moved: profit is what the sales brought less what the purchases cost, in quote asset.
- A fee in quote asset is part of that money. A fee in base asset is quantity that never arrived; it is shown in
  quote asset at the fill's price, and has lowered the profit already, because it cannot be sold. A fee in a
  third asset (BNB) has no price in the journal: it stands under ``other_fees`` and is not in the profit.
- A rest below one lot step cannot be sold. The trip ends with it, and the rest goes on into the next trip at no
  cost, so that the profits of all trips add up to the change of the quote asset.
- A holding that a run took over (``--adopt-position``) counts as bought when it began, at the price given. A
  run with new books leaves what older ones hold to them.
- A fill that crosses zero ends one trip and begins the next; its money and fee are split by quantity.

`brokers.ledger` counts the same for backtests, in floats and with Backtrader's rounding.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from typing import TYPE_CHECKING, Literal

from bt_run.journal.records import FillRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bt_run.journal.records import RunRecord, SymbolRecord

    Openings = Mapping[int, Mapping[str, tuple[Decimal, Decimal]]]

__all__ = ["RoundTrip", "round_trips", "trips_of_journal"]

_EXACT = Context(prec=60)
_ZERO = Decimal(0)
_FINE = Decimal("1e-16")


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """
    One round trip; `exit_ms`, `exit_price` and `profit` are None while it is open.

    `quantity` is the largest holding, in base asset. Prices are averages weighted by quantity. `fees` and
    `profit` (net of fees) are in `quote_asset` (empty where it is not known), `other_fees` in the assets they
    name. `entry_run` and `exit_run` are the runs of the first and of the last fill.
    """

    venue: str
    symbol: str
    quote_asset: str
    side: Literal["long", "short"]
    entry_ms: int
    exit_ms: int | None
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal | None
    fees: Decimal
    other_fees: Mapping[str, Decimal]
    profit: Decimal | None
    fills: int
    entry_run: int
    exit_run: int


@dataclass(slots=True)
class _Trip:
    """A trip that is being added up; `held` and `money` are signed."""

    first: FillRecord
    last: FillRecord
    long: bool
    held: Decimal
    largest: Decimal = _ZERO
    money: Decimal = _ZERO
    bought: Decimal = _ZERO
    paid: Decimal = _ZERO
    sold: Decimal = _ZERO
    got: Decimal = _ZERO
    fees: Decimal = _ZERO
    other: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    fills: int = 0

    def add(self, fill: FillRecord, part: _Part) -> None:
        value = part.quantity * fill.price
        if part.sign > 0:
            self.bought += part.quantity
            self.paid += value
        else:
            self.sold += part.quantity
            self.got += value
        self.money -= part.sign * value + part.quote_fee
        self.held += part.sign * part.quantity - part.base_fee
        self.largest = max(self.largest, abs(self.held))
        self.fees += part.quote_fee + part.base_fee * fill.price
        if part.other_fee:
            self.other[fill.fee_asset] += part.other_fee
        self.fills += fill is not self.last or not self.fills
        self.last = fill


@dataclass(frozen=True, slots=True)
class _Part:
    """A fill, or the share of it that belongs to one trip: amounts >= 0, and which way the base asset went."""

    sign: int
    quantity: Decimal
    base_fee: Decimal
    quote_fee: Decimal
    other_fee: Decimal

    def split(self, quantity: Decimal) -> tuple[_Part, _Part]:
        """Cut off this quantity; both parts together are exactly the whole."""
        fees = (self.base_fee, self.quote_fee, self.other_fee)
        near = tuple((fee * quantity / self.quantity).quantize(_FINE) for fee in fees)
        far = tuple(fee - part for fee, part in zip(fees, near, strict=True))
        return _Part(self.sign, quantity, *near), _Part(self.sign, self.quantity - quantity, *far)


def round_trips(
    fills: Sequence[FillRecord],
    *,
    base_asset: str,
    quote_asset: str,
    lot_step: Decimal = _ZERO,
    venue: str = "",
) -> list[RoundTrip]:
    """
    Turn the fills of one symbol into round trips.

    Args:
        fills: Of one symbol on one venue, oldest first.
        base_asset: What is bought and sold.
        quote_asset: What it is paid with.
        lot_step: A holding below it counts as none; 0 where the step is not known.
        venue: Handed on into the trips.

    Returns:
        The trips by entry; the last may be open.
    """
    closed: list[RoundTrip] = []
    trip: _Trip | None = None
    rest = _ZERO
    with localcontext(_EXACT):
        for fill in fills:
            part: _Part | None = _part_of(fill, base_asset, quote_asset)
            while part is not None:
                if trip is None:
                    trip = _Trip(fill, fill, long=part.sign > 0, held=rest)
                now, part = _cut(trip, part, lot_step)
                trip.add(fill, now)
                if _is_flat(trip, lot_step):
                    closed.append(_trip_of(trip, venue, quote_asset, is_open=False))
                    rest, trip = trip.held, None
        if trip is not None:
            closed.append(_trip_of(trip, venue, quote_asset, is_open=True))
    return closed


def _part_of(fill: FillRecord, base: str, quote: str) -> _Part:
    fee = fill.fee
    return _Part(
        sign=1 if fill.side == "BUY" else -1,
        quantity=fill.quantity,
        base_fee=fee if fill.fee_asset == base else _ZERO,
        quote_fee=fee if fill.fee_asset == quote else _ZERO,
        other_fee=fee if fill.fee_asset not in (base, quote) else _ZERO,
    )


def _cut(trip: _Trip, part: _Part, lot_step: Decimal) -> tuple[_Part, _Part | None]:
    """Cut a fill where it crosses zero by more than a rest; else it belongs to the trip whole."""
    ends = part.sign < 0 if trip.long else part.sign > 0
    if not ends:
        return part, None
    beyond = part.quantity - abs(trip.held)
    if not trip.fills or beyond <= _ZERO or beyond < lot_step:
        return part, None
    return part.split(abs(trip.held))


def _is_flat(trip: _Trip, lot_step: Decimal) -> bool:
    """An entry is never flat, however small; only a trip that has been left can be."""
    left = trip.sold if trip.long else trip.bought
    return bool(left) and (trip.held == 0 or abs(trip.held) < lot_step)


def _trip_of(trip: _Trip, venue: str, quote_asset: str, *, is_open: bool) -> RoundTrip:
    entered, left = (trip.bought, trip.sold) if trip.long else (trip.sold, trip.bought)
    entry_value, exit_value = (trip.paid, trip.got) if trip.long else (trip.got, trip.paid)
    return RoundTrip(
        venue=venue,
        symbol=trip.first.symbol,
        quote_asset=quote_asset,
        side="long" if trip.long else "short",
        entry_ms=trip.first.time_ms,
        exit_ms=None if is_open else trip.last.time_ms,
        quantity=trip.largest.normalize(),
        entry_price=_average(entry_value, entered),
        exit_price=None if is_open else _average(exit_value, left),
        fees=trip.fees.normalize(),
        other_fees={asset: fee.normalize() for asset, fee in trip.other.items()},
        profit=None if is_open else trip.money.normalize(),
        fills=trip.fills,
        entry_run=trip.first.run,
        exit_run=trip.last.run,
    )


def _average(value: Decimal, quantity: Decimal) -> Decimal:
    """Divide to 16 decimals; a price that divides evenly comes out as it was paid."""
    return (value / quantity).quantize(_FINE).normalize()


def trips_of_journal(
    fills: Iterable[FillRecord],
    runs: Iterable[RunRecord],
    symbols: Iterable[SymbolRecord],
    *,
    openings: Openings | None = None,
) -> list[RoundTrip]:
    """
    Turn all fills of a journal into round trips, each venue, mode, symbol and books by themselves, by entry.

    A run that goes on from another goes on with its position, so the fills must be those of all runs; choose
    among the trips afterwards. Where the journal holds nothing of a symbol, its assets are read from its name.
    `openings` name the runs that began with new books, and the holdings in these.
    """
    run_of, opened = {run.run: run for run in runs}, openings or {}
    symbol_of = {(entry.run, entry.symbol): entry for entry in symbols}
    groups: dict[tuple[str, str, int, str], list[FillRecord]] = defaultdict(list)
    for fill in fills:
        run = run_of[fill.run]
        groups[run.venue, run.mode, _books_of(run, run_of, opened), fill.symbol].append(fill)
    for run in [run_of[number] for number in opened if number in run_of]:
        for symbol, (quantity, cost) in opened[run.run].items():
            if quantity and cost:
                group = groups[run.venue, run.mode, run.run, symbol]
                group.insert(0, _taken_over(run, symbol, quantity, cost, before=group))
    found: list[RoundTrip] = []
    for (venue, _, _, symbol), group in groups.items():
        known = next(
            (symbol_of[key] for fill in reversed(group) if (key := (fill.run, symbol)) in symbol_of), None
        )
        base, quote = (known.base_asset, known.quote_asset) if known else _guess_assets(symbol, group)
        step = known.lot_step if known and known.lot_step is not None else _ZERO
        found += round_trips(group, base_asset=base, quote_asset=quote, lot_step=step, venue=venue)
    return sorted(found, key=lambda trip: (trip.entry_ms, trip.symbol))


def _books_of(run: RunRecord, run_of: Mapping[int, RunRecord], opened: Openings) -> int:
    """Give the run that opened the books of this one; 0 where none is known to have."""
    while run.run not in opened:
        if run.resumes is None or run.resumes >= run.run or run.resumes not in run_of:
            return 0
        run = run_of[run.resumes]
    return run.run


def _taken_over(
    run: RunRecord, symbol: str, quantity: Decimal, cost: Decimal, *, before: Sequence[FillRecord]
) -> FillRecord:
    """Make the purchase that stands for a holding of the start; our clock may not be the exchange's."""
    time_ms = min([run.started_ms, *(fill.time_ms for fill in before[:1])])
    with localcontext(_EXACT):
        return FillRecord(run.run, symbol, 0, "", "BUY", quantity, cost / quantity, _ZERO, "", time_ms)


def _guess_assets(symbol: str, fills: Sequence[FillRecord]) -> tuple[str, str]:
    """Read base and quote asset from the fees: the symbol's name begins with one and ends with the other."""
    assets = sorted({fill.fee_asset for fill in fills if fill.fee_asset})
    base = next((asset for asset in assets if symbol.startswith(asset)), "")
    quote = next((asset for asset in assets if symbol.endswith(asset) and asset != base), "")
    return base, quote
