"""A search into a file: begin it, or go on with it, and run it to its end."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bt_run.core.errors import ConfigError
from bt_run.run.optimize.cluster import ClusterGone
from bt_run.run.optimize.search import check_search, new_seed, stream_trials
from bt_run.run.optimize.sweep_file import SweepFile
from strategies.loader import load_strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bt_run.run.optimize.request import SearchRequest

__all__ = ["End", "begin_sweep", "question_of", "resume_sweep", "run_sweep", "sweep_place"]

End = Literal["finished", "timeout", "interrupted"]

_WORDS = {
    "strategy": "another strategy",
    "code": "another version of the strategy's code",
    "fixed": "other fixed parameters",
    "axes": "other ranges of the parameters",
    "data": "other bars",
    "settings": "other cash, costs, stake or stops",
    "method": "another method",
    "goals": "other metrics or constraints",
}


def question_of(request: SearchRequest) -> dict[str, Any]:
    """
    Say in plain data what a search asks; two searches that ask the same give the same trials.

    How many trials, for how long and by whom is left out, so that a later run may have more of them. The
    metrics matter only to methods that learn from them.
    """
    strategy = load_strategy(request.spec)
    bars = request.data.bars
    learns = request.method in ("tpe", "nsga2")
    return {
        "strategy": strategy.name,
        "code": hashlib.sha256(strategy.source.read_bytes()).hexdigest(),
        "fixed": dict(request.space.fixed),
        "axes": [[axis.name, *(axis.values or (axis.low, "to", axis.high))] for axis in request.space.axes],
        "data": {
            "sha256": request.data.sha256,
            "symbol": request.data.symbol,
            "interval": str(request.data.interval),
            "bars": len(bars),
            "first_ms": int(bars.open_time[0]),
            "last_ms": int(bars.open_time[-1]),
        },
        "settings": {**dataclasses.asdict(request.settings), "stake": str(request.settings.stake)},
        "method": request.method,
        "goals": [str(each) for each in (*request.goals, *request.constraints)] if learns else [],
    }


def sweep_place(question: Mapping[str, Any], *, environ: Mapping[str, str] | None = None) -> Path:
    """
    Give the place of a sweep that was given none: ``bt-run/sweeps`` in the user's data, named by its question.

    The user's data lie in XDG_DATA_HOME, by default ``~/.local/share``. The folder is made.
    """
    known = os.environ if environ is None else environ
    folder = Path(known.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "bt-run" / "sweeps"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"Cannot make {folder}: {error.strerror}. Give a file with --out.") from error
    digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:8]
    data = question["data"]
    name = "-".join((question["strategy"], data["symbol"], data["interval"], digest))
    safe = re.sub(r"[^\w.-]", "_", name)
    return folder / f"{safe}.sqlite"


def begin_sweep(request: SearchRequest, path: Path | None = None, *, overwrite: bool = False) -> SweepFile:
    """
    Begin a sweep in `path`, or in its own place.

    Raises:
        ConfigError: there is a sweep already, unless it is empty, or finished and of the same question, or
            `overwrite` says so; a place that cannot be written; nothing to try, or no cluster to try it on. No
            file is begun then, and none is overwritten.
    """
    question = question_of(request)
    place = path or sweep_place(question)
    if place.exists() and not overwrite:
        with SweepFile.open(place) as file:
            done = file.count()
            is_mine = not done or (file.end == "finished" and file.question == _plain(question))
        if not is_mine:
            raise ConfigError(
                f"{place} holds a sweep of {done:,} combinations already. Give --resume to go on with it, "
                f"--overwrite to begin anew, or another --out."
            )
    seed = new_seed() if request.seed is None else request.seed
    check_search(request, seed=seed)
    return SweepFile.create(place, question=question, seed=seed)


def resume_sweep(request: SearchRequest, path: Path | None = None) -> SweepFile:
    """
    Go on with the sweep in `path`, or in its own place.

    Raises:
        ConfigError: there is none, or it asks something else: the text says what differs.
    """
    question = _plain(question_of(request))
    file = SweepFile.open(path or sweep_place(question))
    before = file.question
    seed = file.seed
    differing = [word for key, word in _WORDS.items() if before.get(key) != question[key]]
    if request.seed is not None and request.seed != seed and request.method != "grid":
        differing.append(f"another seed ({seed})")
    if differing:
        file.close()
        raise ConfigError(
            f"{file.path} was made with {' and '.join(differing)}; its numbers would not belong together with "
            f"those of this search. Give the same options, or another --out."
        )
    return file


def run_sweep(request: SearchRequest, file: SweepFile, *, progress: Callable[[int], None] | None = None) -> End:
    """
    Run what the file does not hold yet; every trial is written as it comes.

    Args:
        request: What to search, as the file was begun with.
        file: From `begin_sweep` or `resume_sweep`; it stays open.
        progress: Called with the number of trials that the file holds.

    Returns:
        How it ended. On Ctrl-C the trials done are in the file, and KeyboardInterrupt goes on.

    Raises as `search`, and ConfigError where the disk is full.
    """
    begun = time.monotonic()
    done = file.count()
    file.set_end("interrupted")
    stream = stream_trials(request, seed=file.seed, is_done=file.is_done, earlier=file.trials)
    try:
        for batch in stream:
            file.add(batch)
            done += len(batch)
            if progress is not None:
                progress(done)
    except ClusterGone as error:
        raise ConfigError(f"{error} What was stored is kept; --resume goes on.") from error
    finally:
        stream.close()
    late = request.timeout_s is not None and time.monotonic() - begun >= request.timeout_s
    end: End = "timeout" if late else "finished"
    file.set_end(end)
    return end


def _plain(question: Mapping[str, Any]) -> dict[str, Any]:
    """Give a question as it reads back from a file: tuples become lists."""
    found: dict[str, Any] = json.loads(json.dumps(question))
    return found
