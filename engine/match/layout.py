"""Which conjunctions share a net, and when a net need not be asked.

Every conjunction stands in a group behind one gate: one of its own terms that a visitor must
have reached. A group whose gate is shut costs one comparison: its features are not read and its
net is not asked on its behalf.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.match.clues import Clue, Keys, clue_of
from engine.match.compile import Conjunction, Program, Term

# The extension fails from 65 pending predicates on, and refuses messages of 255 properties.
MOST_CONJUNCTIONS = 60
MOST_FEATURES = 200


Needs = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Conjunctions of one net behind one gate.

    `needs`: kinds of event, and how many of each it takes for any of them to hold. `gate`: a
    feature and the rank from which the group is worth asking; None: always. `clue`: what tells
    without reading the gate that it is shut (see `clues`), if anything does. `sends`: what the
    message must say of each feature they use: (feature, its name in the net, lowest rank worth
    saying).
    """

    net: int
    needs: Needs
    gate: tuple[int, int] | None
    clue: tuple[Clue, Keys] | None
    sends: tuple[tuple[int, str, int], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """One net: its conjunctions as (name, at least, below) triples, and whose rules they are."""

    conjunctions: tuple[tuple[tuple[str, int, int | None], ...], ...]
    rules: tuple[tuple[int, ...], ...]


Gated = tuple[tuple[int, int] | None, Needs, Conjunction]


def lay_out(program: Program) -> tuple[tuple[Plan, ...], tuple[Group, ...]]:
    """Split a program into nets, and say what opens each."""
    plans: list[Plan] = []
    groups: list[Group] = []
    for batch in _batches(sorted(_gated(program), key=_order)):
        names = _names(conjunction for _, _, conjunction in batch)
        for (gate, needs), members in groupby(batch, key=lambda one: one[:2]):
            sends = _sends([conjunction for _, _, conjunction in members], names)
            clue = None if gate is None else clue_of(program.features[gate[0]].source)
            groups.append(Group(len(plans), needs, gate, clue, sends))
        plans.append(_plan([conjunction for _, _, conjunction in batch], names))
    return tuple(plans), tuple(groups)


def _gated(program: Program) -> Iterator[Gated]:
    for one in program.conjunctions:
        needed = [term for term in one.terms if term.reached]
        needs: dict[str, int] = {}
        for term in needed:
            for kind, least in program.features[term.feature].needs(term.reached).items():
                needs[kind] = max(least, needs.get(kind, 0))
        gate = max(needed, key=lambda term: _promise(program, term), default=None)
        yield (gate.feature, gate.reached) if gate else None, tuple(sorted(needs.items())), one


def _promise(program: Program, term: Term) -> tuple[bool, bool, bool, int, int]:
    """Rank terms by how seldom they hold: rarer is greater.

    What asks for a value of its own is looked up rather than asked. Most visitors have viewed
    pages and few have done anything else, so that events other than page views say most; the
    lower number breaks a tie, so that groups are few.
    """
    feature = program.features[term.feature]
    kinds = feature.needs(term.reached).keys()
    looked_up = clue_of(feature.source) is not None
    return (looked_up, bool(kinds - {"page_view"}), not kinds, term.reached, -term.feature)


def _order(one: Gated) -> tuple[tuple[int, int], Needs]:
    gate, needs, _ = one
    return gate or (-1, 0), needs


def _batches(gated: Sequence[Gated]) -> Iterator[list[Gated]]:
    batch: list[Gated] = []
    features: set[int] = set()
    for one in gated:
        more = features | {term.feature for term in one[2].terms}
        if batch and (len(batch) == MOST_CONJUNCTIONS or len(more) > MOST_FEATURES):
            yield batch
            batch, more = [], {term.feature for term in one[2].terms}
        batch.append(one)
        features = more
    if batch:
        yield batch


def _names(conjunctions: Iterator[Conjunction]) -> dict[int, str]:
    used = sorted({term.feature for one in conjunctions for term in one.terms})
    return {feature: f"f{place}" for place, feature in enumerate(used)}


def _sends(
    conjunctions: Sequence[Conjunction], names: dict[int, str]
) -> tuple[tuple[int, str, int], ...]:
    """Say which ranks matter: below them the term is false, and so is one that is not told."""
    lowest: dict[int, int] = {}
    for one in conjunctions:
        for term in one.terms:
            lowest[term.feature] = min(term.reached, lowest.get(term.feature, term.reached))
    return tuple((feature, names[feature], floor) for feature, floor in sorted(lowest.items()))


def _plan(conjunctions: Sequence[Conjunction], names: dict[int, str]) -> Plan:
    return Plan(
        tuple(
            tuple((names[term.feature], term.reached, term.below) for term in one.terms)
            for one in conjunctions
        ),
        tuple(one.rules for one in conjunctions),
    )
