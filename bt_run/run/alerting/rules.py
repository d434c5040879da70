"""
The indicator rules of a journal: made, listed, changed, removed.

For the command line and for the web desk; a rule is checked before it is kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bt_run.alerts.rules.parser import parse_rule
from bt_run.core.errors import ConfigError
from bt_run.core.interval import Interval
from bt_run.journal.alert_tables import AlertTables

if TYPE_CHECKING:
    from pathlib import Path

    from bt_run.alerts.rules.syntax import Rule
    from bt_run.journal.records import AlertRuleRecord

__all__ = ["DEFAULT_COOLDOWN_S", "AlertRule", "AlertRules", "check_rule"]

DEFAULT_COOLDOWN_S = 900
"""A rule speaks at most once in a quarter of an hour, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A rule: its number, its text as it was given, what it is about, and whether it is switched on."""

    number: int
    text: str
    symbol: str
    interval: str
    cooldown_s: int
    is_on: bool
    created_ms: int

    @property
    def parsed(self) -> Rule:
        """The rule, read. Raises ParseError for one that an other version kept."""
        return parse_rule(self.text)


def check_rule(text: str, interval: str | None) -> tuple[Rule, str]:
    """
    Read a rule and settle its interval: that of its text (``... on 5m``), or the one given, or 1m.

    Raises:
        ParseError: the text cannot be read; says where.
        ConfigError: text and option name different intervals, or no interval.
    """
    rule = parse_rule(text)
    given = None if interval is None else str(Interval.parse(interval))
    told = None if rule.interval is None else str(rule.interval)
    if given and told and given != told:
        raise ConfigError(f"The rule says 'on {told}', and the interval given is {given}. Drop one.")
    return rule, told or given or "1m"


class AlertRules:
    """
    The rules of one journal.

    Args:
        journal: A file's name or a URL, or its tables.

    Raises:
        ConfigError, JournalError: as `AlertTables`.
    """

    def __init__(self, journal: str | Path | AlertTables) -> None:
        self._tables = journal if isinstance(journal, AlertTables) else AlertTables(journal)

    def close(self) -> None:
        """Let go of the journal."""
        self._tables.close()

    def all(self) -> list[AlertRule]:
        """Give all rules, oldest first."""
        return [_rule_of(record) for record in self._tables.rules()]

    def add(
        self,
        text: str,
        *,
        symbol: str,
        interval: str | None = None,
        cooldown_s: int = DEFAULT_COOLDOWN_S,
    ) -> AlertRule:
        """
        Keep a rule, switched on.

        Raises:
            ParseError: the text cannot be read; says where.
            ConfigError: no symbol, an interval that does not fit, or a cool-down below 0.
        """
        _, settled = check_rule(text, interval)
        record = self._tables.add_rule(
            text=text.strip(),
            symbol=_symbol_of(symbol),
            interval=settled,
            cooldown_s=_cooldown_of(cooldown_s),
            created_ms=time.time_ns() // 1_000_000,
        )
        return _rule_of(record)

    def change(
        self,
        number: int,
        *,
        text: str | None = None,
        symbol: str | None = None,
        interval: str | None = None,
        cooldown_s: int | None = None,
    ) -> AlertRule:
        """Change what is given of a rule; checked as in `add`. Raises ConfigError where there is none."""
        was = self.find(number)
        _, settled = check_rule(text or was.text, interval or (None if text else was.interval))
        record = self._tables.change_rule(
            number,
            text=(text or was.text).strip(),
            symbol=_symbol_of(symbol or was.symbol),
            interval=settled,
            cooldown_s=_cooldown_of(was.cooldown_s if cooldown_s is None else cooldown_s),
        )
        return _rule_of(record)

    def find(self, number: int) -> AlertRule:
        """Give a rule by its number. Raises ConfigError where there is none."""
        for rule in self.all():
            if rule.number == number:
                return rule
        raise ConfigError(f"There is no alert rule {number} in {self._tables.place}. See bt-run alerts list.")

    def switch(self, number: int, *, is_on: bool) -> AlertRule:
        """Switch a rule on or off. Raises ConfigError where there is none."""
        return _rule_of(self._tables.change_rule(number, enabled=is_on))

    def remove(self, number: int) -> AlertRule:
        """Forget a rule, and give it as it was. Raises ConfigError where there is none."""
        return _rule_of(self._tables.remove_rule(number))


def _rule_of(record: AlertRuleRecord) -> AlertRule:
    return AlertRule(
        record.id,
        record.text,
        record.symbol,
        record.interval,
        record.cooldown_s,
        record.enabled,
        record.created_ms,
    )


def _symbol_of(text: str) -> str:
    symbol = text.strip().upper().replace("/", "").replace("-", "")
    if not (symbol.isalnum() and symbol.isascii() and 2 <= len(symbol) <= 32):
        raise ConfigError(f"{text!r} is no symbol. Write one such as BTCUSDT.")
    return symbol


def _cooldown_of(seconds: int) -> int:
    if seconds < 0:
        raise ConfigError(f"A cool-down of {seconds} seconds is less than none.")
    return seconds
