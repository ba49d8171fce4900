"""`make setup`: what is pinned, and what is said on a machine that lacks something."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def pinned(path: Path) -> dict[str, str]:
    """Return the names and versions of a list of requirements."""
    found = re.findall(r"^([a-z0-9-]+)==([^ ;]+)", path.read_text(), re.MULTILINE)
    return dict(found)


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_everything_is_pinned_by_hash_and_nothing_by_address(path):
    """Each entry has hashes; no line names where a package is downloaded from."""
    text = path.read_text()
    entries = re.split(r"\n(?=[a-z])", text.split("\n", 2)[2])
    assert len(entries) == len(pinned(path)) >= 1
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"://|--(extra-)?index|--find-links", text)


def test_what_the_project_asks_for_is_in_the_list():
    """A dependency that was added without `make lock` is noticed."""
    asked = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    names = {re.match(r"[a-z0-9-]+", line)[0] for line in asked}
    assert names <= pinned(ROOT / "requirements/dev.txt").keys()


def test_what_builds_packages_is_pinned_once():
    """The build system that the project names is the one in the list with hashes."""
    built = pinned(ROOT / "requirements/build.txt")
    assert PROJECT["build-system"]["requires"] == [f"{k}=={v}" for k, v in built.items()]


class TestAMachineThatLacksSomething:
    @pytest.fixture
    def setup(self, tmp_path):
        """Run the script in a bare copy of the project, with only the programs it needs."""
        (tmp_path / "requirements").mkdir()
        for path in [ROOT / "requirements/setup.sh", *LISTS]:
            shutil.copy(path, tmp_path / "requirements")
        shutil.copy(ROOT / "pyproject.toml", tmp_path)
        programs = tmp_path / "bin"
        programs.mkdir()
        for name in ("sh", "cat", "cksum", "dirname", "head", "rm", "sed"):
            (programs / name).symlink_to(shutil.which(name))

        def setup(**environ: str) -> str:
            done = subprocess.run(
                ["sh", "requirements/setup.sh"],
                cwd=tmp_path,
                env={"PATH": str(programs)} | environ,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 1
            assert done.stdout == ""
            assert not (tmp_path / ".venv").exists()
            return done.stderr

        return setup

    def test_no_python(self, setup):
        """Which versions will do, and how to name one."""
        said = setup()
        assert said.startswith("setup: there is no Python 3.11, 3.12 or 3.13 here; install one, or")
        assert said.count("\n") == 1

    def test_another_python_than_named(self, setup, tmp_path):
        """A Python of the wrong version, and something that is none at all."""
        old = tmp_path / "bin" / "old"
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)
        for python in (str(old), "/no/such/python"):
            said = setup(PYTHON=python)
            assert said.startswith(f"setup: PYTHON={python} is not Python 3.11, 3.12 or 3.13;")
            assert said.count("\n") == 1

    def test_no_venv_module(self, setup, tmp_path):
        """The system's Python on Debian comes without; the package is named."""
        bare = tmp_path / "bin" / "bare"
        bare.write_text(
            f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"\n'
        )
        bare.chmod(0o755)
        said = setup(PYTHON=str(bare))
        assert "has no venv module; install it (on Debian and Ubuntu the package python3" in said
        assert said.count("\n") == 1

    def test_no_compiler(self, setup):
        """The matcher is C source; the package with a compiler is named."""
        said = setup(PYTHON=sys.executable)
        assert said.startswith("setup: there is no C compiler (cc); install one (on Debian")
        assert said.count("\n") == 1

    def test_a_compiler_that_cannot(self, setup):
        """A compiler without its libraries is told from none."""
        said = setup(PYTHON=sys.executable, CC=shutil.which("false"))
        assert "cannot compile a small program; install its libraries" in said
        assert said.count("\n") == 1
