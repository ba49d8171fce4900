"""Servers for the tests of this room."""

from __future__ import annotations

import pytest
from api_server import Server


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
