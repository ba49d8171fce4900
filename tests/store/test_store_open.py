"""Naming a store by its URL."""

from __future__ import annotations

import pytest

from engine.errors import StoreUnavailable
from engine.store import open_store


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///here.db", "here.db"),
        ("sqlite:///sub/folder/here.db", "sub/folder/here.db"),
        ("sqlite:///a%20b%3Fc.db", "a b?c.db"),
        ("sqlite:///here.db?synchronous=full", "here.db"),
        ("sqlite:///日本.db", "日本.db"),
    ],
)
def test_three_slashes_name_a_file_from_here(tmp_path, monkeypatch, url, file):
    """Percent signs stand for characters that a URL would read otherwise."""
    monkeypatch.chdir(tmp_path)
    open_store(url).close()
    assert (tmp_path / file).exists()


def test_four_slashes_name_a_file_from_the_root(tmp_path, monkeypatch):
    """An absolute path keeps its own slash; moving about later changes nothing."""
    store = open_store(f"sqlite:///{tmp_path}/here.db")
    monkeypatch.chdir("/")
    assert store.commit("shop", "ann", 0, b"", [])
    assert (tmp_path / "here.db").exists()
    store.close()


def test_the_option_reaches_the_store(tmp_path):
    """Full waits for the disk; normal is the default."""
    for option, full in (("", False), ("?synchronous=normal", False), ("?synchronous=full", True)):
        assert open_store(f"sqlite:///{tmp_path}/x.db{option}")._full is full


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is not known; write sqlite:///path/to/file.db"),
        ("here.db", "a store named here.db: is not known"),
        ("mysql://me:secret@host/db", "a store named mysql: is not known"),
        ("sqlite://here.db", "is not known"),
        ("sqlite:///", "is not known"),
        ("sqlite:///:memory:", "is not known"),
        ("sqlite:///x.db?sync=full", "?sync=full is not known; there are synchronous=normal and"),
        ("sqlite:///x.db?synchronous=off", "?synchronous=off is not known"),
    ],
)
def test_a_wrong_url_is_refused_without_telling_its_password(url, said):
    """The sentence says what to write instead."""
    with pytest.raises(StoreUnavailable) as caught:
        open_store(url)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
