"""Ask the exchange again for what a stored series lacks: damaged files, files that are gone, gaps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.core.errors import DataError
from feeds.download import ensure
from feeds.storage.maintenance import explain_gaps

if TYPE_CHECKING:
    from collections.abc import Callable

    from bt_run.core.venue import Venue
    from feeds.download import Progress
    from feeds.storage.maintenance import Gap
    from feeds.storage.series import SeriesName
    from feeds.store import Store

__all__ = ["Repaired", "repair"]


@dataclass(frozen=True, slots=True)
class Repaired:
    """
    What a repair found and did.

    `gaps` and `missing` are the holes before and the bars that they lacked; `found` the bars that came.
    `left` are the holes that remain: the exchange was asked, and has no bars there. `notes` are sentences
    for the user.
    """

    name: SeriesName
    gaps: int
    missing: int
    found: int
    left: tuple[Gap, ...]
    notes: tuple[str, ...] = ()


def repair(
    store: Store,
    name: SeriesName,
    *,
    venue: Venue | None = None,
    progress: Callable[[Progress], None] | None = None,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], object] | None = None,
) -> Repaired:
    """
    Fetch damaged and lost months anew, then ask over REST for every gap between the first bar and the last.

    Gaps are asked for whether the store knows them to be true or not: Binance fills some of them later. The
    archive is not asked, because the gaps of its files are those that were downloaded.

    Raises:
        DataError: the store does not have the series.
        ExchangeError, ConfigError: as `feeds.download.download`; what came before is stored.
    """
    market = name.market
    aside = store.set_aside_damaged(name.symbol, name.interval, market=market)
    notes = [f"{name}: {path.name} could not be read; its month is fetched anew." for path, _ in aside]
    times = store.read(name.symbol, name.interval, market=market, columns=()).open_time
    ends = [
        *(int(time) for time in (times[:1].tolist() + times[-1:].tolist())),
        *(t for _, b in aside for t in b),
    ]
    if not ends:
        raise DataError(f"The store has no series {name}.", hint="bt-run data list shows all.")
    first, last = min(ends), max(ends)

    def fetch(source: str) -> int:
        outcome = ensure(
            store,
            name.symbol,
            name.interval,
            market=market,
            start=first,
            end=last,
            venue=venue,
            source="rest" if source == "rest" else "auto",
            progress=progress,
            clock=clock,
            sleep=sleep,
        )
        notes.extend(outcome.notes)
        return outcome.new

    before = _gaps(store, name)
    found = fetch("auto")
    holes = _gaps(store, name)
    store.forget(name.symbol, name.interval, market=market, ranges=[(gap.first, gap.last) for gap in holes])
    found += fetch("rest")
    missing = sum(gap.bars for gap in before)
    return Repaired(name, len(before), missing, found, tuple(_gaps(store, name)), tuple(notes))


def _gaps(store: Store, name: SeriesName) -> list[Gap]:
    bars = store.read(name.symbol, name.interval, market=name.market, columns=())
    return explain_gaps(bars.open_time, name.interval, name.market)
