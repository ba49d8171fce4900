"""The keys of a deployment: who may act as a site's server, and who may write to a visitor.

A *secret key* belongs to one site. It is given in `WELLTIMED_SECRET_KEY`, or made and shown once on
the first start; only its SHA-256 is kept (a key is 256 random bits, so nothing slower is needed).
A *write token* is an HMAC over site and visitor, so none needs to be kept. `keys.json` in the data
folder holds the hashes and the token secret, and nobody but its owner may read it.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

import msgspec

from engine.errors import SettingsInvalid

FILE = "keys.json"
FORMAT = 1
_SOURCE = "WELLTIMED_SECRET_KEY"


class _Kept(msgspec.Struct, forbid_unknown_fields=True):
    """What `keys.json` holds: hashes are hexadecimal, one list a site."""

    token_secret: bytes
    secret_keys: dict[str, list[str]] = {}
    format: int = FORMAT


class Keys:
    """The keys in force; immutable, and safe to share between threads and processes.

    `made` maps sites to keys made just now: they are known at no other time.
    """

    def __init__(
        self, secret: bytes, hashes: Mapping[str, Sequence[bytes]], made: Mapping[str, str]
    ) -> None:
        self._secret = secret
        self._hashes = tuple((site, digest) for site, found in hashes.items() for digest in found)
        self.made = dict(made)

    def site_of(self, secret: str) -> str | None:
        """Return the site that a secret key belongs to, or None for a wrong key.

        Takes the same time whether and where there is a match.
        """
        digest = _digest(secret)
        found = None
        for site, known in self._hashes:
            if hmac.compare_digest(digest, known):
                found = site
        return found

    def write_token(self, site: str, visitor: str) -> str:
        """Return the token with which a browser writes to a visitor again: 43 characters."""
        # The length tells where the site ends, so that no two pairs share a message.
        message = f"write-token/1/{len(site)}/{site}/{visitor}".encode(errors="surrogatepass")
        digest = hmac.digest(self._secret, message, "sha256")
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def proves(self, token: str, site: str, visitor: str) -> bool:
        """Say whether a token is that visitor's, in constant time."""
        right = self.write_token(site, visitor).encode()
        return hmac.compare_digest(token.encode(errors="surrogatepass"), right)


def load(data: Path, sites: Sequence[str], given: str | None = None) -> Keys:
    """Return the keys of the sites, making what is missing; call it before forking.

    `given` is `WELLTIMED_SECRET_KEY`: one site's key, or `site=key` pairs with commas between
    them, several of one site while a key is being replaced. A site named there has no other
    key. Raises SettingsInvalid with a sentence.
    """
    told = parse(given, sites) if given else {}
    made: dict[str, str] = {}
    try:
        with _alone(data):
            kept = _read(data / FILE)
            before = msgspec.json.encode(kept)
            for site in sites:
                if site not in told and site not in kept.secret_keys:
                    made[site] = f"sk_{secrets.token_urlsafe(32)}"
                    kept.secret_keys[site] = [_digest(made[site]).hex()]
            if not (data / FILE).exists() or msgspec.json.encode(kept) != before:
                _write(data / FILE, kept)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsInvalid(f"the data folder {data} cannot be used: {reason}") from None
    hashes = {
        site: [_digest(key) for key in told[site]]
        if site in told
        else list(map(bytes.fromhex, kept.secret_keys[site]))
        for site in sites
    }
    return Keys(kept.token_secret, hashes, made)


def parse(given: str, sites: Sequence[str]) -> dict[str, list[str]]:
    """Return each site's keys as `WELLTIMED_SECRET_KEY` names them. Raises SettingsInvalid."""
    found: dict[str, list[str]] = {}
    for item in filter(None, map(str.strip, given.split(","))):
        site, key = _pair(item, sites)
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise SettingsInvalid(f"a key in {_SOURCE} has a character that no header can carry")
        if any(key in keys for other, keys in found.items() if other != site):
            raise SettingsInvalid(f"{_SOURCE} gives two sites one key; a key belongs to one site")
        found.setdefault(site, []).append(key)
    return found


def _pair(item: str, sites: Sequence[str]) -> tuple[str, str]:
    name, equals, key = item.partition("=")
    name = name.strip()
    if equals and name in sites and not key.strip():
        raise SettingsInvalid(f"{_SOURCE} gives the site {name} an empty key")
    # A key may end in "=" itself, as base64 does.
    if equals and key.strip("= "):
        if name in sites:
            return name, key.strip()
        close = get_close_matches(name, sites, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sites)}"
        raise SettingsInvalid(f"{_SOURCE} names a site that is not served here; {hint}")
    if len(sites) != 1:
        pairs = ",".join(f"{site}=KEY" for site in sites)
        raise SettingsInvalid(f"{_SOURCE} does not say whose key it is; write {pairs}")
    return sites[0], item


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Hold the data folder against other starting processes, making it if need be."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _read(path: Path) -> _Kept:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except FileNotFoundError:
        return _Kept(token_secret=secrets.token_bytes(32))
    if mode & 0o077:
        raise SettingsInvalid(f"{path} can be read by others; run: chmod 600 {path}")
    try:
        kept = msgspec.json.decode(text, type=_Kept)
        every = [bytes.fromhex(item) for found in kept.secret_keys.values() for item in found]
    except ValueError:
        raise _damaged(path) from None
    if kept.format != FORMAT:
        raise SettingsInvalid(
            f"{path} has format {kept.format}, and this welltimed knows {FORMAT} only; "
            "use the one that wrote it"
        )
    if any(len(digest) != 32 for digest in every) or len(kept.token_secret) < 32:
        raise _damaged(path)
    return kept


def _damaged(path: Path) -> SettingsInvalid:
    return SettingsInvalid(
        f"{path} is damaged; restore it, or remove it to make new keys "
        "(pages and servers with the old ones are then refused)"
    )


def _write(path: Path, kept: _Kept) -> None:
    """Replace the file as a whole: a crash leaves the old one or the new one."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(msgspec.json.format(msgspec.json.encode(kept), indent=2) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
