"""The command line: one command, small modules, sentences instead of tracebacks."""

from __future__ import annotations

import json
import sys

import click
import pytest
from api_server import RULES, SITE

from api import cli


@pytest.fixture
def run(monkeypatch, capfd):
    """Return what runs `welltimed …` and gives (exit code, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["welltimed", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return ended.value.code or 0, out, err

    return run


@pytest.fixture
def folder(tmp_path):
    """Return a rules folder without errors."""
    (tmp_path / "site.yaml").write_text(SITE)
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def test_every_command_explains_itself(run):
    """The list names them all, and each has its help."""
    code, out, _ = run("--help")
    assert code == 0
    commands = cli.welltimed.list_commands(click.Context(cli.welltimed))
    assert {"serve", "demo", "check", "test", "explain", "backtest", "version"} <= set(commands)
    for name in commands:
        assert name in out
        code, told, _ = run(name, "--help")
        assert code == 0
        assert f"Usage: welltimed {name}" in told


@pytest.mark.parametrize("arguments", [["serv"], ["check", "--formt", "json"], ["check", "a", "b"]])
def test_a_wrong_command_line_is_said_to_be(run, arguments):
    """Exit 2 and a sentence on stderr."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Error: " in err


def test_the_version_is_told(run):
    """With what it runs on."""
    code, out, _ = run("version")
    assert code == 0
    assert out.startswith("welltimed ")
    assert "Python" in out


def test_check_says_what_it_finds(run, folder):
    """Clean of errors: 0; warnings count only under --strict: 3; errors: 1."""
    code, out, err = run("check", folder)
    assert (code, err) == (0, "")
    assert "warning" in out
    assert run("check", folder, "--strict")[0] == 3
    (folder / "rules.yaml").write_text(RULES.replace("when", "wenn"))
    code, out, _ = run("check", folder)
    assert code == 1
    assert "rules.yaml:4:5: " in out
    assert run("check", folder, "--strict")[0] == 1


def test_check_speaks_to_machines(run, folder):
    """JSON parses, and its paths are those of the folder."""
    (folder / "rules.yaml").write_text(RULES.replace("when", "wenn"))
    code, out, _ = run("check", folder, "--format", "json")
    assert code == 1
    assert '"rules.yaml"' in out
    json.loads(out)
    assert "::error" in run("check", folder, "--format", "github")[1]


def test_a_missing_folder_is_one_sentence(run, tmp_path):
    """It says which, and exits 1."""
    code, out, err = run("check", tmp_path / "nowhere")
    assert (code, out) == (1, "")
    assert "nowhere" in err
    assert err.count("\n") == 1


def test_a_mistake_of_ours_is_a_sentence_too(run, monkeypatch):
    """And says how to see more."""

    def broken(**_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(cli.welltimed, "main", broken)
    code, _, err = run("version")
    assert code == 1
    assert "ZeroDivisionError: by zero" in err
    assert "-X dev" in err
