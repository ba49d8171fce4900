"""What a page means to a site: the page groups that it is in and the field values it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from types import MappingProxyType
from typing import NamedTuple

from engine.globs import Glob, compile_glob, take_apart
from engine.model import PageGroup

_CACHED = 4_096  # pages whose facts are remembered
_CACHED_LENGTH = 2_048  # a longer address is looked at anew each time: it would fill the cache


class PageFacts(NamedTuple):
    """Names of the page groups that a page is in, and the values its globs capture from it."""

    groups: frozenset[str]
    values: Mapping[str, str]


NO_PAGE = PageFacts(frozenset(), MappingProxyType({}))


class Pages:
    """The page groups of a site, compiled. Immutable; safe to share between threads.

    Raises ValueError for a glob that cannot be read.
    """

    def __init__(self, groups: Sequence[PageGroup]) -> None:
        compiled = tuple((group.name, tuple(map(compile_glob, group.globs))) for group in groups)
        self._look: Callable[[str], PageFacts] = partial(_look, compiled)
        self._cached = lru_cache(maxsize=_CACHED)(self._look)

    def look(self, page: str | None) -> PageFacts:
        """Return what is known of a page, a full URL or a path. Of None nothing is known.

        The first group in file order that captures a field gives its value.
        """
        if page is None:
            return NO_PAGE
        if len(page) > _CACHED_LENGTH:
            return self._look(page)
        return self._cached(page)


def _look(groups: Sequence[tuple[str, Sequence[Glob]]], page: str) -> PageFacts:
    address = take_apart(page)
    if address is None:
        return NO_PAGE
    names = set()
    values: dict[str, str] = {}
    for name, globs in groups:
        for glob in globs:
            if name in names and not glob.fields:
                continue
            found = glob.match_address(address)
            if found is not None:
                names.add(name)
                for field, value in found.items():
                    values.setdefault(field, value)
    return PageFacts(frozenset(names), MappingProxyType(values))
