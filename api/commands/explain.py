"""`welltimed explain`: why a visitor was shown a prompt or was not, rule by rule."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import click

from api import settings
from api.commands import _recorded
from api.commands._stores import open_existing
from api.settings import Settings
from engine import trace_text
from engine.clock import now, to_datetime
from engine.errors import RulesInvalid, WelltimedError
from engine.language.words import did_you_mean, quote
from engine.model import Decision, Reason
from engine.replay.instants import instant
from engine.ruleset import Holder, open_sites
from engine.service import Ask, Service

_PROMPTS_TOLD = 5


@click.command()
@click.option("--visitor", required=True, help="The visitor's id.")
@click.option("--rule", help="Tell this rule's way in full, rather than the decision's own.")
@click.option("--all", "every", is_flag=True, help="Tell every rule in full.")
@click.option("--at", help="When: 2026-12-10 14:02 on the site's clock, or RFC 3339. [now]")
@click.option("--page", help="The page to decide for. [the visitor's newest]")
@click.option("--site", help="The site; needed only where the rules are of several.")
@click.option("--rules", help="The rules folder, or a folder of them, one a site. [rules]")
@click.option("--store", help="The store's URL, such as sqlite:///path/to/file.db.")
@click.option("--data", help="The folder in which the store is without --store. [data]")
def command(  # noqa: PLR0917 - click passes one argument an option
    visitor: str,
    rule: str | None,
    every: bool,  # noqa: FBT001 - a flag of the command line
    at: str | None,
    page: str | None,
    site: str | None,
    **flags: Any,
) -> None:
    """Say why a visitor would or would not see a prompt, from what the store holds.

    Nothing is reserved or logged. A decision at a past instant sees no event and no prompt after
    it; the rules are those in the folder, and the desk is as it stands now. Beside it stands what
    was really decided within ten minutes of the instant, as the journal has it.
    """
    chosen = settings.load(flags)
    sites = _sites(chosen)
    name = _site(site, sites)
    ruleset = sites[name].current
    if rule is not None and all(one.id != rule for one in ruleset.rules):
        hint = did_you_mean(rule, [one.id for one in ruleset.rules], "it has no rules")
        raise WelltimedError(f"{name} has no rule {quote(rule)}; {hint}")
    zone = ruleset.site.time_zone
    when = now() if at is None else _instant(at, zone)
    with closing(open_existing(chosen.store)) as store:
        # What became of the prompts is told as of the instant asked about; the desk is as of now.
        held = Service(store, sites, lambda: when).visitor(name, visitor)
        if held is None:
            raise WelltimedError(f"nothing is held about the visitor {quote(visitor)} of {name}")
        ask = Ask(visitor=visitor, at=when, page=page, dry_run=True, explain=True)
        decision = Service(store, sites, now).decide(name, ask)
        near = _recorded.nearest(store, name, visitor, when)
    if decision.reason is Reason.STORE_UNAVAILABLE:
        raise WelltimedError(f"the store {chosen.store} did not answer")
    click.echo(_told(visitor, held, decision, zone))
    click.echo(_traced(decision, zone, rule, every=every))
    click.echo("\n" + _recorded.told(near, when, ruleset.digest, partial(_local, zone=zone)))


def _sites(chosen: Settings) -> dict[str, Holder]:
    """Open the rules; where they are refused, those that a server falls back on."""
    try:
        return open_sites(chosen.rules)
    except RulesInvalid:
        sites = open_sites(chosen.rules, chosen.data)
    for holder in sites.values():
        if not holder.last.ok:
            click.echo(f"{holder.path}: {holder.last.message}", err=True)
    return sites


def _site(wanted: str | None, sites: Mapping[str, Holder]) -> str:
    if wanted is not None:
        if wanted not in sites:
            hint = did_you_mean(wanted, sites)
            raise WelltimedError(f"there are no rules for a site {quote(wanted)}; {hint}")
        return wanted
    if len(sites) > 1:
        raise WelltimedError(f"name one of the sites with --site: {', '.join(sorted(sites))}")
    return next(iter(sites))


def _instant(text: str, zone: str) -> int:
    try:
        return instant(text, "iso", ZoneInfo(zone))
    except ValueError as error:
        raise WelltimedError(f"--at: {error}") from None


# --- what is told ---------------------------------------------------------------------------


def _told(visitor: str, held: Mapping[str, Any], decision: Decision, zone: str) -> str:
    lines = [f"{visitor} at {_local(decision.at, zone)} ({zone}): {_answer(decision)}"]
    if decision.prompt is not None:
        language = f" ({decision.prompt.language})" if decision.prompt.language else ""
        lines.append(f"  {decision.prompt.message}{language}")
    elif decision.check_again_in is not None:
        again = _local(decision.at + decision.check_again_in, zone)
        lines.append(f"  a prompt would show at {again}, if nothing else happened")
    lines += [f"  {line}" for line in _prompts(held["exposures"], decision, zone)]
    return "\n".join(lines)


def _answer(decision: Decision) -> str:
    by = f" ({decision.by})" if decision.by else ""
    if decision.show:
        return f"SHOW {decision.rule}"
    nearest = f", {decision.rule} came furthest" if decision.rule else ""
    return f"HOLD {decision.reason}{by}{nearest}"


def _prompts(exposures: list[Mapping[str, Any]], decision: Decision, zone: str) -> list[str]:
    """Say which prompts the decision counts: those up to its instant, the newest first."""
    told = []
    for exposure in reversed(exposures):
        at = instant(exposure["at"], "iso", UTC)
        if at <= decision.at:
            now_ = " at this very instant" if at == decision.at else ""
            told.append(f"{exposure['rule']} {_local(at, zone)} ({exposure['state']}{now_})")
    if not told:
        return ["no prompt so far"]
    if len(told) > _PROMPTS_TOLD:
        told[_PROMPTS_TOLD:] = [f"{len(told) - _PROMPTS_TOLD} more"]
    said = f"prompts so far, the newest first: {', '.join(told)}"
    return textwrap.wrap(said, max(60, shutil.get_terminal_size((100, 24)).columns - 2))


def _traced(decision: Decision, zone: str, rule: str | None, *, every: bool) -> str:
    trace = decision.trace or ()
    if every or not trace:
        return "\n" + trace_text.render(trace, zone=zone) if trace else ""
    chosen = rule or decision.rule
    text = f"\n{trace_text.render(trace, rule=chosen, zone=zone)}"
    if rule is not None:
        return text
    others = [entry for entry in trace if entry["rule"] != chosen]
    if not others:
        return text
    return f"{text}\n\nThe other rules (--rule NAME or --all tells more)\n" + textwrap.indent(
        trace_text.overview(others, zone=zone), "  "
    )


def _local(at: int, zone: str) -> str:
    moment = to_datetime(at).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    spec = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(sep=" ", timespec=spec)
