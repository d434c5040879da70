"""The log is brought to the disk, and let go of."""

from __future__ import annotations

import os
from pathlib import Path

from bt_run.journal.log_file import LogFile


def test_where_there_is_no_log_nothing_is_done(tmp_path: Path):
    """Some file systems let SQLite keep none; the next flush looks again."""
    log = LogFile(tmp_path / "a.sqlite")
    log.flush()
    (tmp_path / "a.sqlite-wal").write_bytes(b"log")
    log.flush()
    log.close()

    assert b"log" == (tmp_path / "a.sqlite-wal").read_bytes()


def test_the_log_is_flushed_itself_and_let_go_of(tmp_path: Path, monkeypatch):
    """The file is opened once; after the end nobody holds it."""
    flushed = []

    def note(file: int) -> None:
        flushed.append((file, os.fstat(file).st_ino))

    (tmp_path / "a.sqlite-wal").write_bytes(b"log")
    monkeypatch.setattr(os, "fdatasync", note, raising=False)
    log = LogFile(tmp_path / "a.sqlite")
    log.flush()
    log.flush()
    log.close()
    log.close()

    assert [flushed[0]] * 2 == flushed
    assert flushed[0][1] == (tmp_path / "a.sqlite-wal").stat().st_ino
