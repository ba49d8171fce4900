"""Folders on disk: what is read, what is passed over, what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import Severity, WelltimedError
from engine.language import loader

SITE = "site: { name: shop, time_zone: UTC }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    return tmp_path


def test_yaml_files_are_read_and_nothing_else(folder):
    """Files of other kinds, hidden files and hidden folders are no part of the rules."""
    for name in ("a.yaml", "a.test.yaml", "b.yml", "README.md", ".#a.yaml", ".a.yaml"):
        (folder / name).write_text("", encoding="utf-8")
    for name in ("old", ".git", "x.yaml"):
        (folder / name).mkdir()
        (folder / name / "c.yaml").write_text("", encoding="utf-8")
    assert sorted(loader.read_folder(folder)) == [
        "a.test.yaml", "a.yaml", "b.yml", "old/c.yaml", "site.yaml", "x.yaml/c.yaml",
    ]  # fmt: skip


def test_files_in_inner_folders_are_told_of_and_do_not_count(folder):
    """A file in a folder inside gives a warning, no rules, and leaves the digest as it is."""
    plain = loader.load(loader.read_folder(folder))
    (folder / "old").mkdir()
    (folder / "old" / "a.yaml").write_text("rules: [ nonsense ]\n", encoding="utf-8")
    loaded = loader.load(loader.read_folder(folder))
    assert loaded.folder.digest == plain.folder.digest
    told = [p for p in loaded.problems if p.kind == "not-read"]
    assert [(p.path, p.severity) for p in told] == [("old/a.yaml", Severity.WARNING)]


def test_bytes_that_are_not_utf8_are_found_at_their_place(folder):
    """A file in another encoding is one finding, where its first strange byte stands."""
    (folder / "a.yaml").write_bytes("rules: []\n# déjà vu\n".encode("latin-1"))
    loaded = loader.load(loader.read_folder(folder))
    assert loaded.folder is None
    assert [(p.path, p.line, p.column, str(p.kind)) for p in loaded.problems] == [
        ("a.yaml", 2, 4, "encoding")
    ]


def test_a_huge_file_is_not_read_to_its_end(folder):
    """No more of a file is read than is needed to see that it is too large."""
    with (folder / "a.yaml").open("wb") as file:
        file.truncate(1 << 30)
    files = loader.read_folder(folder)
    assert len(files["a.yaml"]) == (1 << 20) + 1
    assert [str(p.kind) for p in loader.load(files).problems] == ["too-large"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path / "nowhere", "there is no rules folder at"),
        (lambda path: path / "site.yaml", "is a file; expected the folder that holds site.yaml"),
    ],
)
def test_a_folder_that_is_none_is_one_sentence(folder, make, said):
    """A missing folder, or a file in its place, is told in a sentence."""
    with pytest.raises(WelltimedError, match=said):
        loader.read_folder(make(folder))


def test_a_link_that_leads_nowhere_is_one_sentence(folder):
    """A rules file that cannot be opened is never left out in silence."""
    (folder / "a.yaml").symlink_to(folder / "gone.yaml")
    with pytest.raises(WelltimedError, match=r"a\.yaml cannot be read: "):
        loader.read_folder(folder)


@pytest.mark.parametrize("files", [{}, {"a.yaml": "rules: []\n"}, {"README.md": "hello"}])
def test_a_folder_without_a_site_is_told(files):
    """site.yaml is missed by name, whatever else is there."""
    loaded = loader.load(files)
    assert loaded.folder is None
    assert [str(p.kind) for p in loaded.problems] == ["no-site"]
