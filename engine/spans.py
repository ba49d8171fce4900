"""Stretches of time, and the algebra on them.

`Spans` are half-open intervals [start, end) of whole milliseconds, sorted, disjoint and never
touching, so that two equal sets of instants are equal tuples. Every function keeps that form.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

Spans = tuple[tuple[int, int], ...]

EMPTY: Spans = ()


def always(lo: int, hi: int) -> Spans:
    """Return the whole of [lo, hi); empty when hi is not after lo."""
    return ((lo, hi),) if lo < hi else EMPTY


def normal(pairs: Iterable[tuple[int, int]]) -> Spans:
    """Return the instants of any intervals, in any order, overlapping or empty, as spans."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(pair for pair in pairs if pair[0] < pair[1]):
        if merged and start <= merged[-1][1]:
            if end > merged[-1][1]:
                merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)


def union(*spans: Spans) -> Spans:
    """Return the instants that are in any of the spans."""
    return normal(pair for one in spans for pair in one)


def intersect(*spans: Spans) -> Spans:
    """Return the instants that are in all of the spans; at least one is needed."""
    if not spans:
        raise ValueError("intersect needs at least one set of spans: without any it has no bounds")
    common = spans[0]
    for other in spans[1:]:
        common = _both(common, other)
    return common


def complement(spans: Spans, lo: int, hi: int) -> Spans:
    """Return the instants of [lo, hi) that are not in the spans."""
    gaps: list[tuple[int, int]] = []
    edge = lo
    for start, end in clip(spans, lo, hi):
        if edge < start:
            gaps.append((edge, start))
        edge = end
    if edge < hi:
        gaps.append((edge, hi))
    return tuple(gaps)


def contains(spans: Spans, t: int) -> bool:
    """Return whether the instant is in the spans."""
    return bool(_reaching(spans, t))


def first_at_or_after(spans: Spans, t: int) -> int | None:
    """Return the earliest instant of the spans that is not before `t`; None if there is none."""
    if _reaching(spans, t):
        return t
    later = bisect_right(spans, t, key=_start)
    return spans[later][0] if later < len(spans) else None


def clip(spans: Spans, lo: int, hi: int) -> Spans:
    """Return the part of the spans that lies in [lo, hi)."""
    return tuple(
        (max(start, lo), min(end, hi))
        for start, end in spans
        if start < hi and lo < end and lo < hi
    )


def _start(pair: tuple[int, int]) -> int:
    return pair[0]


def _reaching(spans: Spans, t: int) -> bool:
    before = bisect_right(spans, t, key=_start)
    return before > 0 and t < spans[before - 1][1]


def _both(left: Spans, right: Spans) -> Spans:
    shared: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start = max(left[i][0], right[j][0])
        end = min(left[i][1], right[j][1])
        if start < end:
            shared.append((start, end))
        # The one that ends first can meet nothing further.
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(shared)
