"""Journal entries: what is written is read back, and no more is written than may be kept."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import StoreUnavailable
from engine.journal import entries
from engine.journal.entries import Decided, NearMiss, decided
from engine.model import Decision, Reason
from engine.store import Entry, open_store

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def decision(at: int = 1_000, **more: object) -> Decision:
    return Decision(
        show=True, reason=Reason.SHOWN, at=at, decision_id=f"d{at}", ruleset="sha256:abc", **more
    )


@given(
    show=st.booleans(),
    reason=st.sampled_from(Reason),
    texts=st.tuples(*[st.none() | TEXT] * 3),
    shadow=st.lists(TEXT, max_size=3),
    near=st.lists(st.builds(NearMiss, TEXT, st.sampled_from(Reason), st.none() | TEXT), max_size=3),
)
def test_what_was_decided_is_read_back_whole(show, reason, texts, shadow, near):
    """Every part of a decision that the journal keeps survives the trip through bytes."""
    by, rule, variant = texts
    made = Decision(show=show, reason=reason, at=7, by=by, rule=rule, variant=variant)
    line = entries.read(decided("v", made, "/p", shadows=shadow, near=near))
    assert (line.at, line.visitor) == (7, "v")
    assert line.decided == Decided(
        show=show,
        reason=reason,
        ruleset="",
        by=by,
        rule=rule,
        variant=variant,
        page="/p",
        shadow=tuple(shadow),
        near=tuple(near),
    )


def test_the_entry_is_named_after_the_decision():
    """A `decision_id` from a reply finds its line."""
    entry = decided("v", decision(), None)
    assert (entry.id, entry.at, entry.kind, entry.visitor) == ("d1000", 1_000, "decision", "v")


def test_the_true_reason_is_kept_where_the_reply_was_told_another():
    """A bot reads `not_now`; the journal says `bot`."""
    told = Decision(show=False, reason=Reason.NOT_NOW, at=1)
    assert entries.read(decided("v", told, None, reason=Reason.BOT)).decided.reason == Reason.BOT


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        (None, None),
        ("https://shop.example/search?q=my+illness#top", "/search"),
        ("https://me:secret@shop.example/a/b", "/a/b"),
        ("/help", "/help"),
        ("https://shop.example", "/"),
        ("?q=1", "/"),
        ("https://[::1", "/"),
        ("/" + "x" * 5_000, "/" + "x" * 511),
    ],
)
def test_a_page_is_kept_as_its_path_alone(page, kept):
    """What people typed stands in queries, and never in the journal."""
    assert entries.read(decided("v", decision(), page)).decided.page == kept


class TestReadingBack:
    @pytest.fixture
    def store(self, tmp_path):
        """Keep decisions of two visitors at 1, 2 and 3 s, and an entry of another kind."""
        store = open_store(f"sqlite:///{tmp_path}/x.db")
        mine = [decided("ann", decision(at), "/") for at in (3_000, 1_000)]
        other = Entry(id="x", at=1_500, kind="other", visitor="ann", body=b"?")
        assert store.commit("shop", "ann", 0, b"", [*mine, other])
        assert store.commit("shop", "bob", 0, b"", [decided("bob", decision(2_000), "/")])
        yield store
        store.close()

    def test_all_decisions_come_by_time(self, store):
        """Entries of other kinds are passed over."""
        found = [(line.visitor, line.at) for line in entries.decisions(store, "shop")]
        assert found == [("ann", 1_000), ("bob", 2_000), ("ann", 3_000)]

    def test_newest_first_turns_them_round(self, store):
        """What a console shows first is what happened last."""
        found = [line.at for line in entries.decisions(store, "shop", newest_first=True)]
        assert found == [3_000, 2_000, 1_000]

    def test_a_visitor_and_a_span_narrow_them(self, store):
        """The span is half-open: its beginning counts, its end does not."""
        found = entries.decisions(store, "shop", visitor="ann", since=1_000, until=3_000)
        assert [line.decision_id for line in found] == ["d1000"]

    def test_another_site_has_none(self, store):
        """Sites do not see each other's journal."""
        assert list(entries.decisions(store, "b2b")) == []


@pytest.mark.parametrize("body", [b"", b"\xff", msgspec.msgpack.encode({"show": True})])
def test_a_body_that_cannot_be_read_is_said(body):
    """A damaged or newer journal gives a sentence, not a traceback."""
    with pytest.raises(StoreUnavailable, match="the journal's entry 'x' cannot be read"):
        entries.read(Entry(id="x", at=1, kind="decision", visitor="v", body=body))


def test_a_body_with_more_than_we_know_is_read():
    """A newer program of the same format may add fields while both run."""
    body = msgspec.msgpack.encode(
        {"show": False, "reason": "capped", "ruleset": "r", "colour": "red"}
    )
    entry = Entry(id="x", at=1, kind="decision", visitor="v", body=body)
    assert entries.read(entry).decided.reason == Reason.CAPPED
