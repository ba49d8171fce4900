"""What serves is kept as one file: whole, readable again, and trusted no further than it goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import kept
from engine.errors import Problem, RulesInvalid, Severity, WelltimedError
from engine.kept import Kept
from engine.ruleset import Holder, read_steadily

SITE = "site: { name: shop, time_zone: UTC }\n"
RULES = 'rules: [ { rule: hello, show: "Hello" } ]\n'
WRONG = "rules: [ { rule: hello, shwo: x } ]\n"

TEXT = st.text(max_size=20)  # lone surrogates too: bytes that are not UTF-8
PROBLEMS = st.builds(
    Problem,
    TEXT,
    st.integers(1, 99),
    st.integers(1, 99),
    TEXT,
    TEXT,
    st.sampled_from(Severity),
    st.integers(1, 9),
)


@given(st.dictionaries(TEXT, TEXT, max_size=3), TEXT, TEXT, st.lists(PROBLEMS, max_size=3))
def test_what_is_kept_is_read_back_whole(tmp_path_factory, files, judged, refusal, problems):
    """Whatever stands in files and messages."""
    path = tmp_path_factory.mktemp("kept") / "deeper" / "one.json"
    written = Kept(files, judged, refusal, tuple(problems))
    kept.write(path, written)
    assert kept.read(path) == written
    assert [each.name for each in path.parent.iterdir()] == ["one.json"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"files": {}}', "null", "\xff"])
def test_a_damaged_file_is_as_good_as_none(tmp_path, content):
    """Nobody is served by half a file."""
    path = tmp_path / "one.json"
    path.write_bytes(content.encode("latin-1"))
    assert kept.read(path) is None
    assert kept.read(tmp_path / "none.json") is None


@given(st.dictionaries(TEXT, TEXT, max_size=3), st.dictionaries(TEXT, TEXT, max_size=3))
def test_a_fingerprint_tells_sets_of_files_apart(one, other):
    """The order in which they were read aside."""
    same = kept.fingerprint(one) == kept.fingerprint(other)
    assert same == (one == other)
    assert kept.fingerprint(one) == kept.fingerprint(dict(reversed(one.items())))


@pytest.fixture
def folder(tmp_path):
    """Return a folder whose good rules were served and kept before."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "site.yaml").write_text(SITE)
    (rules / "a.yaml").write_text(RULES)
    holder = Holder(rules, tmp_path / "kept.json")
    holder.keep()
    holder.current.close()
    return rules


def test_the_last_good_set_serves_where_the_folder_is_refused(folder, tmp_path):
    """And it is said that it does, with the errors."""
    (folder / "a.yaml").write_text(WRONG)
    holder = Holder(folder, tmp_path / "kept.json")
    assert [rule.id for rule in holder.current.rules] == ["hello"]
    assert holder.last.message.endswith("The last good rules serve instead.")
    assert [problem.line for problem in holder.last.problems] == [1, 1]
    assert not holder.last.ok


def test_a_worker_opens_what_is_kept_whatever_stands_in_the_folder(folder, tmp_path):
    """A good set that nobody has loaded yet may be half of the next one."""
    (folder / "a.yaml").write_text(RULES.replace("Hello", "Half of"))
    worker = Holder(folder, tmp_path / "kept.json", follow=True)
    parent = Holder(folder, tmp_path / "kept.json")
    assert worker.current.digest != parent.current.digest
    assert worker.last.ok


@pytest.mark.parametrize("content", ["", None])
def test_without_anything_kept_there_is_the_folder(folder, tmp_path, content):
    """Good rules in it serve; refused ones are an error with their problems."""
    path = tmp_path / "kept.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    assert Holder(folder, path, follow=True).last.ok
    (folder / "a.yaml").write_text(WRONG)
    with pytest.raises(RulesInvalid):
        Holder(folder, path, follow=True)


def test_what_another_version_kept_is_not_what_is_complained_of(folder, tmp_path):
    """The error is the folder's own."""
    kept.write(tmp_path / "kept.json", Kept({"site.yaml": "from: tomorrow"}, ""))
    (folder / "a.yaml").write_text(WRONG)
    with pytest.raises(RulesInvalid) as caught:
        Holder(folder, tmp_path / "kept.json")
    assert {problem.path for problem in caught.value.problems} == {"a.yaml"}
    (folder / "a.yaml").write_text(RULES)
    assert Holder(folder, tmp_path / "kept.json", follow=True).last.ok


def test_opening_writes_nothing(folder, tmp_path):
    """Commands that only ask leave the server's files alone."""
    before = (tmp_path / "kept.json").read_bytes()
    (folder / "a.yaml").write_text(WRONG)
    Holder(folder, tmp_path / "kept.json")
    assert (tmp_path / "kept.json").read_bytes() == before


def test_tests_are_not_kept(folder, tmp_path):
    """They decide nothing, and each worker would read them again."""
    (folder / "a.test.yaml").write_text("tests: []\n")
    Holder(folder, tmp_path / "kept.json").keep()
    found = kept.read(tmp_path / "kept.json")
    assert found is not None
    assert set(found.files) == {"site.yaml", "a.yaml"}


def test_files_that_change_while_they_are_read_are_read_again(folder, monkeypatch):
    """What is built stood in the folder at one moment; somebody who never stops is refused."""
    from engine.language import loader

    reads, read = [], loader.read_folder

    def saving(path, *, saves):
        files = read(path)
        reads.append(files)
        if len(reads) <= saves:
            (path / "a.yaml").write_text(RULES.replace("Hello", "Hello " * len(reads)))
        return files

    monkeypatch.setattr(loader, "read_folder", lambda path: saving(path, saves=2))
    assert read_steadily(folder) == reads[-1]
    assert len(reads) == 3
    reads.clear()
    monkeypatch.setattr(loader, "read_folder", lambda path: saving(path, saves=99))
    with pytest.raises(WelltimedError, match="change while they are read"):
        read_steadily(folder)
