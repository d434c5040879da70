"""The tables of a sweep file, and its version. A file of another version is refused, not guessed at."""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "SCHEMA", "VERSION"]

APPLICATION_ID = 0x62745357
"""What SQLite keeps in the file's header: "btSW"."""

VERSION = 1

SCHEMA = """
-- one line each: what was searched (JSON), the seed, and how the search ended
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- one line a combination; params and metrics are JSON objects, error is empty where the run went well
CREATE TABLE trials (
    number  INTEGER PRIMARY KEY,
    params  TEXT NOT NULL,
    metrics TEXT NOT NULL,
    error   TEXT NOT NULL DEFAULT '',
    engine  TEXT NOT NULL DEFAULT ''
);

-- returns a day of an even sample of the trials, float64 little-endian: what tests of luck are made of
CREATE TABLE returns (
    number INTEGER PRIMARY KEY,
    daily  BLOB NOT NULL
);

-- for people: the numbers of most sweeps as columns
CREATE VIEW results AS SELECT
    number,
    params,
    metrics ->> 'return_pct'       AS return_pct,
    metrics ->> 'sharpe'           AS sharpe,
    metrics ->> 'max_drawdown_pct' AS max_drawdown_pct,
    metrics ->> 'trades'           AS trades,
    metrics ->> 'win_rate_pct'     AS win_rate_pct,
    error
FROM trials;
"""
