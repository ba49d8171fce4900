"""For operators: is it alive, what rules are live, would these load, load them anew."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import Flask, Response

from api.guard import body
from api.replies import Refused, bad_request, reply
from api.wire import parse_object
from api.wiring import Wiring
from engine import ruleset as rulesets
from engine.errors import Problem, Severity, StoreUnavailable
from engine.model import Rule


def register(app: Flask, wiring: Wiring) -> None:
    """Add the routes."""

    @app.get("/healthz")
    @app.get("/healthz/live")
    def live() -> Response:
        return reply({"status": "live"})

    @app.get("/healthz/ready")
    def ready() -> Response:
        return reply(_health(wiring))

    _register_rules(app, wiring)


def _register_rules(app: Flask, wiring: Wiring) -> None:
    guard, service = wiring.guard, wiring.service

    @app.get("/v1/rules")
    def rules() -> Response:
        site = guard.site(guard.server())
        current, last = service.ruleset(site), service.sites[site].last
        return reply(
            {
                "site": site,
                "ruleset": current.digest,
                "reloaded": last.ok,
                "problems": _problems(last.problems),
                "rules": [_rule(rule) for rule in current.rules],
            }
        )

    @app.post("/v1/rules/check")
    def check() -> Response:
        caller = guard.server()
        guard.site(caller)
        files = parse_object(body(caller.body_limit))
        for path, text in files.items():
            if type(text) is not str:
                raise bad_request("invalid_field", f'"{path[:64]}": must be the file\'s text')
        return reply(_findings(files))

    @app.post("/-/reload")
    def reload() -> Response:
        site = guard.site(guard.server())
        result = wiring.reloads.reload(service.sites)[site]
        if not result.ok:
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "rules_invalid",
                f"the rules were not loaded, the old ones stay: {result.message}",
                ruleset=result.digest,
                problems=_problems(result.problems),
            )
        return reply({"ok": True, "changed": result.changed, "ruleset": result.digest})


def _health(wiring: Wiring) -> dict[str, Any]:
    """Losing the store only degrades: decisions still come, and hold."""
    sites = wiring.service.sites
    store = "ok"
    try:
        wiring.service.store.read_desk(next(iter(sites)))
    except StoreUnavailable:
        store = "unavailable"
    rules = {name: "ok" if holder.last.ok else "last_good" for name, holder in sites.items()}
    matcher = {
        name: "ok" if holder.current.matcher.degraded is None else "degraded"
        for name, holder in sites.items()
    }
    well = store == "ok" and set(rules.values()) | set(matcher.values()) == {"ok"}
    return {
        "status": "ready" if well else "degraded",
        "store": store,
        "rules": rules,
        "matcher": matcher,
    }


def _findings(files: dict[str, str]) -> dict[str, Any]:
    loaded = rulesets.check(files)
    errors = sum(problem.severity is Severity.ERROR for problem in loaded.problems)
    return {
        "ok": errors == 0,
        "ruleset": loaded.folder.digest if loaded.folder else None,
        "errors": errors,
        "warnings": len(loaded.problems) - errors,
        "problems": _problems(loaded.problems),
    }


def _problems(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [
        {
            "path": problem.path,
            "line": problem.line,
            "column": problem.column,
            "length": problem.length,
            "kind": problem.kind,
            "severity": problem.severity,
            "message": problem.message,
        }
        for problem in problems
    ]


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "description": rule.description or None,
        "owner": rule.owner or None,
        "mode": rule.mode,
        "priority": rule.priority,
        "department": rule.department,
        "rollout": rule.rollout,
        "holdout": rule.holdout,
        "variants": [variant.name for variant in rule.variants if variant.name is not None],
        "place": f"{rule.place.path}:{rule.place.line}",
    }
