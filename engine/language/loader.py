"""A rules folder: files to the model, with every mistake told in one run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine import clock
from engine.errors import Problem, Severity, WelltimedError
from engine.language import lint, rule_tests, rules, site
from engine.language.kinds import Kind
from engine.language.nodes import MAX_BYTES, Document, Node, parse
from engine.language.reading import Enough, Names, Reading
from engine.model import Folder, Rule, RuleTest, Site

SITE = "site.yaml"
_MOST_FILES = 1_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was found: the folder, None where an error refuses it, and all problems in order."""

    folder: Folder | None
    problems: tuple[Problem, ...]
    tests: tuple[RuleTest, ...]


@dataclass(frozen=True, slots=True)
class _Files:
    """The documents of a folder by what they hold."""

    site: Document | None
    rules: tuple[Document, ...]
    tests: tuple[Document, ...]


@dataclass(slots=True)
class _Read:
    """What one reading of the documents made."""

    reading: Reading
    site: Site | None = None
    rules: tuple[Rule, ...] = ()
    tests: tuple[RuleTest, ...] = ()


def load(files: Mapping[str, str], *, today: date | None = None) -> Loaded:
    """Load files (path relative to the folder → text). Never raises, whatever they hold.

    `today` is the day from which the coming year is looked at; the clock's where not given.
    """
    problems: set[Problem] = set()
    yaml_files = _named_well(files, problems)
    documents = {path: parse(path, files[path]) for path in yaml_files}
    for path, document in documents.items():
        problems.update(document.problems)
        if document.root is None and document.complete:
            problems.add(_empty(path))
    sorted_out = _sorted_out(documents)
    if sorted_out.site is None:
        problems.add(_no_site(files))
    read = _read(sorted_out, last=False)
    problems.update(read.reading.problems)
    if any(document.repeats for document in documents.values()):
        # A mistake may hide in the copy of a repeated key that the first reading passed over.
        problems.update(_read(sorted_out, last=True).reading.problems)
    folder = None
    if read.site is not None and not any(p.severity is Severity.ERROR for p in problems):
        folder = Folder(read.site, read.rules, digest(files))
        day = today or clock.to_datetime(clock.now()).date()
        problems.update(lint.lint(folder, read.tests, read.reading, day))
    return Loaded(folder, tuple(sorted(problems)), read.tests)


def _read(files: _Files, *, last: bool) -> _Read:
    """Read all documents; site.yaml first, as the others refer to it."""
    names = Names(complete=files.site is not None and _whole(files.site))
    names.rules_complete = all(_whole(document) for document in files.rules)
    read = _Read(Reading(names, last))
    # Problems enough: what has been read so far will not be used.
    with suppress(Enough):
        _read_all(files, read)
    return read


def _read_all(files: _Files, read: _Read) -> None:
    reading = read.reading
    read.site = None if files.site is None else site.site(reading, files.site)
    nodes: list[Node] = []
    for document in files.rules:
        nodes.extend(rules.items(reading, document))
    rules.register(reading, tuple(nodes))
    found = [rules.rule(reading, node) for node in nodes]
    read.rules = tuple(rule for rule in found if rule is not None)
    tests = [rule_tests.rule_tests(reading, document) for document in files.tests]
    read.tests = tuple(test for some in tests for test in some)


def _whole(document: Document) -> bool:
    return document.complete and not document.repeats and document.root is not None


def _named_well(files: Mapping[str, str], problems: set[Problem]) -> list[str]:
    """Return the YAML files in alphabetical order; tell of names that are not read."""
    good: list[str] = []
    for path in sorted(files):
        if path.endswith(".yml"):
            wrong = "a file called .yml is not read; expected its name to end in .yaml"
            problems.add(Problem(path, 1, 1, Kind.FILE_NAME, wrong))
        elif not path.endswith(".yaml"):
            continue
        elif "/" in path:
            wrong = "this file is not read; expected it beside site.yaml, not in a folder inside"
            problems.add(Problem(path, 1, 1, Kind.NOT_READ, wrong, Severity.WARNING))
        else:
            good.append(path)
    return good


def _sorted_out(documents: Mapping[str, Document]) -> _Files:
    tests = [d for path, d in documents.items() if path.endswith(".test.yaml")]
    rest = [d for path, d in documents.items() if path != SITE and not path.endswith(".test.yaml")]
    return _Files(documents.get(SITE), tuple(rest), tuple(tests))


def _empty(path: str) -> Problem:
    key = "site:" if path == SITE else "tests:" if path.endswith(".test.yaml") else "rules:"
    return Problem(path, 1, 1, Kind.EMPTY, f"this file is empty; expected {key}")


def _no_site(files: Mapping[str, str]) -> Problem:
    names = ("site.yaml", "site.yml")
    near = next((path for path in sorted(files) if path.lower().endswith(names)), None)
    hint = f" (is it {near}?)" if near and near != SITE else ""
    wrong = f"there is no site.yaml; expected one, with the site's name and time zone{hint}"
    return Problem(SITE, 1, 1, Kind.NO_SITE, wrong)


def decides(path: str) -> bool:
    """Say whether a file is part of what decides: a test is not, nor is one in a folder inside."""
    return path.endswith(".yaml") and not path.endswith(".test.yaml") and "/" not in path


def digest(files: Mapping[str, str]) -> str:
    """Return `sha256:` and the hash of the names and contents of all files that decide."""
    found = hashlib.sha256()
    for path in sorted(files):
        if decides(path):
            name, content = (part.encode("utf-8", "surrogatepass") for part in (path, files[path]))
            found.update(b"%d:%s%d:%s" % (len(name), name, len(content), content))
    return f"sha256:{found.hexdigest()}"


# --- from disk ------------------------------------------------------------------------------


def read_folder(path: Path | str) -> dict[str, str]:
    """Return the YAML files of a folder, and of the folders in it, which the loader warns of.

    Hidden files are passed over: editors keep their drafts there. Bytes that are not UTF-8 come
    as lone surrogates, which the loader reports at their place. Raises WelltimedError where the
    folder or a file in it cannot be read.
    """
    folder = Path(path)
    if not folder.exists():
        raise WelltimedError(f"there is no rules folder at {folder}; name one with --rules")
    if not folder.is_dir():
        raise WelltimedError(f"{folder} is a file; expected the folder that holds site.yaml")
    files: dict[str, str] = {}
    try:
        for file in sorted([*folder.glob("[!.]*.y*ml"), *folder.glob("[!.]*/[!.]*.yaml")]):
            if not _is_yaml(file):
                continue
            with file.open("rb") as source:
                content = source.read(MAX_BYTES + 1)
            name = file.relative_to(folder).as_posix()
            files[name] = content.decode("utf-8", "surrogateescape")
            if len(files) > _MOST_FILES:
                raise WelltimedError(f"{folder} holds more than {_MOST_FILES:,} YAML files")
    except OSError as error:
        named = error.filename or folder
        raise WelltimedError(f"{named} cannot be read: {error.strerror or error}") from None
    return files


def _is_yaml(file: Path) -> bool:
    """Say whether a path is a YAML file; one whose link leads nowhere is, and cannot be read."""
    dangling = file.is_symlink() and not file.exists()
    return file.suffix in (".yaml", ".yml") and (file.is_file() or dangling)
