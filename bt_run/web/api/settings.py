"""What a person has set on the page, kept in the journal."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from pydantic import BaseModel

from bt_run.core.errors import ConfigError
from bt_run.journal.settings_table import find_setting, forget_setting, keep_setting, setting_names

__all__ = ["router"]

router = APIRouter(tags=["settings"])

_MOST_BYTES = 32 * 1024
_DEEPEST = 8

Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class Setting(BaseModel):
    """A document by its name; null where none is kept."""

    name: str
    document: dict[str, Any] | None


@router.get("/settings")
def names(request: Request) -> list[str]:
    """List the names of the documents; a journal keeps 64 at most."""
    return setting_names(_journal(request))


@router.get("/settings/{name}")
def find(request: Request, name: Name) -> Setting:
    """Give the document of a name."""
    return Setting(name=name, document=find_setting(_journal(request), name))


@router.put("/settings/{name}")
def keep(request: Request, name: Name, document: Annotated[dict[str, Any], Body()]) -> Setting:
    """
    Keep a document in the place of the one of that name; 32 KiB at most.

    What goes by the name of a key, token, password or secret is not kept: `***` stands there.
    """
    journal = _journal(request)
    _check(document)
    keep_setting(journal, name, document, changed_ms=time.time_ns() // 1_000_000)
    return Setting(name=name, document=find_setting(journal, name))


@router.delete("/settings/{name}")
def forget(request: Request, name: Name) -> Setting:
    """Delete the document of a name, and give it as it was; null where there was none."""
    journal = _journal(request)
    found = find_setting(journal, name)
    forget_setting(journal, name)
    return Setting(name=name, document=found)


def _journal(request: Request) -> str:
    journal: str = request.app.state.desk.journal
    if not journal:
        raise ConfigError("The desk was started without a journal. Give --journal.")
    return journal


def _check(document: dict[str, Any]) -> None:
    """Refuse what is large, deep, or no JSON: Python reads NaN and half characters, which nobody else does."""
    if _is_deep(document, _DEEPEST):
        raise ConfigError(f"The document has more than {_DEEPEST} things within each other.")
    try:
        size = len(json.dumps(document, ensure_ascii=False, allow_nan=False).encode())
    except ValueError as error:
        raise ConfigError("The document has a number or a letter that JSON does not know.") from error
    if size > _MOST_BYTES:
        raise ConfigError(f"The document has {size} bytes; at most {_MOST_BYTES} are kept.")


def _is_deep(value: Any, left: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left < 0 or any(_is_deep(item, left - 1) for item in inner)
