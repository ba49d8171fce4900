"""Real servers: processes of their own, and the ways in which tests talk to them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

KEY = "sk_of_these_tests"
PATIENCE = 20  # seconds; the machine may be busy


class Live:
    """`welltimed serve` in a process of its own; `settle` changes how patient its watch is."""

    def __init__(self, folder, *flags, workers=2, port=None, settle=None):
        self.folder = folder
        self.port = port or free_port()
        given = {"rules": folder / "rules", "data": folder / "data", "workers": workers}
        texts = {name: str(value) for name, value in {"port": self.port, **given}.items()}
        command = [sys.executable, "-m", "api.cli", "serve"]
        for name, text in texts.items():
            command += [f"--{name}", text]
        if settle is not None:
            program = f"serve.run(settings.load({texts!r}), settle={settle})"
            command = [sys.executable, "-c", f"from api import serve, settings; {program}"]
        environ = {k: v for k, v in os.environ.items() if not k.startswith("WELLTIMED_")}
        self.process = subprocess.Popen(
            [*command, *flags],
            cwd=Path(__file__).parents[2],
            env=environ | {"WELLTIMED_SECRET_KEY": KEY},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait(self):
        """Wait until it answers."""
        until(lambda: self.call("/healthz/ready")[0] == 200, self.process)
        return self

    def call(self, path, body=None, method=None):
        """Return (status, JSON); 0 while nobody listens."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {KEY}"} if path.startswith(("/v1", "/-")) else {},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as problem:
            return problem.code, json.load(problem)
        except (OSError, http.client.HTTPException):
            return 0, {}

    def children(self):
        """Return the workers' process ids."""
        task = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in Path(task).read_text().split()]

    def end(self, how=signal.SIGTERM):
        """Send a signal and return (exit code, stdout, stderr)."""
        self.process.send_signal(how)
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err


def alive(pid):
    """Say whether a process runs; one that only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(holds, process=None):
    """Look again and again until it holds; fail after PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def edit(folder, old, new):
    path = folder / "rules" / "rules.yaml"
    path.write_text(path.read_text().replace(old, new))
