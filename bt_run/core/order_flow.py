"""Order flow: who traded aggressively in each bar, and who was liquidated, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]

__all__ = ["FLOW_COLUMNS", "ONE_A_SECOND", "OrderFlow"]

ONE_A_SECOND = "Binance tells at most one liquidation a second and symbol, so liquidations are a lower bound"
"""To be said wherever liquidations are shown. Source: USD-M liquidation order streams, read 2026-07."""


@dataclass(frozen=True, slots=True, eq=False)
class OrderFlow:
    """
    The order flow of some bars; every array is float64 of shape (n,), C-contiguous and not to be written to.

    Volumes and counts are >= 0, volumes in base asset, NaN where unknown: a bar without liquidations has zeros,
    a bar in which nobody listened has NaN. *True volume* is traded with ``m = true``: the buyer was the maker,
    the seller aggressive. *False volume* is the rest: the buyer was aggressive. A long liquidation is a long
    position that the exchange closed, by selling. `largest_liquidation` is the greatest single one of the bar.
    """

    true_volume: FloatArray
    false_volume: FloatArray
    long_liquidation_volume: FloatArray
    short_liquidation_volume: FloatArray
    long_liquidations: FloatArray
    short_liquidations: FloatArray
    largest_liquidation: FloatArray

    @classmethod
    def of(cls, count: int, **columns: npt.ArrayLike) -> OrderFlow:
        """Build the flow of `count` bars; columns that are not given are NaN."""
        return cls(**{
            name: np.ascontiguousarray(columns[name], dtype=np.float64)
            if name in columns
            else np.full(count, np.nan)
            for name in FLOW_COLUMNS
        })  # fmt: skip

    @property
    def difference(self) -> FloatArray:
        """False minus true volume: > 0 where buyers were the more aggressive."""
        return self.false_volume - self.true_volume

    @property
    def cumulative_difference(self) -> FloatArray:
        """The difference summed up from the first bar on; bars where it is unknown add nothing."""
        return np.cumsum(np.nan_to_num(self.difference))

    @property
    def knows_liquidations(self) -> npt.NDArray[np.bool_]:
        """Tell for each bar whether somebody listened to liquidations in all of it."""
        known: npt.NDArray[np.bool_] = ~np.isnan(self.long_liquidation_volume)
        return known

    def __len__(self) -> int:
        return int(self.true_volume.shape[0])

    def __getitem__(self, window: slice) -> OrderFlow:
        """Take a slice; views where it has no steps."""
        return OrderFlow(*(np.ascontiguousarray(getattr(self, name)[window]) for name in FLOW_COLUMNS))


FLOW_COLUMNS: tuple[str, ...] = tuple(field.name for field in fields(OrderFlow))
"""The columns of `OrderFlow` in order."""
