"""The names of photos that were sent as files: what an archive may hold, and each of them once."""

from __future__ import annotations

from pathlib import PurePosixPath

from streamapp.archive.names import path_fault

NAME_BYTES_MAX = 900
"""Leaves room for a number below the limit of an entry's name."""
NAME_CHARACTERS_MAX = 200
"""Of the end of a longer one."""


class EntryNames:
    """Gives each photo of one request its name."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def next(self, sent: str) -> str:
        """The name of the next photo: as it was ``sent``, with a number when it came before."""
        name = _harmless(sent) or f"photo-{len(self._numbers) + 1}"
        distinct, number = name, self._numbers.get(name, 1)
        while distinct in self._numbers:
            number += 1
            distinct = _numbered(name, number)
        self._numbers |= {name: number, distinct: 1} if distinct != name else {name: 1}
        return distinct


def _numbered(name: str, number: int) -> str:
    suffix = PurePosixPath(name).suffix
    return f"{name.removesuffix(suffix)} ({number}){suffix}"


def _harmless(sent: str) -> str:
    """The path as it was sent, or its last name; ``""`` when there is nothing harmless in it."""
    path = "".join(character for character in sent.replace("\\", "/") if character.isprintable())
    last = path.rpartition("/")[2]
    for name in (path, last[-NAME_CHARACTERS_MAX:]):
        if last and not path_fault(name, NAME_BYTES_MAX):
            return name
    return ""
