"""Read bt-run.toml and turn it into click's map of defaults."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bt_run.core.errors import ConfigError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

__all__ = ["SettingsFile", "find_settings_file", "read_settings_file"]


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file: keys outside any table are for every command, a table is for the command of its name."""

    path: Path | None = None
    common: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def defaults_for(self, command: click.Command) -> dict[str, Any]:
        """
        Give click's defaults for one command, keyed by parameter name.

        Raises:
            ConfigError: a key in the command's own table that is none of its options.
        """
        by_option = _parameters_by_key(command)
        table = self.tables.get(command.name or "", {})
        for key in table:
            if key not in by_option:
                guess = nearest(key, by_option)
                hint = f" Did you mean {guess!r}?" if guess else ""
                raise ConfigError(f"{self.path}: [{command.name}] has no setting {key!r}.{hint}")
        given = {key: value for key, value in self.common.items() if key in by_option} | dict(table)
        return {by_option[key]: value for key, value in given.items()}

    def check(self, commands: Mapping[str, click.Command]) -> None:
        """Check that every table is a command and that every common key is an option of some command."""
        for name in self.tables:
            if name not in commands:
                guess = nearest(name, commands)
                hint = f" Did you mean [{guess}]?" if guess else ""
                raise ConfigError(f"{self.path}: there is no command for the table [{name}].{hint}")
        known = {key for command in commands.values() for key in _parameters_by_key(command)}
        for key in self.common:
            if key not in known:
                guess = nearest(key, known)
                hint = f" Did you mean {guess!r}?" if guess else ""
                raise ConfigError(f"{self.path}: no command has a setting {key!r}.{hint}")


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
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    common = {key: value for key, value in content.items() if key not in tables}
    return SettingsFile(path, common, tables)
