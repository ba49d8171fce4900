"""Secret keys and write tokens: who is believed, and what is kept of them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import keys
from api.guard import Keys as KeysOfGuard
from api.keys import Keys
from engine.errors import SettingsInvalid

SITES = ["shop", "b2b"]


def test_it_is_what_the_guard_asks_for(tmp_path):
    """The guard's idea of keys and this class agree; mypy checks the assignment."""
    wanted: KeysOfGuard = keys.load(tmp_path, ["shop"])
    assert wanted.site_of("nonsense") is None


class TestSecretKeys:
    def test_the_first_start_makes_a_key_for_each_site_and_shows_it(self, tmp_path):
        """Every site gets its own key of 256 bits, and it works."""
        found = keys.load(tmp_path, SITES)
        assert set(found.made) == set(SITES)
        assert {site: found.site_of(key) for site, key in found.made.items()} == {
            "shop": "shop",
            "b2b": "b2b",
        }
        assert all(key.startswith("sk_") and len(key) >= 46 for key in found.made.values())

    def test_a_second_start_makes_none_and_the_first_still_work(self, tmp_path):
        """A key is shown once, and lives on."""
        first = keys.load(tmp_path, ["shop"])
        second = keys.load(tmp_path, ["shop"])
        assert second.made == {}
        assert second.site_of(first.made["shop"]) == "shop"

    def test_a_site_that_joins_later_gets_a_key_and_the_others_keep_theirs(self, tmp_path):
        """Only what is missing is made."""
        first = keys.load(tmp_path, ["shop"])
        second = keys.load(tmp_path, SITES)
        assert list(second.made) == ["b2b"]
        assert second.site_of(first.made["shop"]) == "shop"

    def test_a_site_that_is_not_served_has_no_key(self, tmp_path):
        """A stored key opens nothing while its site is away."""
        made = keys.load(tmp_path, SITES).made
        assert keys.load(tmp_path, ["shop"]).site_of(made["b2b"]) is None

    def test_no_key_stands_on_the_disk(self, tmp_path):
        """A copy of the data folder gives nobody a site's rights."""
        made = keys.load(tmp_path, SITES, "shop=given-in-the-environment").made
        for path in tmp_path.iterdir():
            text = path.read_text()
            assert made["b2b"] not in text
            assert "given-in-the-environment" not in text

    def test_nobody_else_may_read_the_file(self, tmp_path):
        """The file has the rights 0600 whatever the umask, and the folder is made private."""
        before = os.umask(0)
        try:
            keys.load(tmp_path / "new" / "data", ["shop"])
        finally:
            os.umask(before)
        file = tmp_path / "new" / "data" / keys.FILE
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    @pytest.mark.parametrize("wrong", ["", " ", "shop", "sk_", "é", "\ud800", "k" * 100_000])
    def test_a_wrong_key_is_nobody(self, tmp_path, wrong):
        """Anything that is not a key, of any length and alphabet, names no site."""
        assert keys.load(tmp_path, ["shop"], "right").site_of(wrong) is None

    def test_processes_that_start_at_once_agree(self, tmp_path):
        """Of many first starts one makes the keys, and all accept them."""
        found: list[Keys] = []
        threads = [
            Thread(target=lambda: found.append(keys.load(tmp_path, ["shop"]))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (made,) = [each.made["shop"] for each in found if each.made]
        assert [each.site_of(made) for each in found] == ["shop"] * 8
        assert len({each.write_token("shop", "v") for each in found}) == 1


class TestKeysThatAreGiven:
    def test_one_site_needs_no_name(self, tmp_path):
        """The whole text is the key, equals signs at its end included."""
        found = keys.load(tmp_path, ["shop"], "c2VjcmV0IQ==")
        assert found.site_of("c2VjcmV0IQ==") == "shop"
        assert found.made == {}

    def test_several_sites_are_named(self, tmp_path):
        """Each pair gives one site its key; blanks around them do not matter."""
        found = keys.load(tmp_path, SITES, " shop=one , b2b = two== ")
        assert (found.site_of("one"), found.site_of("two==")) == ("shop", "b2b")
        assert found.site_of("two") is None

    def test_a_site_may_have_two_while_one_is_replaced(self, tmp_path):
        """Naming a site twice gives it both keys."""
        found = keys.load(tmp_path, ["shop"], "shop=old,shop=new")
        assert (found.site_of("old"), found.site_of("new")) == ("shop", "shop")

    def test_a_given_key_replaces_the_stored_one(self, tmp_path):
        """Whoever sets a key by hand means the earlier one to be over."""
        stored = keys.load(tmp_path, ["shop"]).made["shop"]
        found = keys.load(tmp_path, ["shop"], "fresh")
        assert (found.site_of("fresh"), found.site_of(stored)) == ("shop", None)
        assert keys.load(tmp_path, ["shop"]).site_of(stored) == "shop"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("bare", "does not say whose key it is; write shop=KEY,b2b=KEY"),
            ("shpo=one", "a site that is not served here; did you mean shop?"),
            ("zzz=one", "a site that is not served here; there are shop, b2b"),
            ("shop=one,b2b=one", "a key belongs to one site"),
            ("shop=", "gives the site shop an empty key"),
            ("shop=ü", "a character that no header can carry"),
            ("shop=a b", "a character that no header can carry"),
        ],
    )
    def test_a_mistake_is_named_and_the_key_is_not_printed(self, tmp_path, text, said):
        """Every wrong text is refused with what to do, never with the key in it."""
        with pytest.raises(SettingsInvalid) as caught:
            keys.load(tmp_path, SITES, text)
        assert said in str(caught.value)
        assert "one," not in str(caught.value)


class TestTheFile:
    def test_a_file_that_others_can_read_is_refused(self, tmp_path):
        """A leak is said, with the command that ends it."""
        keys.load(tmp_path, ["shop"])
        (tmp_path / keys.FILE).chmod(0o644)
        with pytest.raises(SettingsInvalid, match=r"can be read by others; run: chmod 600 "):
            keys.load(tmp_path, ["shop"])

    @pytest.mark.parametrize(
        "text",
        ["", "{", "[]", "{}", '{"token_secret": "AAAA"}', '{"secret_keys": {"shop": ["zz"]}}'],
    )
    def test_a_damaged_file_is_refused_and_left_alone(self, tmp_path, text):
        """Keys are never silently made anew: old tokens would die unseen."""
        file = tmp_path / keys.FILE
        file.touch(mode=0o600)
        file.write_text(text)
        with pytest.raises(SettingsInvalid, match="is damaged; restore it, or remove it"):
            keys.load(tmp_path, ["shop"])
        assert file.read_text() == text

    def test_a_cut_hash_is_damage(self, tmp_path):
        """A hash that lost a digit is not a key that never matches."""
        keys.load(tmp_path, ["shop"])
        file = tmp_path / keys.FILE
        kept = json.loads(file.read_text())
        kept["secret_keys"]["shop"][0] = kept["secret_keys"]["shop"][0][:-2]
        file.write_text(json.dumps(kept))
        with pytest.raises(SettingsInvalid, match="is damaged"):
            keys.load(tmp_path, ["shop"])

    def test_a_newer_format_is_refused(self, tmp_path):
        """An older program does not guess at what a newer one wrote."""
        keys.load(tmp_path, ["shop"])
        file = tmp_path / keys.FILE
        file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 2}))
        with pytest.raises(SettingsInvalid, match="has format 2"):
            keys.load(tmp_path, ["shop"])

    def test_a_folder_that_cannot_be_made_is_said(self, tmp_path):
        """A file in the way gives a sentence with the folder's name."""
        (tmp_path / "data").touch()
        with pytest.raises(SettingsInvalid, match=r"the data folder .*data cannot be used: "):
            keys.load(tmp_path / "data", ["shop"])

    def test_a_start_that_died_half_way_does_no_harm(self, tmp_path: Path):
        """A left-over half-written file is not in the way."""
        (tmp_path / f"{keys.FILE}.new").write_text("{")
        assert keys.load(tmp_path, ["shop"]).made


class TestWriteTokens:
    def test_a_token_proves_its_visitor_and_nobody_else(self, tmp_path):
        """Another visitor, another site and another deployment refuse it."""
        ours = keys.load(tmp_path / "a", SITES)
        token = ours.write_token("shop", "v1")
        assert len(token) == 43
        assert ours.proves(token, "shop", "v1")
        assert not ours.proves(token, "shop", "v2")
        assert not ours.proves(token, "b2b", "v1")
        assert not keys.load(tmp_path / "b", SITES).proves(token, "shop", "v1")

    def test_a_token_outlives_a_restart(self, tmp_path):
        """The token secret is kept, so that pages keep their visitors."""
        token = keys.load(tmp_path, ["shop"]).write_token("shop", "v1")
        assert keys.load(tmp_path, ["shop"]).proves(token, "shop", "v1")

    @pytest.mark.parametrize("token", ["", "é", "\ud800", "A" * 43, "A" * 10_000])
    def test_nonsense_proves_nothing(self, tmp_path, token):
        """Any text may come in as a token; none but the right one counts."""
        assert not keys.load(tmp_path, ["shop"]).proves(token, "shop", "v1")

    @given(
        one=st.tuples(st.text(), st.text()),
        two=st.tuples(st.text(), st.text()),
    )
    def test_no_two_pairs_share_a_token(self, one, two):
        """Where a site's name ends and a visitor's begins cannot be moved."""
        ours = Keys(b"s" * 32, {}, {})
        assert (ours.write_token(*one) == ours.write_token(*two)) == (one == two)
        assert ours.proves(ours.write_token(*one), *one)

    def test_the_border_between_site_and_visitor_counts(self):
        """The very case that joining the two texts would confuse."""
        ours = Keys(b"s" * 32, {}, {})
        assert ours.write_token("a/b", "c") != ours.write_token("a", "b/c")
        assert ours.write_token("1/a", "b") != ours.write_token("1", "a/b")
