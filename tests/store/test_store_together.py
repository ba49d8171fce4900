"""Many threads and processes at one store: nobody's work is lost, and nobody's is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier, Event

import pytest

from engine.store import Entry, Snapshot

ROOT = Path(__file__).parents[2]


def add_one(store, visitor: str, line: str) -> list[tuple[int, bool]]:
    """Add one to the visitor's number, as often as it takes; return (version, won) of each try."""
    tries = []
    while True:
        read = store.read("shop", visitor)
        number = int(read.value or b"0") + 1
        entry = Entry(id=line, at=number, kind="add", visitor=visitor, body=b"")
        won = store.commit("shop", visitor, read.version, str(number).encode(), [entry])
        tries.append((read.version, won))
        if won:
            return tries


def test_of_64_threads_exactly_one_wins_each_version(store):
    """All add to one visitor: each version is won once, and the number is how many there were."""
    barrier = Barrier(64)

    def work(thread: int) -> list[tuple[int, bool]]:
        barrier.wait()
        return [each for turn in range(3) for each in add_one(store, "ann", f"{thread}/{turn}")]

    with ThreadPoolExecutor(64) as pool:
        tries = [each for found in pool.map(work, range(64)) for each in found]
    wins = Counter(version for version, won in tries if won)
    assert len(wins) == sum(wins.values()) == 64 * 3
    assert store.read("shop", "ann").value == str(64 * 3).encode()
    assert [line.at for line in store.journal("shop")] == list(range(1, 64 * 3 + 1))


def test_of_64_first_writes_exactly_one_is_kept(store):
    """Nobody is overwritten by another who also believed to be first."""
    barrier = Barrier(64)

    def work(thread: int) -> bool:
        barrier.wait()
        return store.commit("shop", "ann", 0, str(thread).encode(), [])

    with ThreadPoolExecutor(64) as pool:
        won = list(pool.map(work, range(64)))
    assert sum(won) == 1
    assert store.read("shop", "ann").value == str(won.index(True)).encode()


def _add(place, process: int, visitors: int, times: int) -> None:
    store = place.open()
    for turn in range(times):
        add_one(store, f"v{turn % visitors}", f"{process}/{turn}")
    store.close()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_lose_nothing(place, method):
    """Three processes add to the same four visitors: every single addition is there."""
    context = get_context(method)
    workers = [context.Process(target=_add, args=(place, number, 4, 60)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    store = place.open()
    numbers = {visitor: int(value) for visitor, value in store.visitors("shop")}
    assert numbers == {f"v{number}": 45 for number in range(4)}
    assert Counter(line.visitor for line in store.journal("shop")) == Counter(numbers)


def test_processes_that_open_a_new_store_at_once_all_can(place):
    """The first start of many processes at once makes one store."""
    context = get_context("spawn")
    workers = [context.Process(target=_add, args=(place, number, 1, 1)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert place.open().read("shop", "v0").value == b"4"


def test_a_store_that_was_used_before_a_fork_serves_both_sides(store):
    """Parent and child go on with the one object that the parent opened and used."""
    add_one(store, "ann", "before")
    context = get_context("fork")
    workers = [
        context.Process(target=lambda n=number: add_one(store, "ann", f"child{n}"))
        for number in range(3)
    ]
    for worker in workers:
        worker.start()
        add_one(store, "ann", f"parent{worker.pid}")
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert store.read("shop", "ann").value == b"7"


# Python warns of forks beside threads; this test is about just that.
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_in_the_middle_of_others_work_hurts_neither_side(store):
    """Threads write without pause while the process forks: parent and child both go on."""
    over = Event()

    def work(thread: int) -> int:
        turn = 0
        while not over.is_set():
            add_one(store, f"t{thread}", f"{thread}/{turn}")
            turn += 1
        return turn

    context = get_context("fork")
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(work, number) for number in range(4)]
        for number in range(5):
            worker = context.Process(target=add_one, args=(store, "child", f"child{number}"))
            worker.start()
            worker.join(30)
            assert worker.exitcode == 0
        over.set()
    for number, turns in enumerate(done):
        assert store.read("shop", f"t{number}").value == str(turns.result()).encode()
    assert store.read("shop", "child").value == b"5"


def test_a_reading_is_of_one_instant(store, place):
    """Visitor and desk are never from different times: the desk follows the visitor by one step."""
    over = Event()

    def write() -> None:
        version = 0
        for step in range(1, 400):
            assert store.commit("shop", "ann", version, str(step).encode(), [])
            version = store.read("shop", "ann").version
            store.put_desk("shop", "default", str(step).encode())
        over.set()

    reader = place.open()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not over.is_set() and not writing.done():
            read: Snapshot = reader.read("shop", "ann")
            visitor, desk = int(read.value or 0), int(read.desk.get("default", 0))
            assert desk <= visitor <= desk + 1
        writing.result()


WRITER = """
import pickle, sys
place = pickle.loads(bytes.fromhex(sys.argv[1]))
from engine.store import Entry
store = place.open()
version = 0
for number in range(1_000_000):
    entry = Entry(id=f"e{number}", at=number, kind="add", visitor="ann", body=b"x" * 300)
    assert store.commit("shop", "ann", version, str(number).encode() * 400, [entry])
    version = store.read("shop", "ann").version
    print(number, flush=True)
"""


@pytest.mark.parametrize("acknowledged", [1, 17, 150, 700])
def test_what_a_killed_process_had_acknowledged_is_there(place, acknowledged):
    """After SIGKILL nothing acknowledged is missing, and value and journal agree to the last."""
    import pickle

    place.open().close()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, pickle.dumps(place).hex()],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{Path(__file__).parent}"},
    )
    with writer:
        for line in writer.stdout:
            if int(line) >= acknowledged:
                break
        writer.send_signal(signal.SIGKILL)
        last = max([acknowledged, *map(int, writer.stdout.read().split("\n")[:-1])])
    store = place.open()
    journal = [line.at for line in store.journal("shop")]
    assert journal == list(range(len(journal)))
    assert len(journal) - 1 in {last, last + 1}  # the last may be kept and not yet told
    assert store.read("shop", "ann").value == str(len(journal) - 1).encode() * 400
    assert store.commit("shop", "bob", 0, b"", [])
