"""A file's text as lines, cut where YAML cuts them."""

from __future__ import annotations

import re

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Lines:
    """The lines of a text, without their ends. `all` counts from 0."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.all = _BREAK.split(text)

    def at(self, number: int) -> str:
        """Return a line by its number from 0; empty beyond the end."""
        return self.all[number] if 0 <= number < len(self.all) else ""

    def position(self, index: int) -> tuple[int, int]:
        """Return the line and column, both from 1, of a character's index."""
        line, start = 1, 0
        for found in _BREAK.finditer(self._text, 0, index):
            line, start = line + 1, found.end()
        return line, index - start + 1
