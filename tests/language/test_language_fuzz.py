"""Files with random damage give findings or a clean load, and nothing else.

WELLTIMED_TEST_LANGUAGE_FUZZ sets how many damaged folders are tried (2,000 in the ordinary run).
"""

from __future__ import annotations

import os
import random
from datetime import date
from pathlib import Path

import pytest

from engine.errors import Severity
from engine.language import loader
from engine.language.kinds import Kind
from engine.language.report import FORMATS, render
from engine.language.source import Lines

CASES = int(os.environ.get("WELLTIMED_TEST_LANGUAGE_FUZZ", "2000"))
BATCHES = 20
FOLDERS = [
    loader.read_folder(path)
    for path in sorted((Path(__file__).parent / "ok").iterdir())
    if path.name in ("everything", "smallest", "language-page")
]
KINDS = {kind.value for kind in Kind}
TODAY = date(2026, 12, 1)

# What marketers, editors and mischief put into files.
TOKENS = [
    ":", ": ", "- ", "[", "]", "{", "}", ",", '"', "'", "\n", "\n  ", "\t", "#", " #", "|", ">",
    "&a ", "*a", "!x ", "? ", "%", "@", "`", "---\n", "...\n", "<<: ", "null", "true", "~", "0",
    "-1", "1.5", "9" * 30, "10%", "1 per session", "30 days", "17:30", "2026-12-24", "session",
    "page", "not: ", "any: ", "all: ", "event: ", "state: ", "for: 3s", "within: ", "where: ",
    "rule: ", "show: ", "at: ", "rules:", "site:", "tests:", "{first|there}", "{x}", "\u2028",
    "\x85", "\r", "\ufeff", "\0", "\x1b", "\udc80", "🙂", "你好", "é", "\\", "\\x", "/**",
    "**/p/{a}", "{a}{b}", "é" * 70, "[" * 25, "{" * 25, "- " * 25, "a" * 300, "=", "_", ".", "..",
]  # fmt: skip


def damage(text: str, random_: random.Random) -> str:
    """Return the text with one random wound."""
    at = random_.randrange(len(text) + 1)
    to = min(len(text), at + random_.choice((0, 1, 1, 2, 5, 20, 80)))
    lines = text.splitlines(keepends=True)
    match random_.randrange(9):
        case 0 | 1:
            return text[:at] + random_.choice(TOKENS) + text[to:]
        case 2:
            return text[:at] + text[to:]
        case 3:
            return text[:at] + random_.choice(TOKENS) + text[at:]
        case 4:
            random_.shuffle(lines)
            return "".join(lines)
        case 5 if lines:
            number = random_.randrange(len(lines))
            lines.insert(random_.randrange(len(lines) + 1), lines[number])
            return "".join(lines)
        case 6 if lines:
            del lines[random_.randrange(len(lines))]
            return "".join(lines)
        case 7:
            return text[:at]
        case _:
            # Swap two words, so that values stand under the wrong keys.
            words = text.split(" ")
            one, other = random_.randrange(len(words)), random_.randrange(len(words))
            words[one], words[other] = words[other], words[one]
            return " ".join(words)


def check(files: dict[str, str]) -> None:
    """Load and report; hold both to what they promise."""
    loaded = loader.load(files, today=TODAY)
    refused = any(p.severity is Severity.ERROR for p in loaded.problems)
    assert (loaded.folder is None) == refused
    assert list(loaded.problems) == sorted(loaded.problems)
    lines = {path: Lines(text.removeprefix("\ufeff")) for path, text in files.items()}
    for problem in loaded.problems:
        assert problem.kind in KINDS
        assert problem.message.isprintable(), problem
        assert ";" in problem.message, problem
        if problem.path in lines:
            source = lines[problem.path]
            assert 1 <= problem.line <= len(source.all), problem
            assert 1 <= problem.column <= len(source.at(problem.line - 1)) + 1, problem
            assert problem.length >= 1
    for form in FORMATS:
        assert render(loaded.problems, files, form) or form == "github"


@pytest.mark.parametrize("batch", range(BATCHES))
def test_damage_gives_findings_or_a_clean_load(batch):
    """Whatever is cut, doubled, swapped or put in, no exception leaves the loader."""
    random_ = random.Random(f"welltimed-{batch}")
    for _ in range(max(1, CASES // BATCHES)):
        files = dict(random_.choice(FOLDERS))
        for _ in range(random_.choice((1, 1, 1, 2, 3, 8))):
            path = random_.choice(sorted(files))
            files[path] = damage(files[path], random_)
        try:
            check(files)
        except Exception as error:  # the seed alone would not show what did it
            error.add_note(repr(files))
            raise


def test_damaged_bytes_are_read_from_disk(tmp_path):
    """Bytes of any kind on disk give findings or a clean load."""
    random_ = random.Random("bytes")
    for _ in range(50):
        for path, text in FOLDERS[0].items():
            raw = bytearray(text.encode())
            for _ in range(3):
                raw[random_.randrange(len(raw))] = random_.randrange(256)
            (tmp_path / path).write_bytes(raw)
        check(loader.read_folder(tmp_path))
