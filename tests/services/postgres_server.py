"""A PostgreSQL server for as long as the tests run, on loopback, with a password, its data thrown away."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine

__all__ = ["postgres", "postgres_url"]

PASSWORD = "hush/hush@77"  # noqa: S105
"""With characters that a URL must quote."""

_START_S = 60


def _find_binaries() -> Path | None:
    """Find the folder of the newest server; Debian keeps it off the path."""
    found = [Path(name).parent for name in [shutil.which("initdb")] if name]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name)
    return next((folder for folder in reversed(found) if (folder / "initdb").is_file()), None)


def _other_user() -> str | None:
    """Give who runs the server: it refuses to run as root."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return None


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def _serving(binaries: Path, folder: Path) -> Iterator[URL]:
    """Make a cluster and serve it; gives the superuser's URL."""
    user = _other_user()
    secret = folder / "password"
    secret.write_text(PASSWORD)
    if user is not None:
        shutil.chown(folder, user)
        shutil.chown(secret, user)

    def call(program: str, *words: str) -> None:
        subprocess.run(
            [binaries / program, "-D", folder / "data", *words],
            check=True, user=user, cwd=folder, timeout=_START_S, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    port = _free_port()
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
    call("initdb", "-U", "bot", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync")
    call("pg_ctl", "start", "-w", "-t", str(_START_S), "-l", str(folder / "log"), "-o", options)
    try:
        yield URL.create("postgresql+psycopg", "bot", PASSWORD, "127.0.0.1", port, "postgres")
    finally:
        call("pg_ctl", "stop", "-m", "immediate")


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """Serve PostgreSQL; skip loudly where there is no server or no driver."""
    binaries = _find_binaries()
    if binaries is None:
        pytest.skip("NOT TESTED: there is no PostgreSQL server (initdb) on this machine")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip('NOT TESTED: there is no driver for PostgreSQL; install bt-run with its extra "postgresql"')
    with (
        tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder,
        _serving(binaries, Path(folder)) as url,
    ):
        yield url


@pytest.fixture
def postgres_url(postgres: URL) -> Iterator[str]:
    """Give the URL of an empty database of its own, password and all."""
    name = f"journal_{secrets.token_hex(4)}"
    engine = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield postgres.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()
