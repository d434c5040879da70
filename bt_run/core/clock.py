"""Times as text and as milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bt_run.core.errors import ConfigError

__all__ = ["iso_utc", "parse_time"]

_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")


def iso_utc(time_ms: int) -> str:
    """Write a time in ms since 1970 UTC as ISO 8601, with milliseconds only where there are any."""
    moment = datetime.fromtimestamp(time_ms / 1000, tz=UTC)
    spec = "milliseconds" if time_ms % 1000 else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


def parse_time(text: str, *, end: bool = False) -> int:
    """
    Read a date or an ISO 8601 time as ms since 1970 UTC; without a zone it is UTC.

    With `end`, a bare month or day means its last millisecond, so that ``2020-12-31`` includes that day.

    Raises:
        ConfigError: not a time.
    """
    given = text.strip()
    try:
        if re.fullmatch(r"\d{4}", given):
            given += "-01-01"
            raise ConfigError(f"{text!r} is only a year. Write a date, such as {given}.")
        if re.fullmatch(r"\d{8}", given):
            given = f"{given[:4]}-{given[4:6]}-{given[6:]}"
        if _DATE.fullmatch(given):
            return _date_ms(given, end=end)
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is not a date or time. Write 2024-01-31 or 2024-01-31T12:00 (UTC)."
        ) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _milliseconds(moment)


def _date_ms(given: str, *, end: bool) -> int:
    is_month = len(given) == 7
    first = datetime.fromisoformat(given + "-01" if is_month else given).replace(tzinfo=UTC)
    if not end:
        return _milliseconds(first)
    following = (first + timedelta(days=32)).replace(day=1) if is_month else first + timedelta(days=1)
    return _milliseconds(following) - 1


def _milliseconds(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
