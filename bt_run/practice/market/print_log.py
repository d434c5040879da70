"""The prints that have happened: by id, by time, the last ones."""

from __future__ import annotations

from bisect import bisect_left
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bt_run.practice.events import Print
    from bt_run.practice.market.cursor import Cursor

__all__ = ["PrintLog"]

_TIME = attrgetter("time")


class PrintLog:
    """What a market has printed, also before the replay began. Ids go up by one from `first_id`."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._ids = cursor.table.first_ids

    @property
    def first_id(self) -> int:
        """Give the id of the oldest print."""
        return int(self._ids[0])

    @property
    def next_id(self) -> int:
        """Give the id that the next print will have."""
        return int(self._ids[self._cursor.bar]) + self._cursor.done

    def between(self, first_id: int, end_id: int) -> list[Print]:
        """Give the prints with first_id <= id < end_id, as far as they have happened."""
        first_id, end_id = max(first_id, self.first_id), min(end_id, self.next_id)
        found: list[Print] = []
        place = int(self._ids.searchsorted(first_id, side="right")) - 1
        while first_id < end_id:
            bar_first = int(self._ids[place])
            part = self._cursor.happened(place)[first_id - bar_first : end_id - bar_first]
            found += part
            first_id += len(part)
            place += 1
        return found

    def id_at(self, time: int) -> int:
        """Give the id of the first print at a time (ms) or later; `next_id` where there is none yet."""
        place = self._cursor.table.ended_by(time)
        if place > self._cursor.bar or place >= len(self._cursor.table):
            return self.next_id
        return int(self._ids[place]) + bisect_left(self._cursor.happened(place), time, key=_TIME)
