"""Variables of the environment and of ``.env``, where secrets stand."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv import dotenv_values

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_variables"]


def read_variables(environ: Mapping[str, str] | None = None, *, folder: Path | None = None) -> dict[str, str]:
    """
    Give all variables that are not empty, without blanks around them; the environment's before the file's.

    Args:
        environ: The environment; that of the process by default.
        folder: Where ``.env`` lies; the current folder by default.
    """
    file = (Path.cwd() if folder is None else folder) / ".env"
    # Without interpolation: a secret may hold a dollar sign.
    written = dotenv_values(file, interpolate=False, encoding="utf-8") if file.is_file() else {}
    given = os.environ if environ is None else environ
    return _filled(written) | _filled(given)


def _filled(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value.strip() for name, value in variables.items() if value and value.strip()}
