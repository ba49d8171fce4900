"""The schemas against real files.

What the loader takes an editor does not underline, and what is wrong by its shape it underlines
at the place that the loader names.
"""

from __future__ import annotations

import random
import re
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from api.commands import schema as schema_command
from engine.language import loader
from engine.language.kinds import Kind
from engine.language.nodes import ListNode, MapNode, parse
from engine.language.schema import ROOTS, schema

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "rules"
TODAY = date(2026, 12, 1)
JUDGES = {kind: Draft7Validator(schema(kind)) for kind in ROOTS}

# Wrong by its shape alone: every finding of these kinds is underlined in an editor already.
STRUCTURAL = {
    Kind.UNKNOWN_KEY,
    Kind.MISSING_KEY,
    Kind.WRONG_TYPE,
    Kind.EMPTY,
    Kind.BAD_CAP,
    Kind.BAD_PERCENTAGE,
    Kind.BAD_WEEKDAY,
    Kind.BAD_LANGUAGE,
    Kind.BAD_LINK,
}
# Some of their findings are of shape (`3 dys`), some of sense (30 February): no promise.
PARTLY = {
    Kind.BAD_COMPARISON,
    Kind.BAD_CONDITION,
    Kind.BAD_DATE,
    Kind.BAD_DURATION,
    Kind.BAD_FOR,
    Kind.BAD_HOURS,
    Kind.BAD_NAME,
    Kind.BAD_NUMBER,
    Kind.BAD_TEST,
    Kind.BAD_VALUE,
    Kind.DUPLICATE_KEY,
    Kind.DUPLICATE_NAME,
    Kind.UNKNOWN_STATE,
}

# How plain scalars read in an editor, which follows YAML's own core schema and not ours.
CORE = (
    (re.compile(r"(null|Null|NULL|~|)\Z"), lambda _: None),
    (re.compile(r"(true|True|TRUE|false|False|FALSE)\Z"), lambda raw: raw.lower() == "true"),
    (re.compile(r"[-+]?[0-9]+\Z"), int),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z"), float),
)


def kind_of(path):
    if path.endswith(".test.yaml"):
        return "tests"
    return "site" if path == "site.yaml" else "rules"


def ours(node):
    return node.value


def core(node):
    if not node.plain:
        return node.raw
    return next((read(node.raw) for form, read in CORE if form.match(node.raw)), node.raw)


def plain(node, scalar=ours):
    """Return a document as a validator takes it."""
    if isinstance(node, MapNode):
        return {key.raw: plain(value, scalar) for key, value in node.pairs}
    if isinstance(node, ListNode):
        return [plain(item, scalar) for item in node.items]
    return scalar(node)


def files(*folders):
    """Return (id, path, text) of every file of the folders that can be read as YAML."""
    found = []
    for folder in folders:
        for path, text in loader.read_folder(folder).items():
            document = parse(path, text)
            if path.endswith(".yaml") and not document.problems and document.root is not None:
                found.append(pytest.param(path, text, id=f"{folder.name}/{path}"))
    return found


GOOD = files(RULES, *sorted((HERE / "ok").iterdir()))
BAD = sorted(path for path in (HERE / "err").iterdir() if path.is_dir())


def faults(kind, text, scalar=ours):
    return [e.message for e in JUDGES[kind].iter_errors(plain(parse("f", text).root, scalar))]


@pytest.mark.parametrize(("path", "text"), GOOD)
def test_a_good_file_fits(path, text):
    """Every starter file and every golden good file fits its schema."""
    assert faults(kind_of(path), text) == []


@pytest.mark.parametrize(("path", "text"), [file for file in GOOD if "stay-text" not in file.id])
def test_a_good_file_fits_as_an_editor_reads_it(path, text):
    """It fits by YAML's core schema too, but for the folder made of what that reads otherwise."""
    assert faults(kind_of(path), text, core) == []


def test_a_map_fits():
    """A map of a recorded clickstream with every key fits."""
    text = """
columns: { visitor: user_id, at: timestamp, event: event, session: session_id, product: item }
constants: { event: product_view, stock: 3 }
events: { shipping_details: checkout_started, support_chat: chat_started }
pages: { shipping_details: /checkout/shipping }
time: { format: epoch_ms, zone: UTC }
"""
    assert faults("map", text) == []
    assert faults("map", text.replace("zone", "zon")) != []


def places(node, path=(), found=None):
    """Return what stands at each (line, column): paths of values, and of the mappings of keys."""
    found = {} if found is None else found
    found.setdefault((node.line, node.column), set()).add(path)
    if isinstance(node, MapNode):
        for key, value in node.pairs:
            found.setdefault((key.line, key.column), set()).add(path)
            places(value, (*path, key.raw), found)
    elif isinstance(node, ListNode):
        for number, item in enumerate(node.items):
            places(item, (*path, number), found)
    return found


def underlined(path, root):
    """Return the paths at which the schema finds fault, however deep in alternatives."""
    todo = list(JUDGES[kind_of(path)].iter_errors(plain(root)))
    found = set()
    while todo:
        error = todo.pop()
        found.add(tuple(error.absolute_path))
        todo.extend(error.context)
    return found


def by_file():
    """Return (path, root, problems) of each golden bad file that can be read as YAML."""
    found = []
    for folder in BAD:
        texts = loader.read_folder(folder)
        problems = loader.load(texts, today=TODAY).problems
        for path, text in texts.items():
            document = parse(path, text)
            if not path.endswith(".yaml") or document.problems or document.root is None:
                continue
            own = [problem for problem in problems if problem.path == path]
            found.append(pytest.param(path, document.root, own, id=f"{folder.name}/{path}"))
    return found


BAD_FILES = by_file()


@pytest.mark.parametrize(("path", "root", "problems"), BAD_FILES)
def test_what_is_wrong_by_its_shape_is_underlined_there(path, root, problems):
    """Each structural mistake of the golden bad files is a fault of the schema at its place."""
    stands, found = places(root), underlined(path, root)
    missed = [
        str(problem)
        for problem in problems
        if problem.kind in STRUCTURAL and not stands[problem.line, problem.column] & found
    ]
    assert missed == []


@pytest.mark.parametrize(("path", "root", "problems"), BAD_FILES)
def test_what_is_wrong_by_its_sense_is_left_to_the_loader(path, root, problems):
    """A file whose mistakes are all of sense (names, counts, wording) fits the schema."""
    if {problem.kind for problem in problems} & (STRUCTURAL | PARTLY):
        return
    assert underlined(path, root) == set()


def test_each_structural_kind_is_put_to_the_proof():
    """The golden bad files hold a mistake of each structural kind."""
    seen = {problem.kind for file in BAD_FILES for problem in file.values[2]}
    assert seen >= STRUCTURAL


def test_whatever_loads_fits():
    """Of files damaged at random, those that still load are not underlined."""
    chance = random.Random(20261201)
    folders = [loader.read_folder(path) for path in (RULES, HERE / "ok" / "everything")]
    loaded = 0
    for _ in range(120):
        texts = dict(chance.choice(folders))
        path = chance.choice(sorted(texts))
        words = texts[path].split(" ")
        at, to = chance.randrange(len(words)), chance.randrange(len(words))
        words[at], words[to] = (words[to], words[at]) if chance.random() < 0.5 else ("", words[to])
        texts[path] = " ".join(words)
        root = parse(path, texts[path]).root
        if root is None or loader.load(texts, today=TODAY).folder is None:
            continue
        loaded += 1
        assert underlined(path, root) == set(), texts[path]
    assert loaded > 12


@pytest.mark.parametrize("kind", ROOTS)
def test_the_command_prints_the_schema(kind):
    """`welltimed schema KIND` prints it as JSON, and refuses another kind in a sentence."""
    told = CliRunner().invoke(schema_command.command, [kind])
    assert told.exit_code == 0
    assert told.output.startswith('{\n  "$schema": "http://json-schema.org/draft-07/schema#"')
    refused = CliRunner().invoke(schema_command.command, [f"{kind}s"])
    assert refused.exit_code == 2
    assert "is not one of" in refused.output
