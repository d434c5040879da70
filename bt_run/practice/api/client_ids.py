"""The ids that the exchange makes up where a client sends none."""

from __future__ import annotations

import random
import string

__all__ = ["ClientIds"]

_LETTERS = string.ascii_letters + string.digits


class ClientIds:
    """
    Makes ids of 22 letters and digits, as Binance does; the same ones again from the same seed and moment.

    Args:
        seed: Of the run.
        moment: When it begins, in ms of the exchange's clock: after a restart that kept the orders, new ones
            must not get the ids of old ones.
    """

    def __init__(self, seed: int = 0, moment: int = 0) -> None:
        self._draw = random.Random(f"client ids {seed} {moment}")  # noqa: S311 - names, not secrets

    def make(self) -> str:
        """Make the next id."""
        return "".join(self._draw.choices(_LETTERS, k=22))
