"""Servers for the tests of this room."""

from __future__ import annotations

import pytest
from api_server import RULES, SITE, Server
from live_server import Live


@pytest.fixture
def server(tmp_path):
    """Return a server whose clock stands at START."""
    one = Server(tmp_path)
    yield one
    one.close()


@pytest.fixture
def make(tmp_path):
    """Make servers with settings of their own."""
    made = []

    def build(**settings):
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Server(folder, **settings))
        return made[-1]

    yield build
    for one in made:
        one.close()


@pytest.fixture
def folder(tmp_path):
    """Return a folder with rules."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "site.yaml").write_text(SITE)
    (tmp_path / "rules" / "rules.yaml").write_text(RULES)
    return tmp_path


@pytest.fixture
def start(folder):
    """Start servers that are ended after the test."""
    started = []

    def begin(*flags, **more):
        started.append(Live(folder, *flags, **more))
        return started[-1]

    yield begin
    for live in started:
        if live.process.poll() is None:
            live.process.kill()
        live.process.communicate()
