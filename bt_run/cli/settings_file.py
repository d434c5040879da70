"""Read bt-run.toml and turn it into click's map of defaults."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bt_run.cli.lazy import commands_of
from bt_run.core.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ALERTS", "VENUES", "SettingsFile", "find_settings_file", "read_settings_file"]

ALERTS = "alerts"
"""The table that holds no options of commands, but where messages go, which, and when."""

VENUES = "venues"
"""The table of tables that add venues: ``[venues.NAME]`` has the URLs of what speaks Binance's protocol."""


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file: keys outside any table are for every command, a table is for the command of its name."""

    path: Path | None = None
    content: Mapping[str, Any] = field(default_factory=dict)

    def defaults_for(self, command: click.Command, table: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """
        Give click's defaults for a command, keyed by parameter name; for a group, those of all its commands.

        `table` is the command's own; by default the file's top, which is the table of the whole program.
        """
        own = self._tables if table is None else table
        if isinstance(command, click.Group):
            return {
                name: self.defaults_for(sub, _table(own, name)) for name, sub in commands_of(command).items()
            }
        by_option = _parameters_by_key(command)
        given = {key: value for key, value in {**self._common, **own}.items() if key in by_option}
        return {by_option[key]: value for key, value in given.items()}

    def check(self, program: click.Group) -> None:
        """
        Check that every table is a command and every key an option.

        Raises:
            ConfigError: names the file and the key, and suggests the nearest.
        """
        self._check_alerts()
        self._check_venues()
        tables = {name: table for name, table in self._tables.items() if name not in (ALERTS, VENUES)}
        self._check_group(program, tables, path=())
        known = _keys_of_all(program)
        for key in self._common:
            if key not in known:
                raise ConfigError(f"{self.path}: no command has a setting {key!r}.{_hint(key, known)}")

    @property
    def alerts(self) -> Mapping[str, Any]:
        """The table ``[alerts]``, empty where there is none."""
        return _table(self._tables, ALERTS)

    def _check_alerts(self) -> None:
        if not self.alerts:
            return
        from bt_run.alerts.settings import check_table

        check_table(self.alerts, source=str(self.path))

    @property
    def venues(self) -> Mapping[str, Any]:
        """The tables ``[venues.NAME]`` by name, empty where there is none."""
        return _table(self._tables, VENUES)

    def _check_venues(self) -> None:
        if not self.venues:
            return
        from bt_run.core.venue import VENUES as KNOWN
        from bt_run.core.venue import find_venue

        for name, urls in self.venues.items():
            where = f"{self.path}: [{VENUES}.{name}]"
            if name in KNOWN:
                raise ConfigError(f"{where} is a venue that bt-run knows. Choose another name.")
            if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", name):
                raise ConfigError(f"{where} is no name for a venue. Use a-z, 0-9 and dashes, 32 at most.")
            if not isinstance(urls, dict) or not all(isinstance(url, str) for url in urls.values()):
                raise ConfigError(f'{where} must hold URLs, such as rest_url = "https://api.example.com".')
            try:
                find_venue(name, more=self.venues, environ={})
            except ConfigError as error:
                raise ConfigError(f"{where}: {error}") from None

    def _check_group(self, group: click.Group, tables: Mapping[str, Any], path: tuple[str, ...]) -> None:
        commands = commands_of(group)
        for name, table in tables.items():
            full = ".".join((*path, name))
            if name not in commands:
                guess = nearest(name, commands)
                hint = f" Did you mean [{'.'.join((*path, guess))}]?" if guess else ""
                raise ConfigError(f"{self.path}: there is no command for [{full}].{hint}")
            command = commands[name]
            if not isinstance(table, dict):
                raise ConfigError(
                    f"{self.path}: {full} is the name of a command. Write it as a table, [{full}]."
                )
            if isinstance(command, click.Group):
                self._check_group(command, table, (*path, name))
                continue
            known = _parameters_by_key(command)
            for key in table:
                if key not in known:
                    raise ConfigError(f"{self.path}: [{full}] has no setting {key!r}.{_hint(key, known)}")

    @property
    def _tables(self) -> dict[str, Any]:
        return {key: value for key, value in self.content.items() if isinstance(value, dict)}

    @property
    def _common(self) -> dict[str, Any]:
        return {key: value for key, value in self.content.items() if not isinstance(value, dict)}


def _table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = tables.get(name, {})
    return found if isinstance(found, dict) else {}


def _hint(key: str, known: Iterable[str]) -> str:
    guess = nearest(key, known)
    return f" Did you mean {guess!r}?" if guess else ""


def _keys_of_all(command: click.Command) -> set[str]:
    if not isinstance(command, click.Group):
        return set(_parameters_by_key(command))
    return {key for sub in commands_of(command).values() for key in _keys_of_all(sub)}


def _parameters_by_key(command: click.Command) -> dict[str, str]:
    """Map each long option, with dashes or underscores, to the name of its parameter."""
    keys: dict[str, str] = {}
    for param in command.params:
        if param.name is None or param.param_type_name != "option":
            continue
        for option in (*param.opts, *param.secondary_opts):
            if option.startswith("--"):
                keys[option[2:]] = param.name
                keys[option[2:].replace("-", "_")] = param.name
    return {key: name for key, name in keys.items() if key not in {"help", "config", "version"}}


def find_settings_file(given: Path | None) -> Path | None:
    """Find the settings file: the one given, BT_RUN_CONFIG, ./bt-run.toml, the user's own; None for none."""
    if given is not None:
        return given
    if named := os.environ.get("BT_RUN_CONFIG"):
        return Path(named)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for candidate in (Path("bt-run.toml"), home / "bt-run" / "bt-run.toml"):
        if candidate.is_file():
            return candidate
    return None


def read_settings_file(path: Path | None) -> SettingsFile:
    """Read a settings file; an empty one for None. Raises ConfigError with file, line and column."""
    if path is None:
        return SettingsFile()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"The settings file {path} does not exist.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The settings file {path} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.") from error
    return SettingsFile(path, _without_dates(content))


def _without_dates(value: Any) -> Any:
    """Turn TOML's dates and times into the text that the command line takes."""
    if isinstance(value, dict):
        return {key: _without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_dates(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value
