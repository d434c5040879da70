"""What must not lie in the tree: secrets, paths of one machine, addresses of package registries."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Assembled from halves, so that this file does not hold what it looks for.
_HOMES = "|".join(("wo" + "rk", "ro" + "ot", r"ho" + r"me/\w+", r"tm" + r"p/\w+", r"Us" + r"ers/\w+"))
_HOSTS = "|".join(
    (
        "pypi" + r"\.org",
        "pythonhosted" + r"\.org",
        "registry" + r"\.npmjs",
        r"(?:deb|security|snapshot)\.deb" + r"ian\.org",
    )
)

FORBIDDEN = {
    "a path of one machine": rf"(?<![\w.}})])/(?:{_HOMES})/",
    "the host of a package registry": _HOSTS,
    "a private key": "BEGIN (?:[A-Z]+ )?PRIVATE" + " KEY",
    "a key of Binance": r"""(?i)api_?(?:key|secret)\w*\s*[=:]\s*["'][A-Za-z0-9]{40,}["']""",
}


def tracked() -> list[Path]:
    """List the files that git tracks; skip loudly where there is no git or no checkout."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("NOT TESTED: not a git checkout, so which files are ours is not known")
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_tree_holds_no(what):
    """No tracked text file holds what would leak or would work on one machine only."""
    pattern = re.compile(FORBIDDEN[what])
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]

    assert [] == found


@pytest.mark.parametrize(
    ("what", "sample"),
    [
        ("a path of one machine", "open('/ro" + "ot/x.csv')"),
        ("a path of one machine", "/ho" + "me/ann/data"),
        ("a key of Binance", 'api_key = "' + "a1" * 32 + '"'),
        ("a private key", "-----BEGIN RSA PRIVATE" + " KEY-----"),
    ],
)
def test_the_patterns_would_notice(what, sample):
    """A pattern that matches nothing guards nothing."""
    assert re.search(FORBIDDEN[what], sample)
