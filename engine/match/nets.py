"""The only place that touches durable-rules: stateless nets of at most 60 conjunctions.

durable-rules 2.0.28 is used as a matcher and as nothing else: one fact with a fixed id goes in,
the names of what it satisfies come out, and the fact is taken back. Its own state, counts,
timers, threads and regular expressions lose visitors, results or the process; none is used. Its
extension is not safe for threads: whoever holds a net must hold a lock around `ask` and `close`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import msgspec

extension: ModuleType | None
try:
    import durable_rules_engine as _extension
except Exception as error:  # noqa: BLE001 - a broken build fails in many ways, and none may stop us
    extension = None
    why_missing = f"durable-rules cannot be loaded: {error}"
else:
    extension = _extension
    why_missing = ""

# What is used of the extension: its private surface, frozen at 2.0.28.
FUNCTIONS = (
    "create_ruleset",
    "delete_ruleset",
    "delete_state",
    "assert_event",
    "assert_fact",
    "retract_fact",
    "start_action_for_state",
    "complete_and_start_action",
)

# The extension tells names apart by a 32-bit hash alone.
_OWN_NAMES = ("id", "sid", "k", "$s")
_MATCHED, _NOTHING = 0, 1
_FACT = '{"id":"f"}'
_STATE = "0"

Term = tuple[str, int, int | None]  # name, at least (0: any), below (None: any)


class NetFailed(RuntimeError):
    """The extension is missing, refused a net, or did not behave as it must."""


class Net:
    """Some conjunctions, held by the extension until `close`."""

    def __init__(self, conjunctions: Sequence[Sequence[Term]]) -> None:
        """Build and self-test the net. Raises NetFailed."""
        if extension is None:
            raise NetFailed(why_missing)
        self._engine: Any = extension
        self._definition = _define(conjunctions)
        self._handle: int | None = None
        self._sound = False
        self._build()

    def ask(self, ranks: Mapping[str, int]) -> list[int]:
        """Return the numbers of the conjunctions that hold; an unnamed feature satisfies no term.

        Raises NetFailed, or whatever the extension raises; the net mends itself when asked next.
        """
        if not self._sound:
            self.mend()
        self._sound = False
        engine, handle = self._engine, self._handle
        message = msgspec.json.encode({"id": "f", "k": 1, **ranks}).decode()
        found: list[int] = []
        try:
            outcome, state = engine.assert_fact(handle, message)
            if outcome == _MATCHED:
                action = engine.start_action_for_state(handle, state)
                if action is None:
                    raise NetFailed("durable-rules said that something matched and not what")
                name = action[1]
                while name:
                    found.append(_number(name))
                    name = engine.complete_and_start_action(handle, state)
            elif outcome != _NOTHING:
                raise NetFailed(f"durable-rules answered a message with code {outcome}")
        finally:
            engine.retract_fact(handle, _FACT)
        self._sound = True
        return found

    def close(self) -> None:
        """Give the net's memory back; a later `ask` would build it anew."""
        handle, self._handle, self._sound = self._handle, None, False
        if handle is None:
            return
        # In this order: deleting the ruleset alone leaks its state.
        self._engine.delete_state(handle, _STATE)
        self._engine.delete_ruleset(handle)

    def mend(self) -> None:
        """Build the net anew; a failure may have left a fact or an open action in the old one.

        Raises NetFailed, or whatever the extension raises.
        """
        self.close()
        self._build()

    def _build(self) -> None:
        engine = self._engine
        handle = engine.create_ruleset("n", self._definition)
        # The canary proves that the extension matches, and makes the state without which
        # `delete_state` frees a pointer that nobody set: a net that fails it is left alone.
        outcome, state = engine.assert_event(handle, '{"id":"w","k":0}')
        action = engine.start_action_for_state(handle, state)
        if outcome != _MATCHED or action is None or not action[1].startswith('{"canary"'):
            raise NetFailed("durable-rules failed its self-test")
        if engine.complete_and_start_action(handle, state):
            raise NetFailed("durable-rules matched more than its self-test asks")
        self._handle, self._sound = handle, True


def _define(conjunctions: Sequence[Sequence[Term]]) -> str:
    names = sorted({name for terms in conjunctions for name, _, _ in terms})
    _check_distinct(names)
    rules: dict[str, Any] = {"canary": {"all": [{"m": {"k": 0}}]}}
    for number, terms in enumerate(conjunctions):
        # The guard keeps the extension's own messages from matching.
        tests: list[dict[str, Any]] = [{"k": 1}]
        for name, reached, below in terms:
            if reached:
                tests.append({"$gte": {name: reached}})
            if below is not None:
                tests.append({"$lt": {name: below}})
        rules[f"c{number}"] = {"all": [{"m": {"$and": tests}}]}
    return json.dumps(rules)


def _check_distinct(names: Sequence[str]) -> None:
    seen: dict[int, str] = {}
    for name in (*_OWN_NAMES, *names):
        other = seen.setdefault(fnv1a(name), name)
        if other != name:
            raise NetFailed(f"durable-rules cannot tell the names {other!r} and {name!r} apart")


def fnv1a(name: str) -> int:
    """Return the 32-bit FNV-1a hash by which the extension knows a name."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def _number(action: str) -> int:
    """Read the number out of `{"c12":{"m":…}}`."""
    return int(action[3 : action.index('"', 3)])
