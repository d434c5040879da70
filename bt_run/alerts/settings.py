"""The settings of alerts: the table ``[alerts]`` of bt-run.toml, and the environment. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bt_run.alerts.happening import KINDS
from bt_run.alerts.masking import name_of
from bt_run.alerts.policy import Policy, QuietHours
from bt_run.core.errors import ConfigError, nearest
from bt_run.core.interval import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "KEYS",
    "TELEGRAM_TOKEN",
    "URLS",
    "AlertSettings",
    "TelegramSettings",
    "check_table",
    "parse_seconds",
]

URLS = "BT_RUN_ALERT_URLS"
"""The variable that names targets, separated by blanks, commas or new lines."""

TELEGRAM_TOKEN = "BT_RUN_TELEGRAM_TOKEN"  # noqa: S105  # a variable's name
TELEGRAM_URL = "BT_RUN_TELEGRAM_URL"

KEYS = ("urls", "events", "cool-down", "quiet", "time-zone", "disconnected-after", "charts", "telegram")
"""What the table ``[alerts]`` may hold."""

_TELEGRAM_KEYS = ("chats",)
_DEFAULT_SERVER = "https://api.telegram.org"


@dataclass(frozen=True, slots=True, repr=False)
class TelegramSettings:
    """Control by Telegram: the bot's token, and the chats that may give commands; off without both."""

    token: str = ""
    chats: frozenset[int] = frozenset()
    url: str = _DEFAULT_SERVER

    @property
    def is_on(self) -> bool:
        """Whether anybody may give commands."""
        return bool(self.token and self.chats)

    def __repr__(self) -> str:
        return f"TelegramSettings({'on' if self.is_on else 'off'}, {len(self.chats)} chats, token hidden)"


@dataclass(frozen=True, slots=True, repr=False)
class AlertSettings:
    """Where messages go, which, and when; `disconnected_after_s` is how long silence is no news."""

    urls: tuple[str, ...] = ()
    policy: Policy = Policy()
    disconnected_after_s: float = 60.0
    charts: bool = True
    telegram: TelegramSettings = field(default_factory=TelegramSettings)

    @property
    def is_on(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.urls) or self.telegram.is_on

    @classmethod
    def of(
        cls, table: Mapping[str, Any], environ: Mapping[str, str], *, source: str = "bt-run.toml"
    ) -> AlertSettings:
        """
        Read the table ``[alerts]``, and BT_RUN_ALERT_URLS, BT_RUN_TELEGRAM_TOKEN and BT_RUN_TELEGRAM_URL.

        Raises:
            ConfigError: names the key, and suggests the nearest.
        """
        reader = _Reader(source)
        reader.check_keys("alerts", table, KEYS)
        urls = [
            *reader.texts(table, "urls"),
            *re.split(r"[\s,]+(?=[A-Za-z][\w+.-]*://)|\s+", environ.get(URLS, "")),
        ]
        return cls(
            urls=tuple(dict.fromkeys(url.strip() for url in urls if url.strip())),
            policy=Policy(
                kinds=reader.kinds(table),
                cool_downs=reader.cool_downs(table),
                quiet=reader.quiet(table),
            ),
            disconnected_after_s=reader.seconds("disconnected-after", table.get("disconnected-after", "60s")),
            charts=reader.flag(table, "charts", default=True),
            telegram=reader.telegram(table.get("telegram", {}), environ),
        )

    def __repr__(self) -> str:
        targets = ", ".join(map(name_of, self.urls))
        return f"AlertSettings({targets or 'no targets'}, {self.policy}, {self.telegram})"


def check_table(table: Mapping[str, Any], *, source: str) -> None:
    """Check the table ``[alerts]`` alone, whatever the environment holds. Raises ConfigError."""
    AlertSettings.of(table, {TELEGRAM_TOKEN: "not looked at"}, source=source)


def parse_seconds(text: str | int | float) -> float:
    """Read ``90``, ``90s``, ``15m``, ``2h`` or ``0`` as seconds. Raises ConfigError."""
    if isinstance(text, bool):
        raise ConfigError(f"{text} is not a time. Write 90s, 15m or 2h.")
    if isinstance(text, int | float) and text >= 0:
        return float(text)
    given = str(text).strip()
    if re.fullmatch(r"\d+(\.\d+)?", given):
        return float(given)
    try:
        milliseconds = Interval.parse(given).milliseconds
    except ConfigError:
        milliseconds = None
    if milliseconds is None:
        raise ConfigError(f"{text!r} is not a time. Write 90s, 15m or 2h.")
    return milliseconds / 1000


class _Reader:
    """Reads values of one file, which it names in errors."""

    def __init__(self, source: str) -> None:
        self._source = source

    def check_keys(self, table: str, given: Any, known: Iterable[str]) -> None:
        if not isinstance(given, dict):
            raise self._error(f"{table} is a table: [{table}].")
        for key in given:
            if key not in known:
                guess = nearest(key, known)
                hint = f" Did you mean {guess!r}?" if guess else f" Known: {', '.join(known)}."
                raise self._error(f"[{table}] has no setting {key!r}.{hint}")

    def texts(self, table: Mapping[str, Any], key: str) -> list[str]:
        given = table.get(key, [])
        values = [given] if isinstance(given, str) else given
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self._error(f"[alerts] {key} is a list of texts.")
        return values

    def kinds(self, table: Mapping[str, Any]) -> frozenset[Any]:
        if "events" not in table:
            return frozenset(KINDS)
        return frozenset(self._kind(word) for word in self.texts(table, "events"))

    def cool_downs(self, table: Mapping[str, Any]) -> dict[Any, float]:
        given = table.get("cool-down", {})
        if not isinstance(given, dict):
            seconds = self.seconds("cool-down", given)
            return dict.fromkeys(KINDS, seconds)
        return {self._kind(word): self.seconds(f"cool-down of {word}", value) for word, value in given.items()}

    def quiet(self, table: Mapping[str, Any]) -> QuietHours | None:
        given = table.get("quiet")
        zone_name = table.get("time-zone", "UTC")
        try:
            zone = UTC if zone_name == "UTC" else ZoneInfo(str(zone_name))
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise self._error(
                f"there is no time zone {zone_name!r}. Write one such as Europe/Berlin."
            ) from error
        if given is None:
            return None
        clock = r"([01]?\d|2[0-3]):([0-5]\d)"
        match = re.fullmatch(rf"\s*{clock}\s*-\s*{clock}\s*", str(given))
        if match is None:
            raise self._error(f"quiet is {given!r}. Write 22:00-07:00.")
        start, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
        if start == end:
            raise self._error(f"quiet is {given!r}, which is no time at all. Write 22:00-07:00.")
        return QuietHours(start, end, zone)

    def telegram(self, table: Any, environ: Mapping[str, str]) -> TelegramSettings:
        if isinstance(table, dict) and "token" in table:
            raise self._error(
                f"the token of [alerts.telegram] belongs into the environment or .env: {TELEGRAM_TOKEN}."
            )
        self.check_keys("alerts.telegram", table, _TELEGRAM_KEYS)
        chats = table.get("chats", [])
        if not isinstance(chats, list) or not all(isinstance(chat, int) for chat in chats):
            raise self._error("[alerts.telegram] chats is a list of chat numbers, such as [123456789].")
        token = environ.get(TELEGRAM_TOKEN, "").strip()
        if chats and not token:
            raise ConfigError(
                f"{self._source}: [alerts.telegram] lists chats, but {TELEGRAM_TOKEN} is not set. "
                f"Put the bot's token there, in the environment or in .env."
            )
        return TelegramSettings(
            token, frozenset(chats), environ.get(TELEGRAM_URL, "").strip() or _DEFAULT_SERVER
        )

    def seconds(self, key: str, value: Any) -> float:
        try:
            return parse_seconds(value)
        except ConfigError as error:
            raise self._error(f"{key}: {error}") from error

    def flag(self, table: Mapping[str, Any], key: str, *, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            raise self._error(f"[alerts] {key} is true or false.")
        return value

    def _kind(self, word: str) -> Any:
        if word not in KINDS:
            guess = nearest(word, KINDS)
            hint = f" Did you mean {guess!r}?" if guess else f" Known: {', '.join(KINDS)}."
            raise self._error(f"there is no alert {word!r}.{hint}")
        return word

    def _error(self, problem: str) -> ConfigError:
        return ConfigError(f"{self._source}: {problem}")
