"""What the guides say over HTTP, said to a real server: their `curl` calls, read and made."""

from __future__ import annotations

import re

KEY = "sk_for_the_guide"
CALL = re.compile(
    r"curl -s (?:-X (?P<method>[A-Z]+) )?\$WT(?P<path>\S+)(?P<headers>[^\n]*?) -d '(?P<body>.*?)'",
    re.DOTALL,
)


def calls(text: str) -> list[dict[str, str | None]]:
    """Return the calls that a page shows, in order."""
    return [match.groupdict() for match in CALL.finditer(text)]


def call(client, path, body, *, method="POST", headers=""):
    """Make a call and return the reply."""
    sent = dict(re.findall(r'-H "([\w-]+): ([^"]+)"', headers.replace("$KEY", KEY)))
    sent["Idempotency-Key"] = sent.get("Idempotency-Key", "").encode().decode("latin-1")
    sent = {name: value for name, value in sent.items() if value}
    return client.open(path, method=method, data=body.encode(), headers=sent)


def make(client, shown):
    """Make a call as a page shows it and return the reply."""
    headers = shown["headers"].replace("…", "")
    return call(
        client, shown["path"], shown["body"], method=shown["method"] or "POST", headers=headers
    )
