"""What a power failure takes beyond a kill: the orders of the request that had no answer yet."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

__all__ = ["fail_power"]


def fail_power(journal: Path) -> set[str]:
    """
    Take away the newest run's orders of which there is no more than an intent; give their ids and their list's.

    Nobody has waited for the disk since, and all that was written after an answer has been waited for.
    """
    if not journal.exists():
        return set()
    with closing(sqlite3.connect(journal)) as database, database:
        ((run,),) = database.execute("SELECT max(run) FROM runs")
        tag = database.execute("SELECT value FROM state WHERE run = ? AND key = 'tag'", (run,)).fetchone()
        if tag is None:
            return set()
        found = database.execute(
            "SELECT client_id, list_id FROM orders WHERE run = ? AND client_id LIKE ? AND client_id NOT IN "
            "(SELECT client_id FROM order_events WHERE run = ? AND kind <> 'Intent')",
            (run, f"btr-{json.loads(tag[0])}-%", run),
        ).fetchall()
        gone = [(run, name) for name, _ in found]
        database.executemany("DELETE FROM order_events WHERE run = ? AND client_id = ?", gone)
        database.executemany("DELETE FROM orders WHERE run = ? AND client_id = ?", gone)
    return {name for names in found for name in names if name}
