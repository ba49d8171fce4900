"""What a deployment may set, and where from: flag, then environment, then file, then default.

`SETTINGS` is the one table: the loader and the docs both read it. A name that is not in it
is an error, wherever it stands.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from engine.errors import SettingsInvalid

PREFIX = "WELLTIMED_"
TESTS = "WELLTIMED_TEST_"  # switches of the test suite, which starts servers: no settings
FILE = Path("welltimed.toml")
STORE_FILE = "welltimed.db"
DATABASE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Settings:
    """A deployment's settings, all known to be usable.

    `store` is a whole URL, `synchronous` already in it; `origins` None where nobody set any.
    `secret_key` is as it was given: `api.keys` knows its form.
    """

    rules: Path
    data: Path
    store: str
    synchronous: str
    host: str
    port: int
    workers: int
    watch: bool
    origins: tuple[str, ...] | None
    secret_key: str | None


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: its name, how its value is read, what it is without one, what it means.

    `read` takes text, or what TOML or a flag holds, and raises ValueError saying what is expected.
    `default` is shown to people and read like any other value; None means that there is none.
    """

    name: str
    read: Callable[[Any], Any]
    default: str | None
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable's name."""
        return PREFIX + self.name.upper()


def _text(value: Any) -> str:
    if not isinstance(value, str | os.PathLike) or "\0" in str(value):
        raise ValueError("a text")
    return str(value)


def _folder(value: Any) -> Path:
    return Path(_text(value)).expanduser()


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        text = str(value).strip()
        if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 10):
            raise ValueError(f"a whole number from {low} to {high}")
        if not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return read


def _workers(value: Any) -> int:
    if value == "auto":
        # The cores that this process may use, where the system can tell.
        return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        return _whole(1, 256)(value)
    except ValueError as error:
        raise ValueError(f"auto, or {error}") from None


def _switch(value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in {"true", "on", "yes", "1", "false", "off", "no", "0"}:
        raise ValueError("true or false")
    return text in {"true", "on", "yes", "1"}


def _synchronous(value: Any) -> str:
    if value not in {"normal", "full"}:
        raise ValueError("normal or full")
    return str(value)


def _origins(value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        raise ValueError("origins such as https://shop.example, with commas between them")  # noqa: TRY004 - one kind of complaint
    return tuple(_origin(_text(item)) for item in items if _text(item).strip())


def _origin(text: str) -> str:
    """Return an origin as browsers write it: lower case, no default port, no final slash."""
    wrong = ValueError(f"origins such as https://shop.example, which {text.strip()!r} is not")
    try:
        parts = urlsplit(text.strip().lower())
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise wrong from None
    beyond = parts.path.rstrip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in {"http", "https"} or not host or beyond:
        raise wrong
    if not all(letter.isalnum() or letter in "-._:" for letter in host):
        raise wrong
    name = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in {None, usual} else "")


SETTINGS = (
    Setting("rules", _folder, "rules", "the rules folder, or a folder of such folders, one a site"),
    Setting("data", _folder, "data", "the folder for what welltimed itself keeps: keys, database"),
    Setting("store", _text, None, f"the store's URL; {STORE_FILE} in the data folder without one"),
    Setting(
        "synchronous",
        _synchronous,
        "normal",
        "normal: what was acknowledged survives any process; full: a power cut as well, slower",
    ),
    Setting("host", _text, "127.0.0.1", "the address to listen on; 0.0.0.0 for all"),
    Setting("port", _whole(1, 65_535), "8080", "the port to listen on"),
    Setting("workers", _workers, "auto", "how many processes serve; auto is one a core"),
    Setting("watch", _switch, "true", "whether edits of the rules go live by themselves"),
    Setting("origins", _origins, None, "the origins whose pages may call, commas between them"),
    Setting(
        "secret_key",
        _text,
        None,
        "the server's key, or site=key pairs with commas; made on the first start without one",
    ),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    file: Path = FILE,
) -> Settings:
    """Return the settings in force. Raises SettingsInvalid with a sentence.

    `flags` maps names to values, None where a flag was not given; an empty environment variable
    counts as not set; `file` need not exist.
    """
    given = _from_file(file) | _from_environment(environ) | _from_flags(flags or {})
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        value, place = given.get(setting.name, (setting.default, "its default"))
        try:
            values[setting.name] = None if value is None else setting.read(value)
        except ValueError as error:
            shown = "" if setting.name == "secret_key" else f", not {value!r}"
            raise SettingsInvalid(f"{place} must be {error}{shown}") from None
    return Settings(**values | {"store": _store(values)})


def _store(values: Mapping[str, Any]) -> str:
    """Return the store's whole URL: the default's place, and how careful SQLite is to be."""
    url: str = values["store"] or DATABASE + quote(str(values["data"] / STORE_FILE))
    if values["synchronous"] == "full" and url.startswith("sqlite:") and "synchronous=" not in url:
        url += ("&" if "?" in url else "?") + "synchronous=full"
    return url


def _from_flags(flags: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    found = {name: value for name, value in flags.items() if value is not None}
    for name in found:
        _known(name, f"the flag {name}")
    return {name: (value, f"--{name.replace('_', '-')}") for name, value in found.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found = {
        key: value
        for key, value in environ.items()
        if key.startswith(PREFIX) and not key.startswith(TESTS)
    }
    names = {key: key.removeprefix(PREFIX).lower() for key in found}
    for key, name in names.items():
        _known(name if key.isupper() else key, f"the environment variable {key}", PREFIX)
    return {names[key]: (value, key) for key, value in found.items() if value.strip()}


def _from_file(file: Path) -> dict[str, tuple[Any, str]]:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsInvalid(f"{file} cannot be read: {error}") from None
    for name in found:
        _known(name, f"{name} in {file}")
    return {name: (value, f"{name} in {file}") for name, value in found.items()}


def _known(name: str, told: str, prefix: str = "") -> None:
    """Refuse a name that is not in the table; `prefix` is what its place writes before names."""
    if name in _BY_NAME:
        return
    close = get_close_matches(name.lower(), _BY_NAME, n=1)
    names = [prefix + each.upper() if prefix else each for each in close or _BY_NAME]
    hint = f"did you mean {names[0]}?" if close else f"there are {', '.join(names)}"
    raise SettingsInvalid(f"{told} is not known; {hint}")
