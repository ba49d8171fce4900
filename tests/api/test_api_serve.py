"""The real server: several processes, signals, and sentences instead of tracebacks."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
from api_server import event
from live_server import KEY, PATIENCE, alive, edit, free_port, until

from api import cli


def test_it_collects_decides_and_ends_well(start):
    """Started, asked, ended by SIGTERM: exit 0, and where everything is was printed."""
    live = start().wait()
    body = {"visitor": "v1", "events": [event(), event(), event()], "ask": True}
    status, told = live.call("/v1/events", body)
    assert (status, told["decision"]["decision"]) == (202, "show")
    assert live.call("/v1/decide", {"visitor": "v1"})[1]["by"] == "reserved"
    code, out, err = live.end()
    assert (code, err) == (0, "")
    for part in (f"http://127.0.0.1:{live.port}", "/v1/events", "rules", "store", "tracker.js"):
        assert part in out
    assert KEY not in out


def test_a_client_that_sends_slowly_holds_up_nobody(start):
    """Bodies that never end do not keep a worker from answering others."""
    live = start(workers=1).wait()
    head = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", live.port)) for _ in range(10)]
    for connection in slow:
        connection.sendall(head)
    assert live.call("/v1/events", {"visitor": "v1", "events": [event()]})[0] == 202
    for connection in slow:
        connection.close()
    assert live.end()[0] == 0


def test_a_client_that_sends_far_too_much_reads_why(start):
    """413 arrives, rather than a connection that breaks."""
    live = start(workers=1).wait()
    assert live.call("/v1/events", {"x": "y" * 3_000_000})[1]["code"] == "body_too_large"
    assert live.call("/v1/events", {"visitor": "v1"})[0] == 202
    live.end()


def test_many_tabs_get_one_prompt(start):
    """Sixty-four asks for one visitor, over two workers, show one prompt."""
    live = start(workers=2).wait()
    live.call("/v1/events", {"visitor": "v1", "events": [event(), event(), event()]})
    answers = []

    def ask():
        answers.append(live.call("/v1/events", {"visitor": "v1", "ask": True})[1]["decision"])

    tabs = [threading.Thread(target=ask) for _ in range(64)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert sorted(answer["decision"] for answer in answers) == ["hold"] * 63 + ["show"]
    assert {answer["by"] for answer in answers} == {None, "reserved"}
    live.end()


def test_a_key_is_made_and_shown_once(start, folder):
    """Where none is set, the first start makes one; the next keeps it and does not tell."""
    told = []
    for _ in range(2):
        live = start(workers=1)
        live.process.kill()
        live.process.communicate()
        environ = {k: v for k, v in os.environ.items() if not k.startswith("WELLTIMED_")}
        live.process = subprocess.Popen(
            live.process.args,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        live.wait()
        told.append(re.findall(r"sk_\S+", live.end()[1]))
    assert len(told[0]) == 1
    assert told[1] == []


def test_sighup_and_reload_reach_every_worker(start, folder):
    """After the answer to a reload, no worker decides by the old rules; a bad edit changes none."""
    live = start(workers=2).wait()
    before = live.call("/v1/rules")[1]["ruleset"]
    edit(folder, "Can I help", "May I help")
    status, told = live.call("/-/reload", {})
    assert (status, told["changed"]) == (200, True)
    seen = {live.call("/v1/rules")[1]["ruleset"] for _ in range(20)}
    assert seen == {told["ruleset"]} != {before}

    edit(folder, "when", "wenn")
    live.process.send_signal(signal.SIGHUP)
    assert live.call("/-/reload", {})[0] == 422
    assert {live.call("/v1/rules")[1]["ruleset"] for _ in range(20)} == {told["ruleset"]}

    edit(folder, "wenn", "when")
    edit(folder, "May I help", "Can I help")
    live.process.send_signal(signal.SIGHUP)
    until(lambda: live.call("/v1/rules")[1]["ruleset"] == before)
    assert {live.call("/v1/rules")[1]["ruleset"] for _ in range(20)} == {before}
    pids = live.children()
    assert len(pids) == 2
    assert "SIGHUP" in live.end()[2]


def test_a_killed_worker_loses_nothing_and_is_replaced(start):
    """Batches sent again until they are acknowledged are held once, whichever worker dies."""
    live = start(workers=2).wait()
    for _ in range(4):
        body = {"visitor": "v1", "events": [event()]}
        until(lambda: live.call("/v1/events", body)[0] == 202, live.process)  # noqa: B023 - at once
        os.kill(live.children()[0], signal.SIGKILL)
    until(lambda: len(live.children()) == 2, live.process)
    until(lambda: live.call("/healthz/ready")[0] == 200, live.process)
    assert len(live.call("/v1/visitors/v1")[1]["events"]) == 4
    live.end()


def test_no_worker_outlives_the_server(start, folder):
    """After SIGKILL of the server its port is free, and what it held is served anew."""
    live = start().wait()
    live.call("/v1/events", {"visitor": "v1", "events": [event()]})
    workers = live.children()
    live.end(signal.SIGKILL)
    until(lambda: not any(map(alive, workers)))
    again = start(port=live.port).wait()
    assert len(again.call("/v1/visitors/v1")[1]["events"]) == 1
    assert again.end()[0] == 0


def test_sigterm_lets_requests_end(start):
    """Every request sent before the end gets its answer or was never taken."""
    live = start().wait()
    answers = []

    def send():
        while True:
            status, _ = live.call("/v1/events", {"visitor": "v1", "events": [event()]})
            if not status:
                return
            answers.append(status)

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    until(lambda: len(answers) > 50)
    live.process.send_signal(signal.SIGTERM)
    _, err = live.process.communicate(timeout=PATIENCE)
    for sender in senders:
        sender.join()
    assert (live.process.returncode, err) == (0, "")
    again = start(port=live.port).wait()
    assert set(answers) == {202}
    # Each kind keeps its newest 500.
    assert len(again.call("/v1/visitors/v1")[1]["events"]) >= min(500, len(answers))


def test_a_taken_port_is_one_sentence(start):
    """Though the workers of one server share theirs."""
    live = start().wait()
    other = start(port=live.port)
    code, out, err = other.process.wait(PATIENCE), *other.process.communicate()
    assert code == 1
    assert out == ""
    assert err.startswith("Error: cannot listen on 127.0.0.1 port")
    assert "--port" in err
    assert err.count("\n") == 1
    live.end()


def failing(monkeypatch, capfd, *flags):
    """Run `welltimed serve`, which fails before it serves; return what it says on stderr."""
    monkeypatch.setattr(sys, "argv", ["welltimed", "serve", *map(str, flags)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capfd.readouterr()
    assert ended.value.code == 1
    assert "Traceback" not in out + err
    return err


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--rules", "nowhere"], "there is no rules folder at nowhere"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
        (["--host", "no such host"], "cannot listen on no such host"),
        (["--port", "http"], "--port must be a whole number"),
        (["--store", "mysql://x"], "a store named mysql"),
        (["--store", "sqlite:////proc/x/y.db"], "the store"),
        (["--data", "/proc/x"], "the data folder"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(monkeypatch, capfd, folder, flags, sentence):
    """Said on stderr with exit 1, before anything listens."""
    usable = ["--rules", folder / "rules", "--data", folder / "data", "--port", free_port()]
    err = failing(monkeypatch, capfd, *usable, *flags)
    assert sentence in err
    assert err.count("\n") == 1


def test_refused_rules_are_told_with_their_places(monkeypatch, capfd, folder):
    """Nothing is served by rules that nobody wrote."""
    edit(folder, "when", "wenn")
    usable = ["--rules", folder / "rules", "--data", folder / "data", "--port", free_port()]
    assert re.search(r"rules\.yaml:4:\d+: ", failing(monkeypatch, capfd, *usable))


def test_the_last_good_rules_survive_a_restart(start, folder):
    """A bad edit over night does not keep the server from starting in the morning."""
    first = start(workers=1).wait()
    before = first.call("/v1/rules")[1]["ruleset"]
    first.end()
    edit(folder, "when", "wenn")
    again = start(workers=1).wait()
    assert again.call("/v1/rules")[1]["ruleset"] == before
    assert again.call("/healthz/ready")[1]["rules"] == {"shop": "last_good"}
    assert "were refused" in again.end()[1]
