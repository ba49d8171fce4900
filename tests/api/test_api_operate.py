"""For operators: health, what is live, what would load, reloading."""

from __future__ import annotations

import pytest
from api_server import AUTH, RULES, SITE, is_problem

from api.reload import Reloads
from engine.errors import StoreUnavailable


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


def test_the_next_request_of_any_worker_follows_a_reload(server):
    """What one worker announces, every other sees before it answers."""
    other = Reloads(server.rules.parent / "reload")
    change(server, "Can I help", "May I help")
    other.announce()
    server.http.get("/healthz")
    assert server.service.ruleset("shop").rules[0].variants[0].show.message[0][1].startswith("May")


def test_nothing_is_reloaded_unasked(server, monkeypatch):
    """A half-finished edit stays off the air until somebody says that it is done."""
    before = server.service.ruleset("shop").digest
    change(server, "Can I help", "May I help")
    server.http.get("/healthz")
    assert server.service.ruleset("shop").digest == before


def test_a_bad_edit_announced_keeps_the_old_rules(server):
    """Every worker keeps what it has."""
    before = server.service.ruleset("shop").digest
    change(server, "when", "wenn")
    Reloads(server.rules.parent / "reload").announce()
    assert server.http.get("/healthz").status_code == 200
    assert server.service.ruleset("shop").digest == before
