"""The server that the guides talk to."""

from __future__ import annotations

from contextlib import closing

import pytest
from docs_server import KEY

from api.app import build
from api.demo.desk import DemoDesk
from api.guard import Origins
from api.keys import load as load_keys
from api.wiring import Wiring
from engine.clock import now
from engine.ruleset import open_sites
from engine.service import Service
from engine.store import open_store


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Return a service with the starter rules, whose desk is open at any hour."""
    data = tmp_path_factory.mktemp("data")
    desk = DemoDesk(data)
    desk.prepare()
    sites = open_sites(desk.rules)
    with closing(open_store(f"sqlite:///{data / 'welltimed.db'}")) as store:
        yield Service(store, sites, now)
    for holder in sites.values():
        holder.current.close()


@pytest.fixture(scope="module")
def client(service, tmp_path_factory):
    """Return a client of a server with that service."""
    keys = load_keys(tmp_path_factory.mktemp("keys"), list(service.sites), KEY)
    return build(Wiring(service, keys, Origins(None))).test_client()
