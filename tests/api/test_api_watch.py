"""The watch over the rules folders, look by look, on a clock that tests turn."""

from __future__ import annotations

import logging
import os

import pytest
from api_server import RULES, SITE
from live_server import until

from api.reload import Reloads
from api.watch import Watch
from engine import ruleset
from engine.kept import path_for
from engine.ruleset import Holder, open_sites, signature


class Bench:
    """A parent that watches, and a worker that follows at each of its requests."""

    def __init__(self, folder, **more):
        self.rules, self.data = folder / "rules", folder
        self.sites = open_sites(self.rules, self.data)
        for holder in self.sites.values():
            holder.keep()
        stamp = folder / "reload"
        self.now = 0.0
        self.watch = Watch(
            self.rules, self.sites, Reloads(stamp), settle=1.0, clock=lambda: self.now, **more
        )
        self.reloads = Reloads(stamp)
        self.worker = {
            name: Holder(holder.path, holder.kept, follow=True)
            for name, holder in self.sites.items()
        }
        self.before = self.live

    @property
    def holder(self):
        """The worker's holder after a request."""
        self.reloads.catch_up(self.worker)
        return self.worker["shop"]

    @property
    def live(self):
        """The digest that the worker's next request would be decided by."""
        return self.holder.current.digest

    def look(self, *, after):
        """Look after so many seconds; return what serves then."""
        self.now += after
        self.watch.look()
        return self.live

    def write(self, text, name="rules.yaml"):
        (self.rules / name).write_text(text)


@pytest.fixture
def bench(folder):
    """Return a bench over the rules of these tests."""
    one = Bench(folder)
    yield one
    for holder in (*one.sites.values(), *one.worker.values()):
        holder.current.close()


MAY = RULES.replace("Can I", "May I")
WRONG = RULES.replace("when", "wenn")


def test_an_edit_goes_live_a_second_after_it_was_noticed_and_not_before(bench):
    """A whole second without another change, in every worker at its next request."""
    bench.write(MAY)
    assert bench.look(after=0.125) == bench.before
    assert bench.look(after=0.875) == bench.before
    assert bench.look(after=0.125) != bench.before


def test_every_further_change_starts_the_second_anew(bench):
    """The first of several files stays off the air until the last has been saved."""
    for number in range(5):
        bench.write(SITE + f"# {number}\n", "site.yaml")
        assert bench.look(after=0.9) == bench.before
    bench.write(MAY)
    assert bench.look(after=0.9) == bench.before
    assert bench.look(after=0.9) == bench.before
    assert bench.look(after=0.1) != bench.before


def test_what_was_built_ahead_serves_only_if_nothing_came_after(bench, monkeypatch):
    """An edit is built once, while its second runs; a later one replaces it."""
    built, build = [], ruleset.build
    monkeypatch.setattr(ruleset, "build", lambda files: built.append(files) or build(files))
    bench.write(MAY)
    bench.look(after=0.125)
    bench.watch.look()
    assert len(built) == 0
    for _ in range(3):
        bench.now += 0.25
        bench.watch.look()
    assert len(built) == 1
    bench.write(RULES.replace("Can I", "Shall I"))
    for _ in range(5):
        bench.now += 0.25
        bench.watch.look()
    assert len(built) == 2
    assert bench.holder.current.rules[0].variants[0].show.message[0][1].startswith("Shall I")


@pytest.mark.parametrize("how", ["same-size", "renamed-over", "added", "removed", "link"])
def test_every_way_of_saving_is_a_change(bench, how):
    """Whatever the editor does, and even if the time of the file is put back."""
    path = bench.rules / "rules.yaml"
    old = path.stat()
    if how in {"same-size", "renamed-over"}:
        target = path if how == "same-size" else bench.rules / "draft"
        target.write_text(MAY)
        os.utime(target, ns=(old.st_atime_ns, old.st_mtime_ns))
        target.replace(path)
    elif how == "added":
        bench.write(RULES.replace("rule: ", "rule: more-"), "more.yaml")
    elif how == "removed":
        path.unlink()
    else:
        (bench.data / "elsewhere.yaml").write_text(MAY)
        path.unlink()
        path.symlink_to(bench.data / "elsewhere.yaml")
    bench.look(after=0.1)
    assert bench.look(after=1.0) != bench.before


def test_a_mistake_stays_off_the_air_and_is_logged_once(bench, caplog):
    """With its place; every worker says so where it is asked, and decides by the old rules."""
    with caplog.at_level(logging.INFO, "welltimed"):
        bench.write(WRONG)
        for _ in range(30):
            assert bench.look(after=0.5) == bench.before
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "rules.yaml:4:5: unknown key" in record.getMessage()
    assert (bench.holder.last.ok, bench.holder.last.problems[0].line) == (False, 4)


def test_what_is_mended_goes_live_or_is_in_order_again(bench, caplog):
    """Mended to something new, or back to what serves: both are told, and end the complaint."""
    with caplog.at_level(logging.INFO, "welltimed"):
        for mended in (RULES, MAY):
            bench.write(WRONG)
            bench.look(after=0.1)
            bench.look(after=1.0)
            assert not bench.holder.last.ok
            bench.write(mended)
            bench.look(after=0.1)
            bench.look(after=1.0)
            assert bench.holder.last.ok
    told = [record.getMessage() for record in caplog.records]
    assert told[1] == "shop: the rules on disk are in order again"
    assert told[3].startswith("shop: the edited rules are live: sha256:")
    assert len(told) == 4


def test_saving_without_a_change_does_nothing(bench, caplog):
    """The same text once more is judged by nobody and announced to nobody."""
    with caplog.at_level(logging.INFO, "welltimed"):
        stamp = bench.data / "reload"
        bench.write(RULES)
        bench.look(after=0.1)
        bench.look(after=1.0)
        assert not stamp.exists()
        bench.write(WRONG)
        bench.look(after=0.1)
        bench.look(after=1.0)
        first = stamp.stat().st_mtime_ns
        bench.write(WRONG)
        bench.look(after=0.1)
        bench.look(after=1.0)
        assert stamp.stat().st_mtime_ns == first
    assert len(caplog.records) == 1


def test_what_a_worker_was_asked_to_reload_is_not_judged_again(bench, caplog):
    """A refusal that `POST /-/reload` has told is not logged a second time by the parent."""
    bench.write(WRONG)
    bench.reloads.reload(bench.worker)
    caplog.clear()
    with caplog.at_level(logging.INFO, "welltimed"):
        bench.look(after=0.1)
        bench.look(after=1.0)
        bench.write(MAY)
        newest = bench.reloads.reload(bench.worker)["shop"].digest
        bench.look(after=0.1)
        assert bench.look(after=1.0) == newest
        assert bench.sites["shop"].current.digest == newest
    assert caplog.records == []


def test_a_folder_that_is_gone_is_a_mistake_like_any_other(bench, caplog):
    """The rules go on; the folder may come back."""
    bench.rules.rename(bench.data / "away")
    with caplog.at_level(logging.INFO, "welltimed"):
        for _ in range(5):
            assert bench.look(after=1.0) == bench.before
        (bench.data / "away").rename(bench.rules)
        bench.write(MAY)
        bench.look(after=1.0)
        assert bench.look(after=1.0) != bench.before
    assert "there is no rules folder at" in caplog.records[0].getMessage()
    assert len(caplog.records) == 2


def test_asking_loads_at_once_and_also_without_the_watch(folder, caplog):
    """SIGHUP does not wait for the folder to come to rest."""
    bench = Bench(folder, watching=False)
    bench.watch.look = None  # nobody may look
    bench.watch.start()
    try:
        with caplog.at_level(logging.INFO, "welltimed"):
            bench.write(MAY)
            bench.watch.hurry()
            until(lambda: bench.live != bench.before)
            bench.write(WRONG)
            bench.watch.hurry()
            until(lambda: not bench.holder.last.ok)
    finally:
        bench.watch.stop()
    told = [record.getMessage() for record in caplog.records]
    assert told[0].startswith("SIGHUP: every worker")
    assert told[2].startswith("SIGHUP: not all rules could be loaded")


def test_the_thread_looks_by_itself_and_survives_what_goes_wrong(bench, caplog):
    """A complaint is logged once; the next looks go on."""
    looks, look = [], bench.watch.look

    def failing():
        looks.append(1)
        if len(looks) < 4:
            raise OSError("the disk is on fire")
        look()

    bench.watch.look = failing
    bench.watch.start()
    try:
        until(lambda: len(looks) > 5)
    finally:
        bench.watch.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "the rules folders could not be looked at: OSError('the disk is on fire')"
    ]


def test_of_several_sites_each_goes_live_by_itself(folder, caplog):
    """A mistake of one holds up no other; a new folder waits for a restart, which is told once."""
    (folder / "rules").rename(folder / "shop")
    (folder / "rules").mkdir()
    (folder / "shop").rename(folder / "rules" / "shop")
    club = folder / "rules" / "club"
    club.mkdir()
    (club / "site.yaml").write_text(SITE.replace("name: shop", "name: club"))
    (club / "rules.yaml").write_text(RULES)
    bench = Bench(folder)
    before = bench.worker["club"].current.digest
    (bench.rules / "shop" / "rules.yaml").write_text(WRONG)
    (club / "rules.yaml").write_text(MAY)
    new = bench.rules / "outlet"
    new.mkdir()
    (new / "site.yaml").write_text(SITE.replace("name: shop", "name: outlet"))
    with caplog.at_level(logging.INFO, "welltimed"):
        bench.look(after=0.1)
        bench.look(after=1.0)
        bench.look(after=1.0)
    assert not bench.worker["shop"].last.ok
    assert bench.worker["club"].last.ok
    assert bench.worker["club"].current.digest != before
    assert set(bench.worker) == {"shop", "club"}
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 3
    assert f"{new} is a new rules folder; start the server anew to serve it" in told


def test_a_folder_is_known_by_what_a_save_changes(tmp_path):
    """Its YAML files, misnamed ones too; nothing else counts, and no folder is no signature."""
    assert signature(tmp_path / "none") is None
    empty = signature(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert signature(tmp_path) == empty
    for name in ("a.yaml", "b.yml"):
        before = signature(tmp_path)
        (tmp_path / name).write_text("x")
        assert signature(tmp_path) != before


def test_two_folders_of_one_name_are_kept_apart(tmp_path):
    """Two servers may share a data folder and not their rules."""
    one, other = (path_for(tmp_path, tmp_path / name / "rules") for name in "ab")
    assert one != other
    assert one.name.startswith("rules-")
