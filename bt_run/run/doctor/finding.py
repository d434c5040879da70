"""What the doctor finds, as data; and running checks side by side within a time."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bt_run.core.errors import BtRunError, Disconnected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Finding", "Status", "run_checks"]

Status = Literal["ok", "warning", "failed", "left out"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `text` is a sentence, `advice` what to do about it, empty where nothing is."""

    check: str
    status: Status
    text: str
    advice: str = ""


def run_checks(checks: Mapping[str, Callable[[], Finding]], *, within_s: float = 5.0) -> tuple[Finding, ...]:
    """
    Run checks side by side and give what they found, in their order.

    One that takes longer than `within_s` counts as failed, and is left to itself. An error of ours counts as
    failed, with its text; another is a bug and is raised.
    """
    found: dict[str, Finding | Exception] = {}

    def run(name: str, check: Callable[[], Finding]) -> None:
        try:
            found[name] = check()
        except Disconnected as error:
            found[name] = Finding(
                name, "failed", f"{error.reason.rstrip('.')}.", "Check the network, and proxies in between."
            )
        except BtRunError as error:
            found[name] = Finding(name, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - raised below, in the caller's thread
            found[name] = error

    threads = [
        threading.Thread(target=run, args=item, daemon=True, name=f"doctor {item[0]}")
        for item in checks.items()
    ]
    until = time.monotonic() + within_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = f"No answer within {within_s:.0f} seconds."
    findings = []
    for name in checks:
        one = found.get(name, Finding(name, "failed", late, "Check the network, then ask again."))
        if isinstance(one, Exception):
            raise one
        findings.append(one)
    return tuple(findings)
