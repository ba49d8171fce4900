"""For operators: health, what is live, what would load, reloading."""

from __future__ import annotations

import pytest
from api_server import AUTH, RULES, SITE, is_problem

from api.reload import Reloads
from engine.errors import StoreUnavailable
from engine.ruleset import open_sites


@pytest.mark.parametrize("path", ["/healthz", "/healthz/live"])
def test_the_process_says_that_it_lives(server, path):
    """Without asking the store."""
    assert server.http.get(path).get_json() == {"status": "live"}


def test_it_is_ready_while_all_is_well(server):
    """Store, rules and matcher are named."""
    assert server.http.get("/healthz/ready").get_json() == {
        "status": "ready",
        "store": "ok",
        "rules": {"shop": "ok"},
        "matcher": {"shop": "ok"},
    }


def test_a_lost_store_degrades_and_does_not_unready(server, monkeypatch):
    """Decisions still come, and hold: the balancer must not take it out."""

    def away(*_):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(server.store, "read_desk", away)
    reply = server.http.get("/healthz/ready")
    assert reply.status_code == 200
    assert (reply.get_json()["status"], reply.get_json()["store"]) == ("degraded", "unavailable")


def test_the_live_rules_are_listed(server):
    """With their digest and places."""
    told = server.http.get("/v1/rules", headers=AUTH).get_json()
    assert (told["site"], told["reloaded"]) == ("shop", True)
    assert told["ruleset"] == server.service.ruleset("shop").digest
    assert [(one["rule"], one["place"].split(":")[0]) for one in told["rules"]] == [
        ("three-searches", "rules.yaml"),
        ("long-look", "rules.yaml"),
    ]


def check(server, files):
    """Check a folder without changing anything."""
    return server.http.post("/v1/rules/check", json=files, headers=AUTH)


def test_a_good_folder_checks_clean_of_errors(server):
    """And has the digest that it would have."""
    told = check(server, {"site.yaml": SITE, "rules.yaml": RULES}).get_json()
    assert (told["ok"], told["errors"]) == (True, 0)
    assert told["ruleset"] == server.service.ruleset("shop").digest
    assert told["warnings"] == len(told["problems"])


def test_a_mistake_is_told_with_its_place(server):
    """Path, line and column, as on the command line; the live rules stay."""
    before = server.service.ruleset("shop").digest
    told = check(server, {"site.yaml": SITE, "rules.yaml": RULES.replace("when", "wenn")})
    assert told.status_code == 200
    told = told.get_json()
    assert (told["ok"], told["ruleset"]) == (False, None)
    worst = next(one for one in told["problems"] if one["severity"] == "error")
    assert (worst["path"], worst["line"]) == ("rules.yaml", 4)
    assert "when" in worst["message"]
    assert server.service.ruleset("shop").digest == before


@pytest.mark.parametrize("files", [{"site.yaml": 5}, {"a": None}, {"a": {}}])
def test_a_file_must_be_text(server, files):
    """400 names it."""
    is_problem(check(server, files), 400, "invalid_field")


def test_an_empty_folder_is_refused_in_words(server):
    """No site.yaml is a finding like any other."""
    told = check(server, {}).get_json()
    assert not told["ok"]
    assert told["problems"]


# --- reloading ------------------------------------------------------------------------------


def change(server, old, new):
    """Edit the rules on disk."""
    path = server.rules / "rules.yaml"
    path.write_text(path.read_text().replace(old, new))


def test_a_reload_swaps_the_rules(server):
    """The reply names the new digest; a second one changes nothing."""
    before = server.service.ruleset("shop").digest
    change(server, "Can I help", "May I help")
    told = server.http.post("/-/reload", headers=AUTH).get_json()
    assert (told["ok"], told["changed"]) == (True, True)
    assert told["ruleset"] == server.service.ruleset("shop").digest != before
    assert server.http.post("/-/reload", headers=AUTH).get_json()["changed"] is False


def test_a_refused_reload_keeps_the_old_rules_and_says_so(server):
    """422 with the findings."""
    before = server.service.ruleset("shop").digest
    change(server, "when", "wenn")
    told = is_problem(server.http.post("/-/reload", headers=AUTH), 422, "rules_invalid")
    assert told["ruleset"] == before == server.service.ruleset("shop").digest
    assert told["problems"][0]["line"] == 4
    assert server.http.get("/healthz/ready").get_json()["rules"] == {"shop": "last_good"}
    change(server, "wenn", "when")
    assert server.http.post("/-/reload", headers=AUTH).status_code == 200


@pytest.fixture
def elsewhere(server):
    """Return what reloads the same rules in another process."""
    folder = server.rules.parent
    sites = open_sites(server.rules, folder)
    reloads = Reloads(folder / "reload")
    yield lambda: reloads.reload(sites)["shop"]
    sites["shop"].current.close()


def message(server):
    """Return what the first rule says."""
    return server.service.ruleset("shop").rules[0].variants[0].show.message[0][1]


def test_the_next_request_of_any_worker_follows_a_reload(server, elsewhere):
    """What one process loads, every other serves before it answers."""
    change(server, "Can I help", "May I help")
    assert elsewhere().changed
    server.http.get("/healthz")
    assert message(server).startswith("May I help")


def test_what_is_followed_is_what_was_loaded_and_not_what_stands_there_since(server, elsewhere):
    """A worker that comes late, in the middle of the next edit, takes none of it over."""
    change(server, "Can I help", "May I help")
    elsewhere()
    change(server, "May I help", "Half of the next sen")
    server.http.get("/healthz")
    assert message(server).startswith("May I help")


def test_nothing_is_reloaded_unasked(server):
    """A worker by itself does not look at the folder: the parent does, once it is at rest."""
    before = server.service.ruleset("shop").digest
    change(server, "Can I help", "May I help")
    server.http.get("/healthz")
    assert server.service.ruleset("shop").digest == before


def test_what_was_refused_elsewhere_is_told_here(server, elsewhere):
    """Every worker keeps what it has, and says why; until it is mended."""
    before = server.service.ruleset("shop").digest
    change(server, "when", "wenn")
    assert not elsewhere().ok
    assert server.http.get("/healthz/ready").get_json()["rules"] == {"shop": "last_good"}
    told = server.http.get("/v1/rules", headers=AUTH).get_json()
    assert (told["ruleset"], told["reloaded"]) == (before, False)
    assert told["problems"][0]["line"] == 4
    change(server, "wenn", "when")
    assert elsewhere().ok
    assert server.http.get("/healthz/ready").get_json()["rules"] == {"shop": "ok"}
    assert server.http.get("/v1/rules", headers=AUTH).get_json()["problems"] == []


def test_a_refusal_leaves_the_newest_good_rules_and_not_those_last_heard_of(server, elsewhere):
    """Whoever refuses may not have followed yet; what others serve is not taken back."""
    change(server, "Can I help", "May I help")
    newest = elsewhere().digest
    change(server, "when", "wenn")
    assert server.wiring.reloads.reload(server.sites)["shop"].digest == newest
    assert server.service.ruleset("shop").digest == newest
    change(server, "wenn", "when")
    assert elsewhere().digest == newest


def test_a_renamed_site_is_refused(server):
    """Its visitors and keys are filed under the old name."""
    path = server.rules / "site.yaml"
    path.write_text(path.read_text().replace("name: shop", "name: store"))
    told = is_problem(server.http.post("/-/reload", headers=AUTH), 422, "rules_invalid")
    assert 'the site is called "store" now' in told["detail"]
    assert server.service.ruleset("shop").site.name == "shop"


def test_rules_that_cannot_be_written_down_are_not_served(server):
    """Otherwise one worker would serve what the others cannot find."""
    before = server.service.ruleset("shop").digest
    kept = server.sites["shop"].kept
    kept.unlink()
    kept.mkdir()
    change(server, "Can I help", "May I help")
    told = is_problem(server.http.post("/-/reload", headers=AUTH), 422, "rules_invalid")
    assert f"{kept} cannot be written" in told["detail"]
    assert server.service.ruleset("shop").digest == before
    kept.rmdir()
    assert server.http.post("/-/reload", headers=AUTH).get_json()["changed"] is True


def test_rules_that_somebody_deleted_from_the_data_folder_serve_on(server, elsewhere):
    """The next reload writes them down again."""
    change(server, "Can I help", "May I help")
    elsewhere()
    server.sites["shop"].kept.unlink()
    assert server.http.get("/healthz").status_code == 200
    assert message(server).startswith("Can I help")
    assert server.http.post("/-/reload", headers=AUTH).status_code == 200
    assert message(server).startswith("May I help")
    assert server.sites["shop"].kept.is_file()
