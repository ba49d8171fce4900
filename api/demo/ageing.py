"""A day gone by, for people who cannot wait: a visitor's past moves one day further back.

Only the demo does this. The next page that is opened is then the visitor's next visit, just as
if they had come back tomorrow.
"""

from __future__ import annotations

import msgspec

from engine.clock import DAY
from engine.service import Service
from engine.visitor.profile import Exposure, Profile, pack, unpack

ATTEMPTS = 20


def come_back_another_day(service: Service, site: str, visitor: str) -> bool:
    """Age a visitor by a day; False when nothing is held about them, or they never stand still."""
    for _ in range(ATTEMPTS):
        snapshot = service.store.read(site, visitor)
        if not snapshot.value:
            return False
        older = pack(aged(unpack(snapshot.value), DAY))
        if service.store.commit(site, visitor, snapshot.version, older, []):
            return True
    return False


def aged(profile: Profile, millis: int) -> Profile:
    """Return the profile as it would be had everything in it happened `millis` earlier."""
    report = profile.report
    return msgspec.structs.replace(
        profile,
        events=[msgspec.structs.replace(e, at=e.at - millis) for e in profile.events],
        exposures=[_aged(exposure, millis) for exposure in profile.exposures],
        report=report and msgspec.structs.replace(report, at=report.at - millis),
        cart={name: (at - millis, value) for name, (at, value) in profile.cart.items()},
        answers=[(key, at - millis, reply) for key, at, reply in profile.answers],
    )


def _aged(exposure: Exposure, millis: int) -> Exposure:
    shown_at = exposure.shown_at
    return msgspec.structs.replace(
        exposure,
        at=exposure.at - millis,
        shown_at=None if shown_at is None else shown_at - millis,
    )
