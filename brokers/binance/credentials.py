"""
API keys: where they come from, what they sign, and how they stay hidden.

They are read from the environment, or from a file ``.env`` in the current folder; the environment wins. They
are never put into the process's environment, and no text that Python makes of them shows anything.

===========================  ==========================================================================
venue                        variables
===========================  ==========================================================================
testnet                      BINANCE_TESTNET_API_KEY, and BINANCE_TESTNET_API_SECRET or ..._PRIVATE_KEY
demo                         BINANCE_DEMO_API_KEY ...
mainnet                      BINANCE_API_KEY ...
practice                     BT_RUN_PRACTICE_API_KEY ...
a user's own, ``my-venue``   BT_RUN_MY_VENUE_API_KEY ...
===========================  ==========================================================================

..._API_PRIVATE_KEY is the path of a PEM file with an Ed25519 or RSA key, ..._API_PRIVATE_KEY_PASS its password.
Source: binance-spot-api-docs, rest-api.md and faqs/api_key_types.md, read 2026-07-21.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from Crypto.Hash import SHA256
from Crypto.PublicKey import ECC, RSA
from Crypto.Signature import eddsa, pkcs1_15

from bt_run.core.environment import read_variables
from bt_run.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Credentials", "find_credentials", "variable_prefix"]

_PREFIXES = {"testnet": "BINANCE_TESTNET", "demo": "BINANCE_DEMO", "mainnet": "BINANCE"}
_SOURCES = {
    "testnet": "Make a key at https://testnet.binance.vision with a GitHub login",
    "demo": "Make a key at https://demo.binance.com/en/my/settings/api-management",
    "practice": "Take the key that the practice exchange shows when it starts",
    "mainnet": "Make a key without the right to withdraw at https://www.binance.com/en/my/settings/api-management",
}
_WITHOUT_ANY = (
    "Without any key try the practice exchange: "
    "bt-run live --strategy sar --venue practice --data btc_1d.csv --speed max"
)
_LEGAL_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """
    An API key and what signs for it: a secret (HMAC), or a private key of pycryptodome (Ed25519 or RSA).

    Raises ConfigError where there is neither, or both.
    """

    api_key: str
    secret: str = ""
    private_key: Any = None

    def __post_init__(self) -> None:
        if not _LEGAL_KEY.fullmatch(self.api_key):
            raise ConfigError("The API key is empty or holds blanks or other characters that no key has.")
        if any(sign.isspace() for sign in self.secret):
            raise ConfigError("The API secret holds blanks, which no secret has. Copy it once more.")
        if bool(self.secret) == (self.private_key is not None):
            raise ConfigError("An API key needs a secret or a private key, and only one of them.")

    @property
    def kind(self) -> Literal["HMAC", "RSA", "Ed25519"]:
        """Tell how it signs."""
        if self.private_key is None:
            return "HMAC"
        return "RSA" if isinstance(self.private_key, RSA.RsaKey) else "Ed25519"

    def sign(self, payload: bytes) -> str:
        """Sign: hexadecimal for HMAC, base64 (not percent-encoded) for the others."""
        if self.private_key is None:
            return hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()
        if self.kind == "RSA":
            return base64.b64encode(pkcs1_15.new(self.private_key).sign(SHA256.new(payload))).decode()
        return base64.b64encode(eddsa.new(self.private_key, "rfc8032").sign(payload)).decode()

    def signed(self, params: Mapping[str, Any], *, time_ms: int) -> dict[str, Any]:
        """
        Sign parameters for the WebSocket API: all of them sorted by name, as they are, not percent-encoded.

        `time_ms` is the exchange's time, ms since 1970 UTC.
        """
        full = dict(sorted({**params, "apiKey": self.api_key, "timestamp": time_ms}.items()))
        payload = "&".join(f"{name}={value}" for name, value in full.items())
        return {**full, "signature": self.sign(payload.encode())}

    def __repr__(self) -> str:
        return f"Credentials({self.kind}, hidden)"


def variable_prefix(venue: str) -> str:
    """Give how the variables of a venue begin, such as BINANCE_TESTNET."""
    own = re.sub(r"\W", "_", venue, flags=re.ASCII).upper()
    return _PREFIXES.get(venue, f"BT_RUN_{own}")


def find_credentials(
    venue: str, *, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> Credentials:
    """
    Find the keys of a venue by its name.

    Args:
        venue: Such as ``testnet``.
        environ: The environment; that of the process by default.
        folder: Where ``.env`` lies; the current folder by default.

    Raises:
        ConfigError: there are none, only half of them, or a key file that cannot be read.
    """
    given = read_variables(environ, folder=folder)
    prefix = variable_prefix(venue)
    names = {what: f"{prefix}_API_{what}" for what in ("KEY", "SECRET", "PRIVATE_KEY", "PRIVATE_KEY_PASS")}
    api_key, secret, path = (given.get(names[what], "") for what in ("KEY", "SECRET", "PRIVATE_KEY"))
    if venue == "data":
        raise ConfigError(
            "The venue 'data' tells prices and takes no orders. Name another, such as --venue testnet."
        )
    if not api_key or not (secret or path):
        raise ConfigError(_how_to_get(venue, names, [what for what in names if given.get(names[what])]))
    if secret and path:
        raise ConfigError(
            f"{names['SECRET']} and {names['PRIVATE_KEY']} are both set. Keep the one of this key."
        )
    if not path:
        return Credentials(api_key, secret)
    key = _read_key(Path(path).expanduser(), given.get(names["PRIVATE_KEY_PASS"]), names["PRIVATE_KEY"])
    return Credentials(api_key, private_key=key)


def _how_to_get(venue: str, names: Mapping[str, str], found: list[str]) -> str:
    lacks = names["KEY"] if "KEY" not in found else f"{names['SECRET']} (or {names['PRIVATE_KEY']}, a PEM file)"
    if not found:
        lacks = f"{names['KEY']} and {names['SECRET']} (or {names['PRIVATE_KEY']}, a PEM file)"
    source = _SOURCES.get(venue, f"Get a key from whoever runs the venue {venue!r}")
    told = (
        f"There is no API key for the venue {venue!r}: {source} and set {lacks} in the environment "
        f"or in the file .env of this folder."
    )
    return told if venue == "practice" else f"{told} {_WITHOUT_ANY}"


def _read_key(path: Path, password: str | None, variable: str) -> Any:
    """Read a private key; python-binance tells the kinds apart by the text's length, which fails for some."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text file in PEM form"
        raise ConfigError(f"{variable}: {path} cannot be read: {why}.") from None
    for read in (ECC.import_key, RSA.import_key):
        try:
            key: Any = read(text, passphrase=password)
        except (ValueError, IndexError, TypeError):
            continue
        if key.has_private() and (isinstance(key, RSA.RsaKey) or key.curve == "Ed25519"):
            return key
    raise ConfigError(
        f"{variable}: {path} holds no Ed25519 or RSA private key in PEM form that could be opened. "
        f"A key with a password needs {variable}_PASS."
    )
