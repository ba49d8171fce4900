"""Settings: where a value comes from, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.settings import SETTINGS, Settings, load
from engine.errors import SettingsInvalid


@pytest.fixture
def read(tmp_path):
    """Load settings with nothing but what the test gives."""

    def read(*, flags=None, environ=None, toml: str | None = None) -> Settings:
        file = tmp_path / "welltimed.toml"
        if toml is not None:
            file.write_text(toml)
        return load(flags, environ=environ or {}, file=file)

    return read


def test_without_anything_there_are_defaults(read):
    """A bare `serve` listens on loopback, with rules and data beside it."""
    found = read()
    assert (found.rules, found.data) == (Path("rules"), Path("data"))
    assert (found.host, found.port) == ("127.0.0.1", 8080)
    assert found.store == "sqlite:///data/welltimed.db"
    assert found.synchronous == "normal"
    assert found.workers >= 1
    assert found.origins is None
    assert found.secret_key is None


def test_a_flag_beats_the_environment_and_that_the_file_and_that_the_default(read):
    """The four places in order, each shown to win over the next."""
    toml, environ, flags = "port = 2", {"WELLTIMED_PORT": "3"}, {"port": "4"}
    assert read().port == 8080
    assert read(toml=toml).port == 2
    assert read(toml=toml, environ=environ).port == 3
    assert read(toml=toml, environ=environ, flags=flags).port == 4


def test_a_flag_that_was_not_given_and_an_empty_variable_do_not_count(read):
    """None is what click passes for an absent flag; compose files leave variables empty."""
    found = read(flags={"port": None}, environ={"WELLTIMED_PORT": " "}, toml="port = 2")
    assert found.port == 2


def test_every_setting_can_be_set_from_each_place(read):
    """The table is the whole truth: each row works as a flag, a variable and a line of the file."""
    values = {
        "rules": "r",
        "data": "d",
        "store": "sqlite:///s.db",
        "synchronous": "full",
        "host": "::1",
        "port": "81",
        "workers": "3",
        "watch": "no",
        "origins": "https://shop.example",
        "secret_key": "k",
    }
    assert set(values) == {setting.name for setting in SETTINGS}
    by_flag = read(flags=values)
    assert by_flag == read(environ={s.variable: values[s.name] for s in SETTINGS})
    assert by_flag == read(toml="\n".join(f'{name} = "{text}"' for name, text in values.items()))
    assert (by_flag.port, by_flag.workers, by_flag.secret_key) == (81, 3, "k")


def test_switches_of_the_tests_are_no_settings(read):
    """A server that a test starts does not mind how the tests were started; only that prefix."""
    assert read(environ={"WELLTIMED_TEST_ANYTHING": "1"}) == read()
    with pytest.raises(SettingsInvalid, match="WELLTIMED_TESTS is not known"):
        read(environ={"WELLTIMED_TESTS": "1"})


@pytest.mark.parametrize(
    ("given", "on"),
    [
        ({"toml": "watch = false"}, False),
        ({"toml": "watch = true"}, True),
        ({"environ": {"WELLTIMED_WATCH": " Off "}}, False),
        ({"environ": {"WELLTIMED_WATCH": "0"}}, False),
        ({"environ": {"WELLTIMED_WATCH": "true"}, "toml": "watch = false"}, True),
        ({"flags": {"watch": False}}, False),
        ({"flags": {"watch": None}}, True),
    ],
)
def test_the_watch_is_on_or_off(read, given, on):
    """On unless somebody says otherwise, in the ways in which people say so."""
    assert read(**given).watch is on


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"environ": {"WELLTIMED_PROT": "1"}}, "WELLTIMED_PROT is not known; did you mean"),
        ({"environ": {"WELLTIMED_XYZZY": ""}}, "WELLTIMED_XYZZY is not known; there are"),
        ({"toml": "stroe = 'x'"}, "did you mean store?"),
        ({"toml": "[server]\nport = 1"}, "server in "),
        ({"flags": {"prot": 1}}, "did you mean port?"),
    ],
)
def test_an_unknown_name_is_an_error_wherever_it_stands(read, given, said):
    """A misspelt name is never silently without effect."""
    with pytest.raises(SettingsInvalid) as caught:
        read(**given)
    assert said in str(caught.value)
    assert "is not known" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"flags": {"port": "0"}}, "--port must be a whole number from 1 to 65535, not '0'"),
        ({"environ": {"WELLTIMED_PORT": "8o80"}}, "WELLTIMED_PORT must be a whole number"),
        ({"toml": "port = 80.5"}, "must be a whole number from 1 to 65535, not 80.5"),
        ({"toml": "port = true"}, "must be a whole number"),
        ({"flags": {"workers": "0"}}, "--workers must be auto, or a whole number from 1 to 256"),
        ({"environ": {"WELLTIMED_WATCH": "so"}}, "WELLTIMED_WATCH must be true or false, not 'so'"),
        ({"toml": "watch = 2"}, "must be true or false, not 2"),
        ({"flags": {"synchronous": "off"}}, "--synchronous must be normal or full, not 'off'"),
        ({"toml": "host = 3"}, "must be a text, not 3"),
        ({"toml": "origins = 3"}, "must be origins such as https://shop.example"),
        ({"flags": {"origins": "*"}}, "which '*' is not"),
        ({"flags": {"origins": "shop.example"}}, "which 'shop.example' is not"),
        ({"flags": {"origins": "https://*.shop.example"}}, "which 'https://*.shop.example' is not"),
        ({"flags": {"origins": "https://shop.example/path"}}, "is not"),
        ({"flags": {"origins": "https://me@shop.example"}}, "is not"),
        ({"flags": {"origins": "https://shop.example:99999"}}, "is not"),
        ({"flags": {"origins": "https://a..b"}}, "is not"),
        ({"flags": {"origins": "https://[::1"}}, "is not"),
        ({"flags": {"origins": "null"}}, "is not"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place_and_what_is_expected(read, given, said):
    """The sentence says which of the places is wrong."""
    with pytest.raises(SettingsInvalid) as caught:
        read(**given)
    assert said in str(caught.value)


def test_a_wrong_secret_key_is_not_printed(read):
    """An error lands in logs; a key must not."""
    with pytest.raises(SettingsInvalid) as caught:
        read(toml="secret_key = 123456")
    assert "123456" not in str(caught.value)


@pytest.mark.parametrize("toml", ["port =", "port = 1\nport = 2", "\udcff"])
def test_a_file_that_is_not_toml_is_named(tmp_path, toml):
    """A broken file gives one sentence with its name and, where there is one, the line."""
    file = tmp_path / "welltimed.toml"
    file.write_bytes(toml.encode(errors="surrogateescape"))
    with pytest.raises(SettingsInvalid, match=r"welltimed\.toml cannot be read: "):
        load(environ={}, file=file)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://käse.example", "https://xn--kse-qla.example"),
    ],
)
def test_origins_are_kept_as_browsers_send_them(read, written, meant):
    """What is compared with the Origin header is in that header's form."""
    assert read(flags={"origins": written}).origins == (meant,)


def test_origins_may_be_a_list_in_the_file(read):
    """Commas in a variable and a list in TOML say the same."""
    listed = read(toml='origins = ["https://a.example", "https://b.example"]')
    joined = read(environ={"WELLTIMED_ORIGINS": "https://a.example, https://b.example,"})
    assert listed.origins == joined.origins == ("https://a.example", "https://b.example")


class TestStore:
    def test_the_default_moves_with_the_data_folder(self, read):
        """Awkward characters of a folder's name survive the trip through the URL."""
        assert read(flags={"data": "/var/a b?c"}).store == "sqlite:////var/a%20b%3Fc/welltimed.db"

    def test_full_becomes_part_of_the_url(self, read):
        """The store reads one thing, its URL."""
        flags = {"synchronous": "full"}
        assert read(flags=flags).store == "sqlite:///data/welltimed.db?synchronous=full"
        named = flags | {"store": "sqlite:///x.db"}
        assert read(flags=named).store == "sqlite:///x.db?synchronous=full"

    def test_what_the_url_says_itself_is_left_alone(self, read):
        """Other stores have their own settings, and a URL may already say it."""
        flags = {"synchronous": "full", "store": "sqlite:///x.db?synchronous=normal"}
        assert read(flags=flags).store == "sqlite:///x.db?synchronous=normal"
        assert read(flags=flags | {"store": "other://host"}).store == "other://host"
