"""Wall clocks: which instants a time zone's clocks read as some local time.

`zoneinfo` answers one instant at a time and guesses at local times that never or twice occur.
Here a zone is a run of stretches of constant offset, so that a local interval becomes the exact
instants at which a clock on the wall reads it: none in the hour that a clock skips, both where
it repeats one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.clock import DAY, HOUR, SECOND
from engine.spans import Spans, normal

# No two changes of any zone's clocks since 1900 are nearer to each other than three days.
_STRIDE = 6 * HOUR
_CHUNK = 32 * DAY
_WIDEST = 24 * HOUR  # no offset is wider
_CHUNKS_KEPT = 256
# What a datetime can say, less room for an offset.
_FIRST = int(datetime(1, 1, 3, tzinfo=UTC).timestamp())
_LAST = int(datetime(9999, 12, 29, tzinfo=UTC).timestamp())


class Zone:
    """An IANA zone's wall clock. Wall times are ms since 1970-01-01 00:00 on that wall."""

    def __init__(self, name: str) -> None:
        """Raise ValueError, with a sentence, for a zone that nobody knows."""
        try:
            self._info = ZoneInfo(name)
        except (OSError, ValueError, LookupError):  # a folder, a path, a name that is not there
            raise ValueError(
                f'there is no time zone "{name}"; use an IANA name such as Europe/London'
            ) from None
        self._chunks: dict[int, tuple[tuple[int, int], ...]] = {}

    def wall(self, instant: int) -> int:
        """Return what the wall clock reads at an instant."""
        return instant + self._offset(instant // SECOND)

    def instants(self, first: int, last: int) -> Spans:
        """Return all instants at which the wall clock reads from `first` to before `last`."""
        return normal(
            (max(start, first - offset), min(end, last - offset))
            for start, end, offset in self._stretches(first - _WIDEST, last + _WIDEST)
        )

    def _offset(self, second: int) -> int:
        moment = datetime.fromtimestamp(min(max(second, _FIRST), _LAST), self._info)
        offset = moment.utcoffset()
        assert offset is not None  # noqa: S101 - a moment made with a zone has an offset
        return round(offset.total_seconds()) * SECOND

    def _stretches(self, lo: int, hi: int) -> Iterator[tuple[int, int, int]]:
        """Yield (start, end, offset) over [lo, hi) and a little around it."""
        for index in range(lo // _CHUNK, (hi - 1) // _CHUNK + 1):
            chunk = self._chunks.get(index)
            if chunk is None:
                if len(self._chunks) >= _CHUNKS_KEPT:
                    self._chunks.clear()
                chunk = self._chunks[index] = tuple(self._survey(index * _CHUNK))
            ends = [start for start, _ in chunk[1:]]
            ends.append((index + 1) * _CHUNK)
            for (start, offset), end in zip(chunk, ends, strict=True):
                yield start, end, offset

    def _survey(self, lo: int) -> Iterator[tuple[int, int]]:
        """Yield (start, offset) for each stretch of constant offset of a chunk."""
        before = self._offset(lo // SECOND)
        yield lo, before
        for near in range(lo, lo + _CHUNK, _STRIDE):
            after = self._offset((near + _STRIDE) // SECOND)
            if after != before:
                change = self._change(near // SECOND, (near + _STRIDE) // SECOND) * SECOND
                if change < lo + _CHUNK:
                    yield change, after
                before = after

    def _change(self, near: int, far: int) -> int:
        """Return the second in (near, far] at which the offset becomes that of `far`."""
        offset = self._offset(far)
        while far - near > 1:
            middle = (near + far) // 2
            if self._offset(middle) == offset:
                far = middle
            else:
                near = middle
        return far


@lru_cache(maxsize=1_024)
def zone(name: str) -> Zone:
    """Return the zone of that name, surveyed once. Raises ValueError for an unknown one."""
    return Zone(name)
